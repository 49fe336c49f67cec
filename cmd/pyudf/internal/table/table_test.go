package table_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/table"
)

var nulls = []string{"NA", ""} //nolint:gochecknoglobals // a constant table

// row is a table.Row that outlives the next one.
type row struct {
	line       int
	value, key string
	at         int64
}

func read(t *testing.T, text string, format table.Format, fields table.Fields) ([]row, error) {
	t.Helper()
	reader, err := table.Open(strings.NewReader(text), format, fields, nulls)
	if err != nil {
		return nil, err
	}
	var rows []row
	for {
		next, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		key := "null"
		if next.Key != nil {
			key = string(next.Key)
		}
		rows = append(rows, row{next.Line, string(next.Value), key, next.Time})
	}
}

func values(rows []row) string {
	lines := make([]string, len(rows))
	for i, row := range rows {
		lines[i] = row.value
	}
	return strings.Join(lines, "\n")
}

func TestCSVBecomesJSONObjects(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"numbers keep their digits", "a,b\n39.020,10.357019999999999\n1E5,-0\n", `{"a":39.020,"b":10.357019999999999}` + "\n" + `{"a":1E5,"b":-0}`},
		{"64 bits and more are not rounded", "a\n9007199254740993\n123456789012345678901234567890\n", `{"a":9007199254740993}` + "\n" + `{"a":123456789012345678901234567890}`},
		{"NA and empty are null", "a,b\nNA,x\n1,\n", `{"a":null,"b":"x"}` + "\n" + `{"a":1,"b":null}`},
		{"one text makes a column of texts", "a\n1\n1.5h\n", `{"a":"1"}` + "\n" + `{"a":"1.5h"}`},
		{"a code with leading zeros is a text", "zip\n02139\n90210\n", `{"zip":"02139"}` + "\n" + `{"zip":"90210"}`},
		{"what JSON cannot write is a text", "a\nNaN\n1\n", `{"a":"NaN"}` + "\n" + `{"a":"1"}`},
		{"texts are escaped", "a\n\"say \"\"hi\"\"\n\\<é>\"\n", `{"a":"say \"hi\"\n\\<é>"}`},
		{"a mark and carriage returns are no data", "\ufeffa,b\r\n1,x\r\n", `{"a":1,"b":"x"}`},
		{"booleans are booleans", "a\nTrue\nfalse\nNA\n", `{"a":true}` + "\n" + `{"a":false}` + "\n" + `{"a":null}`},
		{"a column without a name has that of pandas", ",a\n0,x\n", `{"Unnamed: 0":0,"a":"x"}`},
		{"a header alone", "a,b\n", ""},
	} {
		rows, err := read(t, test.text, table.CSV, table.Fields{})
		if err != nil || values(rows) != test.want {
			t.Errorf("%s: got\n%s (%v)\nwant\n%s", test.name, values(rows), err, test.want)
		}
	}
}

func TestKeyAndTimeComeFromTheirFields(t *testing.T) {
	const noon = 1372680000000
	for _, test := range []struct {
		format table.Format
		text   string
	}{
		{table.CSV, "k,t\nEWR,2013-07-01T12:00:00Z\n7,1372680000\nNA,NA\n"},
		{table.JSON, `{"k":"EWR","t":"2013-07-01T12:00:00Z"}` + "\n" + `{"k":7,"t":1372680000}` + "\n" + `{"k":null,"t":null}`},
	} {
		rows, err := read(t, test.text, test.format, table.Fields{Key: "k", Time: "t"})
		if err != nil || len(rows) != 3 {
			t.Fatalf("%s: got %v (%v)", test.format, rows, err)
		}
		for i, want := range []row{{key: "EWR", at: noon}, {key: "7", at: noon}, {key: "null", at: table.NoTime}} {
			if got := rows[i]; got.key != want.key || got.at != want.at {
				t.Errorf("%s, row %d: got key %s at %d, want %s at %d", test.format, i, got.key, got.at, want.key, want.at)
			}
		}
	}
}

func TestJSONLinesStayTheBytesThatTheyAre(t *testing.T) {
	lines := []string{`{"a": 1.0, "b":9007199254740993}`, `  {"a":"é"}  `, `[1]`, `"text"`}
	rows, err := read(t, "\ufeff"+lines[0]+"\r\n\n"+strings.Join(lines[1:], "\n"), table.JSON, table.Fields{})
	if err != nil || values(rows) != strings.Join(lines, "\n") {
		t.Fatalf("got\n%s (%v)", values(rows), err)
	}
	if rows[1].line != 3 {
		t.Fatalf("the second value was counted as line %d, want 3", rows[1].line)
	}
}

func TestFaultsNameTheirLine(t *testing.T) {
	for _, test := range []struct {
		name   string
		format table.Format
		text   string
		fields table.Fields
		rows   int
		want   string
	}{
		{"too few fields", table.CSV, "a,b\n1,2\n3\n", table.Fields{}, 0, "line 3: the line has 1 fields where there are 2 columns"},
		{"an open quote", table.CSV, "a\n1\n\"2\n", table.Fields{}, 0, "line 3: a quoted field has no closing quote"},
		{"no header", table.CSV, "", table.Fields{}, 0, "it is empty; the first line of a CSV file names its columns"},
		{"not UTF-8 in a CSV", table.CSV, "a\n\"1\n2\"\n\ncaf\xe9\n", table.Fields{}, 0, "line 5: the line is not UTF-8"},
		{"two columns of a name", table.CSV, "a,a\n", table.Fields{}, 0, `two of its columns are called "a"; give each a name of its own`},
		{"unknown fields", table.CSV, "a,b\n", table.Fields{Key: "x", Time: "y"}, 0, "--key x: there is no such column, there are a, b\n--time y: there is no such column, there are a, b"},
		{"no time", table.CSV, "t\n2013-07-01\nnoon\n", table.Fields{Time: "t"}, 1, `line 3: t: "noon" is not ISO 8601 such as 2013-01-01T06:00:00Z, and no number of seconds or milliseconds since 1970`},
		{"half an object", table.JSON, "{}\n{\"a\":1\n", table.Fields{}, 1, "line 2: it is no JSON value: at byte 6: unexpected end of JSON input"},
		{"not UTF-8", table.JSON, "\"\xff\"\n", table.Fields{}, 0, "line 1: it is not UTF-8"},
		{"no object", table.JSON, "[1]\n", table.Fields{Key: "k"}, 0, "line 1: it is no JSON object, so it has no field for --key or --time"},
		{"no such field", table.JSON, "{\"a\":1}\n", table.Fields{Key: "k"}, 0, `line 1: there is no field "k"`},
	} {
		rows, err := read(t, test.text, test.format, test.fields)
		if err == nil || err.Error() != test.want || len(rows) != test.rows {
			t.Errorf("%s: got %v after %d rows, want %s after %d", test.name, err, len(rows), test.want, test.rows)
		}
	}
}

func TestFormatFollowsTheNameUnlessAskedFor(t *testing.T) {
	for _, test := range []struct {
		name, asked string
		want        table.Format
	}{{"a.CSV", "", table.CSV}, {"a.jsonl", "", table.JSON}, {"a.ndjson", "", table.JSON}, {"a.json", "", table.JSON}, {"-", "csv", table.CSV}, {"a.csv", "json", table.JSON}} {
		if got, err := table.FormatOf(test.name, test.asked); err != nil || got != test.want {
			t.Errorf("%s, %q: got %s (%v), want %s", test.name, test.asked, got, err, test.want)
		}
	}
	for _, asked := range []string{"", "xml"} {
		if _, err := table.FormatOf("data.txt", asked); err == nil {
			t.Errorf("data.txt with --format %q was taken", asked)
		}
	}
}

// A number of any length comes out with the digits that went in, next to any neighbours.
func TestDigitsOfAnyNumberAreUnchanged(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		numbers := make([]string, 1+random.IntN(20))
		for i := range numbers {
			numbers[i] = randomNumber(random)
		}
		rows, err := read(t, "n,x\n"+strings.Join(numbers, ",é\n")+",é\n", table.CSV, table.Fields{Key: "n"})
		if err != nil || len(rows) != len(numbers) {
			t.Fatalf("%v: got %d rows (%v)", numbers, len(rows), err)
		}
		for i, number := range numbers {
			var object map[string]json.RawMessage
			if err := json.Unmarshal([]byte(rows[i].value), &object); err != nil || string(object["n"]) != number || rows[i].key != number {
				t.Fatalf("%s became %s, key %s (%v)", number, rows[i].value, rows[i].key, err)
			}
		}
	}
}

func randomNumber(random *rand.Rand) string {
	text := strconv.FormatUint(random.Uint64()>>random.IntN(64), 10)
	if random.IntN(2) == 0 {
		text = "-" + text
	}
	if random.IntN(2) == 0 {
		text += fmt.Sprintf(".%0*d", 1+random.IntN(25), random.Uint32())
	}
	if random.IntN(3) == 0 {
		text += fmt.Sprintf("%s%d", []string{"e", "E", "e+", "E-"}[random.IntN(4)], random.IntN(400))
	}
	return text
}

func FuzzEveryCSVRowIsValidJSON(f *testing.F) {
	f.Add("a,b\n1,x\n")
	f.Add("a\n-1.0e5\n\"q\"\"\"\n")
	f.Add("\ufeffz\xff\n0123\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := read(t, text, table.CSV, table.Fields{})
		if err != nil {
			return
		}
		for _, row := range rows {
			if !json.Valid([]byte(row.value)) {
				t.Fatalf("line %d of %q became %q", row.line, text, row.value)
			}
		}
	})
}
