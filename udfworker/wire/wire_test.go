package wire_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
	"github.com/pyudf/pyudf/udfworker/wire"
)

// columnTypes are all types that a column can have, with those of the plan.
var columnTypes = map[record.Type]planv1.Type{ //nolint:gochecknoglobals // a constant table
	record.Bool:      planv1.Type_TYPE_BOOL,
	record.Int64:     planv1.Type_TYPE_INT64,
	record.Float64:   planv1.Type_TYPE_FLOAT64,
	record.String:    planv1.Type_TYPE_STRING,
	record.Decimal:   planv1.Type_TYPE_DECIMAL,
	record.Timestamp: planv1.Type_TYPE_TIMESTAMP,
	record.JSON:      planv1.Type_TYPE_JSON,
}

func columnFunction(t *testing.T, result record.Type, params ...record.Type) *wire.Function {
	t.Helper()
	described := &planv1.Function{
		Id: "f", Input: planv1.Input_INPUT_COLUMNS,
		Output: planv1.Output_OUTPUT_COLUMN, ResultType: columnTypes[result],
	}
	for _, param := range params {
		described.Params = append(described.Params, &planv1.Param{Type: columnTypes[param]})
	}
	return theFunction(t, described)
}

func recordFunction(t *testing.T) *wire.Function {
	t.Helper()
	return theFunction(t, &planv1.Function{
		Id: "f", Input: planv1.Input_INPUT_RECORDS, Output: planv1.Output_OUTPUT_RECORDS,
	})
}

func theFunction(t *testing.T, described *planv1.Function) *wire.Function {
	t.Helper()
	functions, err := wire.Functions(&planv1.Plan{Functions: []*planv1.Function{described}})
	if err != nil {
		t.Fatal(err)
	}
	return functions["f"]
}

// sample returns a column of rows values, every third of them null.
func sample(kind record.Type, rows int) record.Column {
	b := record.NewBuilder(kind, rows)
	for i := range rows {
		switch {
		case i%3 == 2:
			b.Null()
		case kind == record.Bool:
			b.Bool(i%2 == 0)
		case kind == record.Int64:
			b.Int(math.MaxInt64 - int64(i))
		case kind == record.Float64:
			b.Float(float64(i) / 3)
		default:
			b.Text([]byte(strings.Repeat("x", i)))
		}
	}
	return b.Column()
}

// travel sends a message through its encoding, as the connection does.
func travel[M proto.Message](t *testing.T, message, into M) M {
	t.Helper()
	encoded, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(encoded, into); err != nil {
		t.Fatal(err)
	}
	return into
}

func TestAColumnComesBackAsItWasSent(t *testing.T) {
	for kind := range columnTypes {
		for _, rows := range []int{0, 1, 2, 3, 7, 8, 9, 100} {
			f := columnFunction(t, kind, kind)
			sent := sample(kind, rows)
			request, err := f.Request(&dispatch.Call{Rows: rows, Columns: []record.Column{sent}})
			if err != nil {
				t.Fatalf("%s, %d rows: %v", kind, rows, err)
			}
			request = travel(t, request, &workerv1.RunRequest{})
			got, err := f.Result(rowsOf(rows), &workerv1.RunResponse{
				Rows:    request.GetRows(),
				Payload: &workerv1.RunResponse_Column{Column: request.GetColumns().GetColumns()[0]},
				BusyNs:  1500,
			})
			if err != nil {
				t.Fatalf("%s, %d rows: %v", kind, rows, err)
			}
			if got.Busy != 1500*time.Nanosecond || got.Rows != rows {
				t.Errorf("%s: busy %s, rows %d", kind, got.Busy, got.Rows)
			}
			requireSameColumn(t, &sent, got.Column)
		}
	}
}

func requireSameColumn(t *testing.T, want, got *record.Column) {
	t.Helper()
	if got.Type != want.Type || got.Rows != want.Rows {
		t.Fatalf("got %s of %d rows, want %s of %d", got.Type, got.Rows, want.Type, want.Rows)
	}
	for i := range want.Rows {
		if got.IsNull(i) != want.IsNull(i) {
			t.Fatalf("%s, row %d: null is %t, want %t", want.Type, i, got.IsNull(i), want.IsNull(i))
		}
		if !want.IsNull(i) && !sameValue(want, got, i) {
			t.Fatalf("%s, row %d differs", want.Type, i)
		}
	}
}

func sameValue(a, b *record.Column, i int) bool {
	switch a.Type {
	case record.Bool:
		return record.Bit(a.Bools, i) == record.Bit(b.Bools, i)
	case record.Int64:
		return a.Ints[i] == b.Ints[i]
	case record.Float64:
		return a.Floats[i] == b.Floats[i]
	default:
		return string(a.Text.At(i)) == string(b.Text.At(i))
	}
}

func TestRecordsComeBackAsTheyWereSentWithANullAsAnEmptyText(t *testing.T) {
	f := recordFunction(t)
	var sent record.Arena
	for _, text := range [][]byte{[]byte(`{"a":1}`), nil, []byte(`{}`)} {
		sent.Append(text)
	}
	request, err := f.Request(&dispatch.Call{Rows: 3, Records: sent})
	if err != nil {
		t.Fatal(err)
	}
	request = travel(t, request, &workerv1.RunRequest{})
	got, err := f.Result(rowsOf(3), &workerv1.RunResponse{Rows: 3, Payload: records(request.GetRecords(), 0, 1, 2)})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`{"a":1}`, "", `{}`} {
		if text := string(got.Records.At(i)); text != want || int(got.Sources[i]) != i {
			t.Errorf("record %d is %q of row %d, want %q", i, text, got.Sources[i], want)
		}
	}
}

func TestOffsetsOfRecordsMayStartAnywhere(t *testing.T) {
	got, err := recordFunction(t).Result(rowsOf(5), &workerv1.RunResponse{Rows: 5, Payload: records(
		&workerv1.Records{Data: []byte("..{}[1]~"), Offsets: int32s(2, 4, 7)}, 1, 4)})
	if err != nil {
		t.Fatal(err)
	}
	if got.Records.Len() != 2 || string(got.Records.At(0)) != "{}" || string(got.Records.At(1)) != "[1]" {
		t.Errorf("got %q", got.Records.Data)
	}
}

func TestARequestSharesTheMemoryOfTheCall(t *testing.T) {
	column := sample(record.Float64, 2)
	f := columnFunction(t, record.Float64, record.Float64)
	request, err := f.Request(&dispatch.Call{Rows: 2, Columns: []record.Column{column}})
	if err != nil {
		t.Fatal(err)
	}
	values := request.GetColumns().GetColumns()[0].GetValues()
	little := binary.NativeEndian.Uint16([]byte{1, 0}) == 1
	if shared := unsafe.Pointer(&values[0]) == unsafe.Pointer(&column.Floats[0]); shared != little {
		t.Errorf("memory shared: %t, little-endian host: %t", shared, little)
	}
}

func TestAMisalignedBufferIsReadAllTheSame(t *testing.T) {
	backing := make([]byte, 33)
	for shift := range 8 {
		values := backing[shift : shift+24]
		for i := range 3 {
			binary.LittleEndian.PutUint64(values[8*i:], uint64(i+1))
		}
		got, err := columnFunction(t, record.Int64).Result(rowsOf(3), &workerv1.RunResponse{
			Rows: 3, Payload: &workerv1.RunResponse_Column{Column: &workerv1.Column{Values: values}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if ints := got.Column.Ints; ints[0] != 1 || ints[1] != 2 || ints[2] != 3 {
			t.Errorf("shift %d: got %v", shift, ints)
		}
	}
}

func TestFailuresComeInOrderOfRows(t *testing.T) {
	got, err := recordFunction(t).Result(rowsOf(9), &workerv1.RunResponse{
		Rows: 9, Payload: records(&workerv1.Records{}),
		Errors: []*workerv1.RowError{
			{Row: 8, Exception: "ValueError", Message: "bad", Traceback: "heat.py"},
			{Row: 0, Exception: "KeyError"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := dispatch.Failure{Row: 8, Exception: "ValueError", Message: "bad", Traceback: "heat.py"}
	if len(got.Failures) != 2 || got.Failures[0].Row != 0 || got.Failures[1] != want {
		t.Errorf("got %+v", got.Failures)
	}
}

func TestTimeBeyondADurationIsTheLongestDuration(t *testing.T) {
	got, err := recordFunction(t).Result(rowsOf(0), &workerv1.RunResponse{Payload: records(nil), BusyNs: math.MaxUint64})
	if err != nil || got.Busy != math.MaxInt64 {
		t.Errorf("got %v, %v", got, err)
	}
}

func records(texts *workerv1.Records, sources ...int32) *workerv1.RunResponse_Records {
	return &workerv1.RunResponse_Records{Records: &workerv1.OutputRecords{Records: texts, Sources: int32s(sources...)}}
}

func int32s(values ...int32) []byte {
	var out []byte
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, uint32(v))
	}
	return out
}

// rowsOf is a call as far as its answer is concerned.
func rowsOf(n int) *dispatch.Call { return &dispatch.Call{Rows: n} }
