package codec_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/record"
)

func arena(texts ...string) *record.Arena {
	var a record.Arena
	for _, text := range texts {
		a.Append([]byte(text))
	}
	return &a
}

func TestScanFindsFieldsWhereverTheyStand(t *testing.T) {
	texts, failures := codec.Scan(arena(
		`{"a":1,"b":"x"}`,
		` { "b" : "y\"}" , "c" : { "a" : 9 } , "a" : -2.5e3 } `,
		`{"\u0061":7}`,
		`{"a":1,"a":2}`,
		`{}`,
	), []string{"a", "b"})
	if len(failures) != 0 {
		t.Fatal(failures)
	}
	for row, want := range [][2]string{{"1", `"x"`}, {"-2.5e3", `"y\"}"`}, {"7", ""}, {"2", ""}, {"", ""}} {
		if a, b := string(texts.Raw(row, "a")), string(texts.Raw(row, "b")); a != want[0] || b != want[1] {
			t.Errorf("row %d: a=%s b=%s, want %s %s", row, a, b, want[0], want[1])
		}
	}
}

func TestScanSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		``:                       "the value is empty, a JSON object is needed",
		`[1,2]`:                  "the value is a list, a JSON object is needed",
		`"x"`:                    "the value is a string, a JSON object is needed",
		`not json`:               "unexpected 'n' at byte 0 where a value should be",
		`{"a":NaN}`:              "NaN at byte 5 is not JSON; write null for a missing number",
		`{"a":-Infinity}`:        "Infinity at byte 6 is not JSON; write null for a missing number",
		`{"a":1`:                 "the JSON ends at byte 6 where ',' or '}' should be",
		`{"a":1}x`:               "unexpected 'x' at byte 7 where the end of the value should be",
		"{\"a\":\"\xff\"}":       "the value is not valid UTF-8",
		"{\"a\":\"x\ny\"}":       `unexpected '\n' at byte 7 where a character that is not a control character should be`,
		`{"a":01}`:               "unexpected '1' at byte 6 where ',' or '}' should be",
		`{"a":"\x"}`:             `unexpected '\\' at byte 6 where a valid escape should be`,
		strings.Repeat("[", 600): "the value nests deeper than 512 levels",
	} {
		_, failures := codec.Scan(arena(text), []string{"a"})
		if len(failures) != 1 || failures[0].Err.Error() != want {
			t.Errorf("%.20q: %v, want %s", text, failures, want)
		}
	}
}

func TestATombstoneIsNoObject(t *testing.T) {
	var a record.Arena
	a.Append(nil)
	if _, failures := codec.Scan(&a, nil); len(failures) != 1 || !strings.Contains(failures[0].Err.Error(), "null") {
		t.Errorf("%v", failures)
	}
}

func TestColumnsHaveTheTypeAskedForOrSayWhyNot(t *testing.T) {
	cases := []struct {
		typ  record.Type
		text string
		want string // the value as JSON again, or the error
	}{
		{record.Float64, `1`, `1.0`},
		{record.Float64, `10.357019999999999`, `10.357019999999999`},
		{record.Float64, `null`, `null`},
		{record.Float64, `"1"`, `wrong type: a string ("1") where a number is needed in field "x"`},
		{record.Float64, `1e999`, `1e999 does not fit a 64-bit float in field "x"`},
		{record.Int64, `9223372036854775807`, `9223372036854775807`},
		{record.Int64, `9223372036854775808`, `9223372036854775808 does not fit a 64-bit integer in field "x"`},
		{record.Int64, `1.0`, `wrong type: a number (1.0) where an integer is needed in field "x"`},
		{record.Bool, `true`, `true`},
		{record.Bool, `1`, `wrong type: a number (1) where a boolean is needed in field "x"`},
		{record.String, `"\u00e9\ud83d\ude00\n"`, "\"é😀\\n\""},
		{record.String, `"\ud83d"`, `the string has half of a surrogate pair in field "x"`},
		{record.String, `7`, `wrong type: a number (7) where a string is needed in field "x"`},
		{record.Decimal, `12345678901234567890.123456789`, `12345678901234567890.123456789`},
		{record.Decimal, `"1.10"`, `1.10`},
		{record.Decimal, `"x"`, `wrong type: a string ("x") where a decimal number is needed in field "x"`},
		{record.JSON, `{"y": [1, 2]}`, `{"y": [1, 2]}`},
	}
	for _, c := range cases {
		texts, _ := codec.Scan(arena(`{"x":`+c.text+`}`), []string{"x"})
		column, failures := texts.Column("x", c.typ, nil)
		got := string(codec.AppendValue(nil, &column, 0))
		if len(failures) > 0 {
			got = failures[0].Err.Error()
		}
		if got != c.want {
			t.Errorf("%s as %s: %s, want %s", c.text, c.typ, got, c.want)
		}
	}
}

func TestAMissingFieldIsToldFromANull(t *testing.T) {
	texts, _ := codec.Scan(arena(`{"x":null}`, `{}`), []string{"x"})
	column, failures := texts.Column("x", record.Float64, nil)
	if len(failures) != 1 || failures[0].Row != 1 || failures[0].Err.Error() != `missing field "x"` {
		t.Errorf("%v", failures)
	}
	if column.Nulls() != 2 {
		t.Errorf("%d nulls", column.Nulls())
	}
}

func TestFloatsAreWrittenAsPythonWritesThem(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0.0", 1: "1.0", -0.5: "-0.5", 1e16: "1e+16", 1e15: "1000000000000000.0", 0.0001: "0.0001", 0.00001: "1e-05",
		123456789.123: "123456789.123", 1e22: "1e+22", 5e-324: "5e-324", math.Inf(1): "null", math.NaN(): "null",
		math.Copysign(0, -1): "-0.0", 9007199254740993: "9007199254740992.0",
	} {
		if got := string(codec.AppendFloat(nil, v)); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}

func TestMembersAreAppendedWithoutTouchingTheRest(t *testing.T) {
	texts, _ := codec.Scan(arena(`{"a": 1.50 }`, `{}`, ` { } `), nil)
	for row, want := range []string{`{"a": 1.50 ,"x":1}`, `{"x":1}`, ` { "x":1} `} {
		if got := string(texts.AppendWith(nil, row, []byte(`,"x":1`))); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// FuzzScan holds the scanner against encoding/json: both accept the same objects and see the same fields.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{`{"a":1,"b":[{"c":"\u00e9"}]}`, `{"a":"\ud83d\ude00","a":null}`, `{"a":-0.1e+7}`, `{ }`, `{"a":tru}`, `[{}]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var a record.Arena
		a.Append(append([]byte{}, data...))
		texts, failures := codec.Scan(&a, []string{"a"})
		var want map[string]json.RawMessage
		err := json.Unmarshal(data, &want)
		accepted := err == nil && want != nil && strings.ToValidUTF8(string(data), "") == string(data)
		if accepted != (len(failures) == 0) {
			t.Fatalf("%q: encoding/json says %v, the scanner %v", data, err, failures)
		}
		if !accepted {
			return
		}
		if got := texts.Raw(0, "a"); string(got) != strings.TrimSpace(string(want["a"])) {
			t.Fatalf("%q: a is %q, want %q", data, got, want["a"])
		}
		members := map[string]string{}
		texts.EachMember(0, func(name string, raw []byte) { members[strings.Clone(name)] = string(raw) })
		if len(members) != len(want) && !strings.Contains(string(data), `\u`) {
			t.Fatalf("%q: %d members, want %d", data, len(members), len(want))
		}
		var again map[string]json.RawMessage
		if err := json.Unmarshal(texts.AppendWith(nil, 0, []byte(`,"new":1`)), &again); err != nil {
			t.Fatalf("%q: not JSON after a member was appended: %v", data, err)
		}
	})
}

func BenchmarkScanAndDecode(b *testing.B) {
	var a record.Arena
	for i := range 1000 {
		a.Append(fmt.Appendf(nil, `{"station": "st-%05d", "region": "r-07", "ts": %d, "temp_f": %s, "rh": 57.3}`, i, 1700000000000+i, strconv.FormatFloat(70+float64(i)/10, 'f', 1, 64)))
	}
	names := []string{"heat_index", "rh", "temp_f"}
	b.ReportAllocs()
	for b.Loop() {
		texts, _ := codec.Scan(&a, names)
		texts.Column("temp_f", record.Float64, nil)
		texts.Column("rh", record.Float64, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
}
