package wire

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/record"
	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
)

// Protocol is the version of the protocol between engines and workers that both sides must speak.
const Protocol = 1

// MaxMessage is the size in bytes of the largest message that travels between engine and worker.
const MaxMessage = 1 << 30

// Request returns the message for a call of the function, without its sequence number. It shares the call's memory.
// A null among the call's records travels as an empty text, which no worker can decode: it becomes a failed row.
func (f *Function) Request(call *dispatch.Call) (*workerv1.RunRequest, error) {
	request, err := f.request(call)
	if err != nil {
		return nil, fmt.Errorf("call of function %q: %w", f.answers.ID, err)
	}
	if size := proto.Size(request); size > MaxMessage {
		return nil, fmt.Errorf("call of function %q: %d rows take %d bytes, a message holds %d: send fewer rows at a time",
			f.answers.ID, call.Rows, size, MaxMessage)
	}
	return request, nil
}

func (f *Function) request(call *dispatch.Call) (*workerv1.RunRequest, error) {
	if call.Rows < 0 || call.Rows > math.MaxInt32 {
		return nil, fmt.Errorf("%d rows are out of range", call.Rows)
	}
	request := &workerv1.RunRequest{Function: f.answers.ID, Rows: uint32(call.Rows)}
	groups, err := f.requestGroups(call)
	if err != nil {
		return nil, err
	}
	request.Groups = groups
	if groups != nil && call.Rows == 0 && call.Columns == nil {
		return request, nil
	}
	if f.columns {
		columns, err := f.requestColumns(call)
		request.Payload = &workerv1.RunRequest_Columns{Columns: columns}
		return request, err
	}
	records, err := requestRecords(&call.Records, call.Rows)
	request.Payload = &workerv1.RunRequest_Records{Records: records}
	return request, err
}

func (f *Function) requestColumns(call *dispatch.Call) (*workerv1.Columns, error) {
	if len(call.Columns) != len(f.params) {
		return nil, fmt.Errorf("%d columns for %d parameters", len(call.Columns), len(f.params))
	}
	out := make([]*workerv1.Column, len(call.Columns))
	for i := range call.Columns {
		column := &call.Columns[i]
		if column.Type != f.params[i] {
			return nil, fmt.Errorf("column %d has type %s, its parameter %s", i, column.Type, f.params[i])
		}
		if column.Rows != call.Rows {
			return nil, fmt.Errorf("column %d has %d rows, the call %d", i, column.Rows, call.Rows)
		}
		converted, err := ColumnMessage(column)
		if err != nil {
			return nil, fmt.Errorf("column %d: %w", i, err)
		}
		out[i] = converted
	}
	return &workerv1.Columns{Columns: out}, nil
}

// ColumnMessage returns the message of a column, or what is wrong with the column.
func ColumnMessage(c *record.Column) (*workerv1.Column, error) {
	bits := record.BitmapSize(c.Rows)
	if c.Valid != nil && len(c.Valid) < bits {
		return nil, lengthError("validity bytes", len(c.Valid), bits)
	}
	out := &workerv1.Column{}
	if c.Valid != nil {
		out.Validity = c.Valid[:bits]
	}
	switch c.Type {
	case record.Bool:
		if len(c.Bools) < bits {
			return nil, lengthError("value bytes", len(c.Bools), bits)
		}
		out.Values = c.Bools[:bits]
	case record.Int64:
		out.Values = bytesOf(c.Ints)
		return out, lengthError("values", len(c.Ints), c.Rows)
	case record.Float64:
		out.Values = bytesOf(c.Floats)
		return out, lengthError("values", len(c.Floats), c.Rows)
	default:
		return out, requestText(out, &c.Text, c.Rows)
	}
	return out, nil
}

func requestText(out *workerv1.Column, text *record.Text, rows int) error {
	if len(text.Offsets) != rows+1 {
		return lengthError("offsets", len(text.Offsets), rows+1)
	}
	end := text.Offsets[rows]
	if err := checkOffsets(text.Offsets, len(text.Data)); err != nil {
		return err
	}
	out.Offsets = bytesOf(text.Offsets)
	out.Values = text.Data[:end]
	return nil
}

func requestRecords(arena *record.Arena, rows int) (*workerv1.Records, error) {
	if len(arena.Ends) != rows {
		return nil, lengthError("records", len(arena.Ends), rows)
	}
	offsets := make([]int32, rows+1)
	copy(offsets[1:], arena.Ends)
	if err := checkOffsets(offsets, len(arena.Data)); err != nil {
		return nil, err
	}
	return &workerv1.Records{Data: arena.Data[:offsets[rows]], Offsets: bytesOf(offsets)}, nil
}

// checkOffsets returns an error unless the offsets stay within size bytes and never decrease.
// REQUIRES: len(offsets) > 0.
func checkOffsets(offsets []int32, size int) error {
	last := offsets[0]
	if last < 0 {
		return fmt.Errorf("offset 0 is %d", last)
	}
	for i, offset := range offsets {
		if offset < last {
			return fmt.Errorf("offset %d is %d after %d", i, offset, last)
		}
		last = offset
	}
	if int(last) > size {
		return fmt.Errorf("the last offset is %d, the text has %d bytes", last, size)
	}
	return nil
}

// lengthError returns nil if the lengths agree.
func lengthError(what string, got, want int) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%d %s where %d belong", got, what, want)
}
