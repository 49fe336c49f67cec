package replay

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protodelim"

	"github.com/pyudf/pyudf/engine/record"
	tablev1 "github.com/pyudf/pyudf/proto/pyudf/table/v1"
)

// messages are values without keys; NULL is a tombstone.
func messages(values ...string) *record.Messages {
	m := &record.Messages{}
	for _, value := range values {
		m.Keys.Append(nil)
		if value == "NULL" {
			m.Values.Append(nil)
		} else {
			m.Values.Append([]byte(value))
		}
		m.Times = append(m.Times, -1)
	}
	return m
}

// wrote has a result write messages, and returns the chunks as text: a column a field.
func wrote(t *testing.T, change func(r *result), all ...*record.Messages) []string {
	t.Helper()
	r, err := createResult(filepath.Join(t.TempDir(), "result"))
	if err != nil {
		t.Fatal(err)
	}
	change(r)
	for _, m := range all {
		if rejected, err := r.Write(t.Context(), m); err != nil || len(rejected) > 0 {
			t.Fatalf("%v, and %d are rejected", err, len(rejected))
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(r.path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	buffered := bufio.NewReader(file)
	var chunks []string
	for {
		chunk := &tablev1.Chunk{}
		if err := protodelim.UnmarshalFrom(buffered, chunk); errors.Is(err, io.EOF) {
			return chunks
		} else if err != nil {
			t.Fatal(err)
		}
		chunks = append(chunks, described(t, chunk))
	}
}

// described writes a chunk as "a int64 [1 NULL]; b string ...", and the rows that it comes from behind it.
func described(t *testing.T, chunk *tablev1.Chunk) string {
	t.Helper()
	fields, err := fieldsOf(chunk)
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for i, f := range fields {
		kind := strings.ToLower(strings.TrimPrefix(chunk.GetFields()[i].GetKind().String(), "KIND_"))
		column := objects([]record.Known{f}, int(chunk.GetRows()))
		values := strings.ReplaceAll(shown(&column), fmt.Sprintf("{%q:", f.Name), "")
		parts = append(parts, fmt.Sprintf("%s %s [%s]", f.Name, kind, strings.ReplaceAll(values, "}", "")))
	}
	for sources := chunk.GetSources(); len(sources) > 0; sources = sources[8:] {
		parts = append(parts, fmt.Sprintf("of %d", binary.LittleEndian.Uint64(sources)))
	}
	return strings.Join(parts, "; ")
}

func TestResultsAreColumnsOfTheNarrowestTypeOfAChunk(t *testing.T) {
	cases := map[string]struct {
		values []string
		want   string
	}{
		"integers":                  {[]string{`{"a":1}`, `{"a":-2}`}, "a int64 [1 -2]"},
		"integers and fractions":    {[]string{`{"a":1}`, `{"a":0.5}`}, "a float64 [1.0 0.5]"},
		"what a record lacks":       {[]string{`{"a":1}`, `{"b":"x","a":2}`, `{}`}, `a int64 [1 2 null]; b string [null "x" null]`},
		"nulls alone":               {[]string{`{"a":null}`}, "a null [null]"},
		"several kinds":             {[]string{`{"a":1}`, `{"a":"x"}`, `{"a":[1]}`}, `a json [1 "x" [1]]`},
		"the last of equal members": {[]string{`{"a":1,"a":2}`}, "a int64 [2]"},
		"what is no object":         {[]string{`{"a":1}`, `soon`}, `a int64 [1 null]; value string [null "soon"]`},
		"records taken back":        {[]string{`{"a":1}`, "NULL", `{"a":3}`}, "a int64 [1 3]"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := wrote(t, func(*result) {}, messages(c.values...))
			if strings.Join(got, " | ") != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestFieldsAreReadAsTheirJSONWouldBe(t *testing.T) {
	cases := map[string]*record.Builder{
		"floats":       null(floats(0.1, 3, math.Copysign(0, -1), 1e300)),
		"no numbers":   floats(math.NaN(), 1, math.Inf(1), math.Inf(-1)),
		"NaN alone":    null(floats(math.NaN())),
		"integers":     null(ints(math.MaxInt64, -1)),
		"booleans":     null(bools(true, false)),
		"nulls alone":  null(null(ints())),
		"texts":        null(strs(record.String, "a\"b", "", "\u00e9", "\xff")),
		"moments":      null(strs(record.Timestamp, "2024-05-01T12:30:00Z")),
		"digits":       null(strs(record.Decimal, "1", "1.50", "NaN")),
		"large digits": strs(record.Decimal, "12345678901234567890123"),
	}
	for name, c := range cases {
		column := c.Column()
		known := []record.Known{{Name: "a", Column: column}}
		values := objects(known, column.Rows)
		numbers := numbered([]int64{1, 2, 3, 4, 5}[:column.Rows])
		asFields := &record.Messages{Keys: numbers, Values: record.Arena{Ends: make([]int32, column.Rows)}, Known: known}
		asTexts := &record.Messages{Keys: numbers, Values: values}
		for _, raw := range [][]string{nil, {"a"}} {
			change := func(r *result) { r.lean, r.raw = true, raw }
			got, want := wrote(t, change, asFields), wrote(t, change, asTexts)
			if !slices.Equal(got, want) {
				t.Errorf("%s, raw %q: got %s, want %s", name, raw, got, want)
			}
		}
	}
}

func TestResultsThatAreAllTakenBackAreNoChunk(t *testing.T) {
	if got := wrote(t, func(*result) {}, messages("NULL"), messages(`{"a":1}`)); len(got) != 1 || got[0] != "a int64 [1]" {
		t.Errorf("got %s", got)
	}
}

func TestRawFieldsKeepTheirDigits(t *testing.T) {
	got := wrote(t, func(r *result) { r.raw = []string{"a"} }, messages(`{"a":1.10,"b":1.10}`))
	if strings.Join(got, "") != "a json [1.10]; b float64 [1.1]" {
		t.Errorf("got %s", got)
	}
}

func TestLeanResultsSayWhichRowsTheyComeFrom(t *testing.T) {
	m := messages(`{"a":1}`, "NULL", `{"a":3}`)
	m.Keys = numbered([]int64{7, 8, 9})
	got := wrote(t, func(r *result) { r.lean = true }, m)
	if strings.Join(got, "") != "a int64 [1 3]; of 7; of 9" {
		t.Errorf("got %s", got)
	}
}

func TestLateRecordsHaveWhatTheirHeadersSay(t *testing.T) {
	m := messages(`{"a":1}`, `{}`)
	of := []record.Header{{Key: "pyudf.step", Value: []byte("agg(n)")}, {Key: "pyudf.lateness_ms", Value: []byte("5")}}
	m.Headers = [][]record.Header{of, of}
	got := wrote(t, func(r *result) { r.told = told }, m)
	if strings.Join(got, "") != `a int64 [1 null]; pyudf.step string ["agg(n)" "agg(n)"]; pyudf.lateness_ms int64 [5 5]` {
		t.Errorf("got %s", got)
	}
}

func TestDeadLettersHaveTheirValueAsText(t *testing.T) {
	m := messages(`{"a":`, "NULL")
	of := []record.Header{{Key: "pyudf.reason", Value: []byte("undecodable")}, {Key: "pyudf.offset", Value: []byte("3")}}
	m.Headers = [][]record.Header{of, of}
	got := wrote(t, func(r *result) { r.told = letter }, m)
	if strings.Join(got, "") != `pyudf.reason string ["undecodable" "undecodable"]; pyudf.offset int64 [3 3]; value string ["{\"a\":" null]` {
		t.Errorf("got %s", got)
	}
}
