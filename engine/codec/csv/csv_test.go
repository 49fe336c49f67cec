package csv_test

import (
	stdcsv "encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pyudf/pyudf/engine/codec/csv"
	"github.com/pyudf/pyudf/engine/record"
)

// rows reads all records after the header, in the schema that Infer finds, through wrap.
func rows(t *testing.T, text string, wrap func(io.Reader) io.Reader) []string {
	t.Helper()
	schema, err := csv.Infer(strings.NewReader(text))
	if err != nil {
		t.Fatalf("infer: %v", err)
	}
	converter, reader := csv.NewConverter(schema), csv.NewReader(wrap(strings.NewReader(text)))
	if _, err := csv.Header(reader); err != nil {
		t.Fatalf("header: %v", err)
	}
	var out []string
	for {
		line, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("next: %v", err)
		}
		object, err := converter.Line(nil, line)
		if err != nil {
			object = []byte(fmt.Sprintf("%v: %s", err, line))
		}
		out = append(out, string(object))
	}
}

func TestLinesBecomeObjectsTypedByTheWholeColumn(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"numbers keep their digits":          {"a,b\n1.50,9007199254740993\n-1e5,10.357019999999999\n", []string{`{"a":1.50,"b":9007199254740993}`, `{"a":-1e5,"b":10.357019999999999}`}},
		"NA and empty are null":              {"a,b\n1,x\nNA,\n,NA\n", []string{`{"a":1,"b":"x"}`, `{"a":null,"b":null}`, `{"a":null,"b":null}`}},
		"one text makes a column text":       {"zip\n007\n12\n", []string{`{"zip":"007"}`, `{"zip":"12"}`}},
		"what is no JSON number is text":     {"a,b,c,d,e\n+1,.5,1.,0x10,NaN\n", []string{`{"a":"+1","b":".5","c":"1.","d":"0x10","e":"NaN"}`}},
		"booleans":                           {"a,b\ntrue,True\nFALSE,\n", []string{`{"a":true,"b":true}`, `{"a":false,"b":null}`}},
		"booleans and numbers are text":      {"a\ntrue\n1\n", []string{`{"a":"true"}`, `{"a":"1"}`}},
		"a column of nulls":                  {"a,b\n,1\nNA,2\n", []string{`{"a":null,"b":1}`, `{"a":null,"b":2}`}},
		"quotes, commas and line ends":       {"a,b\n\"x,y\",\"say \"\"hi\"\"\"\n\"two\nlines\r\n3\",z\n", []string{`{"a":"x,y","b":"say \"hi\""}`, `{"a":"two\nlines\r\n3","b":"z"}`}},
		"an escaped quote before a line end": {"a,b\n\"say \"\"hi\"\"\nthere\",1\n", []string{`{"a":"say \"hi\"\nthere","b":1}`}},
		"quoted numbers":                     {"a\n\"1\"\n2\n", []string{`{"a":1}`, `{"a":2}`}},
		"CRLF":                               {"a,b\r\n1,x\r\n2,y\r\n", []string{`{"a":1,"b":"x"}`, `{"a":2,"b":"y"}`}},
		"no line end at the end":             {"a,b\n1,x", []string{`{"a":1,"b":"x"}`}},
		"byte order mark":                    {"\ufeffa\n1\n", []string{`{"a":1}`}},
		"blank lines":                        {"\n\na\n\n1\n\r\n2\n\n", []string{`{"a":1}`, `{"a":2}`}},
		"a quote inside a field":             {"a,b\n5\" pipe,1\n", []string{`{"a":"5\" pipe","b":1}`}},
		"header only":                        {"a,b\n", nil},
		"pandas' index has no name":          {",a\n0,x\n", []string{`{"Unnamed: 0":0,"a":"x"}`}},
		"names are escaped":                  {"\"a\"\"b\"\n1\n", []string{`{"a\"b":1}`}},
		"too few and too many fields":        {"a,b\n1\n1,2,3\n4,5\n", []string{"the line has 1 fields where there are 2 columns: 1", "the line has 3 fields where there are 2 columns: 1,2,3", `{"a":4,"b":5}`}},
		"a bad line does not type":           {"a,b\nx\n1,2\n", []string{"the line has 1 fields where there are 2 columns: x", `{"a":1,"b":2}`}},
		"text after a closing quote":         {"a\n\"x\"y\nz\n", []string{`text follows the closing quote of a field: "x"y`, `{"a":"z"}`}},
		"an open quote costs one line":       {"a,b\n1,\"x\n2,y\n", []string{`a quoted field has no closing quote: 1,"x`, `{"a":2,"b":"y"}`}},
		"not UTF-8 costs one line":           {"a\ncaf\xe9\nok\n", []string{"the line is not UTF-8: caf\xe9", `{"a":"ok"}`}},
		"empty fields at the end of line":    {"a,b,c\n1,,\n\"\",2,\"\"\n", []string{`{"a":1,"b":null,"c":null}`, `{"a":null,"b":2,"c":null}`}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := rows(t, test.text, iotest.OneByteReader); !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestTextsThatAreNullMayBeChosen(t *testing.T) {
	schema, err := csv.Infer(strings.NewReader("a,b\n-,NA\n1,-\n,x\n"), "-", "x")
	if err != nil {
		t.Fatal(err)
	}
	converter := csv.NewConverter(schema)
	for line, want := range map[string]string{"-,NA": `{"a":null,"b":"NA"}`, ",x": `{"a":"","b":null}`} {
		if got, err := converter.Line(nil, []byte(line)); string(got) != want || err != nil {
			t.Errorf("%q: got %s (%v), want %s", line, got, err, want)
		}
	}
}

func TestTheFirstFaultAndEveryRecordKnowTheirLine(t *testing.T) {
	text := "\ufeffa,b\n\n1,\"two\nlines\"\r\n3\n1,2,3\n4,5"
	schema, err := csv.Infer(iotest.OneByteReader(strings.NewReader(text)))
	if err != nil || schema.Fault == nil || schema.Fault.Line != 5 {
		t.Fatalf("got %v, %v, want a fault on line 5", schema, err)
	}
	reader := csv.NewReader(iotest.OneByteReader(strings.NewReader(text)))
	var lines []int
	for _, err := reader.Next(); err == nil; _, err = reader.Next() {
		lines = append(lines, reader.Line())
	}
	if want := []int{1, 3, 5, 6, 7}; !slices.Equal(lines, want) {
		t.Errorf("got %v, want %v", lines, want)
	}
}

func TestDeclaredTypesReadWhatPeopleWrite(t *testing.T) {
	line := func(typ record.Type, field string) string {
		t.Helper()
		object, err := csv.NewConverter(&csv.Schema{Columns: []csv.Column{{"x", typ}}}).Line(nil, []byte(field))
		if err != nil {
			t.Errorf("%s as %v: %v", field, typ, err)
		}
		return strings.TrimSuffix(strings.TrimPrefix(string(object), `{"x":`), "}")
	}
	for _, test := range []struct {
		typ         record.Type
		field, want string
	}{
		{record.Float64, "+1.5", "1.5"},
		{record.Float64, ".5", "0.5"},
		{record.Float64, "-.5", "-0.5"},
		{record.Float64, "5.", "5"},
		{record.Float64, "5.e3", "5e3"},
		{record.Float64, " 12 ", "12"},
		{record.Float64, "NaN", "null"},
		{record.Float64, "007.250", "7.250"},
		{record.Int64, "007", "7"},
		{record.Int64, "-0012", "-12"},
		{record.Int64, "000", "0"},
		{record.Float64, "twelve", `"twelve"`},
		{record.Float64, ".", `"."`},
		{record.Float64, "-", `"-"`},
		{record.Float64, "1.5.2", `"1.5.2"`},
		{record.Decimal, "1.10", "1.10"},
		{record.String, "007", `"007"`},
		{record.String, "true", `"true"`},
		{record.String, "NA", "null"},
		{record.Timestamp, "2013-01-01", `"2013-01-01"`},
		{record.Bool, "True", "true"},
		{record.Bool, "maybe", `"maybe"`},
		{record.JSON, `[1]`, `[1]`},
		{record.JSON, `[1`, `"[1"`},
		{record.Unknown, "x", `"x"`},
	} {
		if got := line(test.typ, test.field); got != test.want {
			t.Errorf("%s as %v: got %s, want %s", test.field, test.typ, got, test.want)
		}
	}
}

func TestALineOfATopicMayHaveItsLineEnd(t *testing.T) {
	converter := csv.NewConverter(&csv.Schema{Columns: []csv.Column{{"a", record.Int64}, {"b", record.String}}})
	for _, line := range []string{"1,x", "1,x\n", "1,x\r\n"} {
		if got, err := converter.Line([]byte("kept"), []byte(line)); string(got) != `kept{"a":1,"b":"x"}` || err != nil {
			t.Errorf("%q: got %s, %v", line, got, err)
		}
	}
	if got, err := converter.Line([]byte("kept"), []byte("1")); string(got) != "kept" || err == nil {
		t.Errorf("got %s, %v, want nothing appended and an error", got, err)
	}
}

func TestWhatIsNoCSVIsRefusedWithASentence(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "it is empty; the first line of a CSV file names its columns",
		"\n\n":                      "it is empty",
		"a,a\n":                     `two of its columns are called "a"`,
		"\xff\xfea\x00":             "UTF-16; save it as UTF-8",
		"caf\xe9\n1\n":              "its first line is not UTF-8",
		"\"a\"b\n":                  "text follows the closing quote",
		strings.Repeat("x", 17<<20): "a line is longer than 16 MiB",
	} {
		if _, err := csv.Infer(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got %v, want %q", text, err, want)
		}
	}
}

func TestAnErrorOfTheReaderIsReported(t *testing.T) {
	broken := errors.New("broken")
	text := io.MultiReader(strings.NewReader("a\n1\n"), iotest.ErrReader(broken))
	if _, err := csv.Infer(text); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestAStrayQuoteInALargeTextCostsOneLine(t *testing.T) {
	var text strings.Builder
	text.WriteString("a,b\n\"stray,1\n")
	for n := range 300_000 {
		fmt.Fprintf(&text, "%d,x\n", n)
	}
	if got := rows(t, text.String(), func(r io.Reader) io.Reader { return r }); len(got) != 300_001 || got[300_000] != `{"a":"299999","b":"x"}` && got[300_000] != `{"a":299999,"b":"x"}` {
		t.Errorf("got %d rows, the last %q", len(got), got[len(got)-1])
	}
}

// FuzzRecords: what encoding/csv reads, we read the same; and whatever comes out is JSON.
func FuzzRecords(f *testing.F) {
	f.Add("a,b\n1,2\n")
	f.Add("\"x\"\"y\",\"two\nlines\"\r\n,\n")
	f.Add("\ufeffa\n\"open\nq\n")
	f.Fuzz(func(t *testing.T, text string) {
		wide := &csv.Schema{Columns: []csv.Column{{"a", record.Float64}, {"b", record.JSON}}}
		converter := csv.NewConverter(wide)
		var got []string
		reader := csv.NewReader(strings.NewReader(text))
		for {
			line, err := reader.Next()
			if err != nil {
				break
			}
			object, err := converter.Line(nil, line)
			if err == nil && !json.Valid(object) {
				t.Fatalf("%q became %s", line, object)
			}
			got = append(got, string(line))
		}
		standard := stdcsv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
		standard.FieldsPerRecord = -1
		want, err := standard.ReadAll()
		if err != nil || strings.Contains(text, "\r") || strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
			return
		}
		if len(got) != len(want) {
			t.Errorf("%q: %d records %q, want %d", text, len(got), got, len(want))
		}
	})
}

func BenchmarkLine(b *testing.B) {
	types := []record.Type{record.String, record.Timestamp, record.Float64, record.Float64, record.Float64, record.Float64, record.Float64}
	schema := &csv.Schema{}
	for i, typ := range types {
		schema.Columns = append(schema.Columns, csv.Column{Name: fmt.Sprint("column", i), Type: typ})
	}
	converter, line := csv.NewConverter(schema), []byte("EWR,2013-01-01T06:00:00Z,39.02,59.37,10.357019999999999,0,1012")
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		out, _ = converter.Line(out[:0], line)
	}
}
