package wire_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/record"
	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
)

// FuzzResult feeds any bytes at all as an answer. What is accepted must be safe to index.
func FuzzResult(f *testing.F) {
	for _, seed := range []*workerv1.RunResponse{
		output("{}[1]", int32s(0, 2, 5), 0, 1),
		failed(0, 1),
		column(&workerv1.Column{Values: make([]byte, 16), Validity: []byte{1}}),
		column(&workerv1.Column{Values: []byte("abc"), Offsets: int32s(0, 1, 3)}),
		column(&workerv1.Column{Values: []byte{2}}),
	} {
		encoded, err := proto.Marshal(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded, 2)
	}
	f.Fuzz(func(t *testing.T, encoded []byte, rows int) {
		response := &workerv1.RunResponse{}
		if rows < 0 || proto.Unmarshal(encoded, response) != nil {
			return
		}
		if result, err := recordFunction(t).Result(rowsOf(rows), response); err == nil {
			readRecords(t, result, rows)
		}
		for kind := range columnTypes {
			if result, err := columnFunction(t, kind).Result(rowsOf(rows), response); err == nil {
				readColumn(t, result.Column, rows)
			}
		}
	})
}

func readRecords(t *testing.T, result *dispatch.Result, rows int) {
	if len(result.Sources) != result.Records.Len() {
		t.Fatalf("%d records with %d sources", result.Records.Len(), len(result.Sources))
	}
	last := 0
	for i, source := range result.Sources {
		_ = result.Records.At(i)
		if int(source) < last || int(source) >= rows {
			t.Fatalf("record %d comes from row %d of %d", i, source, rows)
		}
		last = int(source)
	}
	for _, failure := range result.Failures {
		if failure.Row < 0 || failure.Row >= rows {
			t.Fatalf("failure of row %d of %d", failure.Row, rows)
		}
	}
}

func readColumn(t *testing.T, column *record.Column, rows int) {
	if column.Rows != rows {
		t.Fatalf("%d rows of %d", column.Rows, rows)
	}
	taken := make([]int32, rows)
	for i := range taken {
		taken[i] = int32(i)
	}
	if copied := column.Take(taken); copied.Nulls() != column.Nulls() {
		t.Fatalf("%d nulls, copied %d", column.Nulls(), copied.Nulls())
	}
}

// FuzzRequest builds arenas with any ends at all: a request that is accepted must be readable by a worker.
func FuzzRequest(f *testing.F) {
	f.Add([]byte("{}{}"), int32s(2, 4))
	f.Add([]byte("{}"), int32s(4, 2))
	f.Fuzz(func(t *testing.T, data, ends []byte) {
		arena := record.Arena{Data: data}
		for i := 0; i+4 <= len(ends); i += 4 {
			arena.Ends = append(arena.Ends, int32(ends[i])|int32(ends[i+1])<<8|int32(ends[i+2])<<16|int32(ends[i+3])<<24)
		}
		request, err := recordFunction(t).Request(&dispatch.Call{Rows: arena.Len(), Records: arena})
		if err != nil {
			return
		}
		sources := make([]int32, arena.Len())
		response := &workerv1.RunResponse{Rows: request.GetRows(), Payload: records(request.GetRecords(), sources...)}
		result, err := recordFunction(t).Result(rowsOf(arena.Len()), response)
		if err != nil && arena.Len() > 0 {
			t.Fatalf("what was sent does not read back: %v", err)
		}
		for i := range arena.Len() {
			if string(result.Records.At(i)) != string(arena.At(i)) {
				t.Fatalf("text %d differs", i)
			}
		}
	})
}
