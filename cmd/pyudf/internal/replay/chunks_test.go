package replay

import (
	"encoding/binary"
	"errors"
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
	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
	"github.com/pyudf/pyudf/udfworker/wire"
)

func ints(values ...int64) *record.Builder {
	b := record.NewBuilder(record.Int64, len(values))
	for _, v := range values {
		b.Int(v)
	}
	return b
}

func floats(values ...float64) *record.Builder {
	b := record.NewBuilder(record.Float64, len(values))
	for _, v := range values {
		b.Float(v)
	}
	return b
}

func bools(values ...bool) *record.Builder {
	b := record.NewBuilder(record.Bool, len(values))
	for _, v := range values {
		b.Bool(v)
	}
	return b
}

func strs(typ record.Type, values ...string) *record.Builder {
	b := record.NewBuilder(typ, len(values))
	for _, v := range values {
		b.Text([]byte(v))
	}
	return b
}

// null adds a null to a column.
func null(b *record.Builder) *record.Builder {
	b.Null()
	return b
}

// field is a column x of a kind.
func field(t *testing.T, kind tablev1.Kind, perSecond uint64, values *record.Builder) *tablev1.Field {
	t.Helper()
	column := values.Column()
	message, err := wire.ColumnMessage(&column)
	if err != nil {
		t.Fatal(err)
	}
	return &tablev1.Field{Name: "x", Kind: kind, PerSecond: perSecond, Values: message}
}

// saved is an input with a file of chunks.
func saved(t *testing.T, chunks ...*tablev1.Chunk) *Input {
	t.Helper()
	path := filepath.Join(t.TempDir(), "input")
	file, err := os.Create(path) //nolint:gosec // our own
	if err != nil {
		t.Fatal(err)
	}
	for _, chunk := range chunks {
		if _, err := protodelim.MarshalTo(file, chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return &Input{Source: "weather", Chunks: path}
}

func open(t *testing.T, input *Input, key string) *chunks {
	t.Helper()
	c, err := openChunks(input, key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func shown(a *record.Arena) string {
	var all []string
	for i := range a.Len() {
		if a.IsNull(i) {
			all = append(all, "NULL")
		} else {
			all = append(all, string(a.At(i)))
		}
	}
	return strings.Join(all, " ")
}

func TestColumnsAreRecordsAsOnATopic(t *testing.T) {
	cases := map[string]struct {
		kind      tablev1.Kind
		perSecond uint64
		values    *record.Builder
		want      string
	}{
		"bool":              {tablev1.Kind_KIND_BOOL, 0, null(bools(true, false)), `{"x":true} {"x":false} {"x":null}`},
		"int64":             {tablev1.Kind_KIND_INT64, 0, null(ints(math.MaxInt64, -1)), `{"x":9223372036854775807} {"x":-1} {"x":null}`},
		"float64":           {tablev1.Kind_KIND_FLOAT64, 0, floats(0.1, 3, 5e-324, math.Copysign(0, -1)), `{"x":0.1} {"x":3.0} {"x":5e-324} {"x":-0.0}`},
		"no number":         {tablev1.Kind_KIND_FLOAT64, 0, floats(math.NaN(), math.Inf(1), math.Inf(-1)), `{"x":null} {"x":null} {"x":null}`},
		"string":            {tablev1.Kind_KIND_STRING, 0, null(strs(record.String, "a\"b", "")), `{"x":"a\"b"} {"x":""} {"x":null}`},
		"decimal":           {tablev1.Kind_KIND_DECIMAL, 0, strs(record.Decimal, "1.10"), `{"x":1.10}`},
		"json":              {tablev1.Kind_KIND_JSON, 0, strs(record.JSON, `[1,{"a":2}]`), `{"x":[1,{"a":2}]}`},
		"binary":            {tablev1.Kind_KIND_BINARY, 0, null(strs(record.String, "\xff\xfe")), `{"x":"//4="} {"x":null}`},
		"timestamp":         {tablev1.Kind_KIND_TIMESTAMP, 1000, null(ints(1714566600250, -1)), `{"x":"2024-05-01T12:30:00.25Z"} {"x":"1969-12-31T23:59:59.999Z"} {"x":null}`},
		"timestamp, in ns":  {tablev1.Kind_KIND_TIMESTAMP, 1_000_000_000, ints(1), `{"x":"1970-01-01T00:00:00.000000001Z"}`},
		"date":              {tablev1.Kind_KIND_DATE, 0, ints(19844, -1), `{"x":"2024-05-01"} {"x":"1969-12-31"}`},
		"time":              {tablev1.Kind_KIND_TIME, 1_000_000, ints(45_000_250_000), `{"x":"12:30:00.25"}`},
		"nothing but nulls": {tablev1.Kind_KIND_NULL, 0, null(ints()), `{"x":null}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			column := c.values.Column()
			chunk := &tablev1.Chunk{Rows: uint32(column.Rows), Fields: []*tablev1.Field{field(t, c.kind, c.perSecond, c.values)}} //nolint:gosec // few
			batch, err := open(t, saved(t, chunk), "").Next()
			if err != nil {
				t.Fatal(err)
			}
			if got := shown(&batch.Values); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestRecordsOfAllChunksAreOnePartition(t *testing.T) {
	record1 := &workerv1.Records{Data: []byte(`{"k":"a","at":5}{"k":"b"}`), Offsets: offsets(0, 16, 25)}
	record2 := &workerv1.Records{Data: []byte(`{}`), Offsets: offsets(0, 2)}
	input := saved(t, &tablev1.Chunk{Rows: 2, Records: record1}, &tablev1.Chunk{Rows: 1, Records: record2})
	input.Time = "at"
	c := open(t, input, "k")
	first, err := c.Next()
	if err != nil {
		t.Fatal(err)
	}
	number(first)
	second, err := c.Next()
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(&first.Values); got != `{"k":"a","at":5} {"k":"b"}` {
		t.Errorf("the records are %s", got)
	}
	if got := shown(&first.Keys); got != "a b" {
		t.Errorf("their keys are %s", got)
	}
	if !slices.Equal(first.Offsets, []int64{0, 1}) || !slices.Equal(second.Offsets, []int64{2}) {
		t.Errorf("they are numbered %v and %v", first.Offsets, second.Offsets)
	}
	// The second record has no timestamp: it gets its number.
	if !slices.Equal(first.Times, []int64{5000, 1}) {
		t.Errorf("their timestamps are %v", first.Times)
	}
	if _, err := c.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last chunk: %v, want the end", err)
	}
}

func offsets(values ...int32) []byte {
	var encoded []byte
	for _, v := range values {
		encoded = binary.LittleEndian.AppendUint32(encoded, uint32(v)) //nolint:gosec // never negative
	}
	return encoded
}

func TestLeanRecordsAreEmptyAndHaveTheirNumbersForKeys(t *testing.T) {
	chunk := func(v int64) *tablev1.Chunk {
		return &tablev1.Chunk{Rows: 1, Fields: []*tablev1.Field{field(t, tablev1.Kind_KIND_INT64, 0, ints(v))}}
	}
	input := saved(t, chunk(7), chunk(8))
	input.Lean = true
	c := open(t, input, "x")
	for want := range int64(2) {
		batch, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(&batch.Values); got != "{}" {
			t.Errorf("the record is %s", got)
		}
		if got := int64(binary.LittleEndian.Uint64(batch.Keys.At(0))); got != want { //nolint:gosec // its number
			t.Errorf("its key is the number %d, want %d", got, want)
		}
		if known := batch.Known; len(known) != 1 || known[0].Name != "x" || known[0].Column.Ints[0] != 7+want {
			t.Errorf("what is known of it is %v", known)
		}
	}
}

func TestDataThatIsNoneIsRefusedWithItsSource(t *testing.T) {
	torn := saved(t, &tablev1.Chunk{Rows: 1, Fields: []*tablev1.Field{field(t, tablev1.Kind_KIND_INT64, 0, ints(1))}})
	data, err := os.ReadFile(torn.Chunks)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(torn.Chunks, data[:len(data)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	of := func(f *tablev1.Field) *Input { return saved(t, &tablev1.Chunk{Rows: 2, Fields: []*tablev1.Field{f}}) }
	cases := map[string]struct {
		input *Input
		want  string
	}{
		"a kind of a later version": {of(field(t, tablev1.Kind(99), 0, ints(1, 2))), "one version"},
		"too few values":            {of(field(t, tablev1.Kind_KIND_INT64, 0, ints(1))), `column "x"`},
		"moments without a unit":    {of(field(t, tablev1.Kind_KIND_TIMESTAMP, 0, ints(1, 2))), "0 units a second"},
		"an odd unit":               {of(field(t, tablev1.Kind_KIND_TIME, 7, ints(1, 2))), "7 units a second"},
		"offsets that begin late":   {saved(t, &tablev1.Chunk{Rows: 1, Records: &workerv1.Records{Data: []byte(" {}"), Offsets: offsets(1, 3)}}), "do not begin at 0"},
		"a file that breaks off":    {torn, "unexpected EOF"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, c.input, "").Next()
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "the data of weather") {
				t.Errorf("got %v, want the data of weather and %q", err, c.want)
			}
		})
	}
}
