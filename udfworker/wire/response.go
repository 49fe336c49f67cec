package wire

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/record"
	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
)

// Result returns the answer to a call. It shares the response's memory. Failures come in order of rows.
// An error says that the worker broke the protocol; nothing of its answer may be used then.
func (f *Function) Result(call *dispatch.Call, response *workerv1.RunResponse) (*dispatch.Result, error) {
	result, err := f.response(call, response)
	if err != nil {
		return nil, fmt.Errorf("the worker's answer to function %q breaks the protocol: %w", f.answers.ID, err)
	}
	return result, nil
}

func (f *Function) response(call *dispatch.Call, response *workerv1.RunResponse) (*dispatch.Result, error) {
	if got := response.GetRows(); uint64(got) != uint64(call.Rows) {
		return nil, fmt.Errorf("it has %d rows, the call had %d", got, call.Rows)
	}
	want := dispatch.ShapeOf(&f.answers, call)
	failures, err := failuresOf(want.Units, response.GetErrors())
	if err != nil {
		return nil, err
	}
	result := &dispatch.Result{
		Rows:     call.Rows,
		Failures: failures,
		Busy:     time.Duration(min(response.GetBusyNs(), math.MaxInt64)),
	}
	if err := setGroups(result, want, response); err != nil {
		return nil, err
	}
	switch {
	case !want.Values:
	case f.answers.Records:
		err = setRecords(result, want.Units, response.GetRecords())
	default:
		result.Column, err = ColumnOf(f.answers.Result, want.Units, response.GetColumn())
	}
	return result, err
}

func failuresOf(rows int, errs []*workerv1.RowError) ([]dispatch.Failure, error) {
	if len(errs) == 0 {
		return nil, nil
	}
	failures := make([]dispatch.Failure, len(errs))
	for i, e := range errs {
		if uint64(e.GetRow()) >= uint64(rows) {
			return nil, fmt.Errorf("error %d is of row %d, the call had %d rows", i, e.GetRow(), rows)
		}
		failures[i] = dispatch.Failure{
			Row:       int(e.GetRow()),
			Exception: e.GetException(),
			Message:   e.GetMessage(),
			Traceback: e.GetTraceback(),
		}
	}
	slices.SortFunc(failures, func(a, b dispatch.Failure) int { return cmp.Compare(a.Row, b.Row) })
	for i := 1; i < len(failures); i++ {
		if failures[i].Row == failures[i-1].Row {
			return nil, fmt.Errorf("row %d has two errors", failures[i].Row)
		}
	}
	return failures, nil
}

// ColumnOf returns the column of a message, or what is wrong with the message.
func ColumnOf(t record.Type, rows int, column *workerv1.Column) (*record.Column, error) {
	if column == nil {
		return nil, errors.New("it has no column")
	}
	out := &record.Column{Type: t, Rows: rows}
	bits := record.BitmapSize(rows)
	if validity := column.GetValidity(); len(validity) > 0 {
		if len(validity) != bits {
			return nil, lengthError("validity bytes", len(validity), bits)
		}
		out.Valid = validity
	}
	if offsets := column.GetOffsets(); !t.IsText() && len(offsets) > 0 {
		return nil, fmt.Errorf("a column of type %s has %d bytes of offsets", t, len(offsets))
	}
	return out, setValues(out, column)
}

func setValues(out *record.Column, column *workerv1.Column) error {
	values := column.GetValues()
	switch out.Type {
	case record.Bool:
		out.Bools = values
		return lengthError("value bytes", len(values), record.BitmapSize(out.Rows))
	case record.Int64:
		out.Ints = viewOf[int64](values)
		return lengthError("value bytes", len(values), out.Rows*8)
	case record.Float64:
		out.Floats = viewOf[float64](values)
		return lengthError("value bytes", len(values), out.Rows*8)
	default:
		offsets, err := offsetsOf(column.GetOffsets(), len(values))
		if err != nil {
			return err
		}
		out.Text = record.Text{Data: values, Offsets: offsets}
		return lengthError("offsets", len(offsets), out.Rows+1)
	}
}

func setRecords(result *dispatch.Result, rows int, output *workerv1.OutputRecords) error {
	if output == nil {
		return errors.New("it has no records")
	}
	data := output.GetRecords().GetData()
	offsets, err := offsetsOf(output.GetRecords().GetOffsets(), len(data))
	if err != nil {
		return err
	}
	if len(output.GetSources()) != 4*(len(offsets)-1) {
		return lengthError("bytes of sources", len(output.GetSources()), 4*(len(offsets)-1))
	}
	result.Records = arenaOf(data, offsets)
	result.Sources = viewOf[int32](output.GetSources())
	return checkSources(result.Sources, rows)
}

func checkSources(sources []int32, rows int) error {
	last := int32(0)
	for i, source := range sources {
		if source < last {
			return fmt.Errorf("record %d comes from row %d, the one before it from row %d", i, source, last)
		}
		last = source
	}
	if len(sources) > 0 && int(last) >= rows {
		return fmt.Errorf("a record comes from row %d, the call had %d rows", last, rows)
	}
	return nil
}

// offsetsOf returns at least one offset. No bytes at all are the offsets of no texts.
func offsetsOf(encoded []byte, size int) ([]int32, error) {
	if len(encoded)%4 != 0 {
		return nil, fmt.Errorf("%d bytes of offsets are not a multiple of 4", len(encoded))
	}
	if len(encoded) == 0 {
		return []int32{0}, nil
	}
	offsets := viewOf[int32](encoded)
	return offsets, checkOffsets(offsets, size)
}

// arenaOf leaves out the leading offset, which an arena takes for 0. The offsets have been checked.
func arenaOf(data []byte, offsets []int32) record.Arena {
	first, ends := offsets[0], offsets[1:]
	if first > 0 {
		ends = slices.Clone(ends)
		for i := range ends {
			ends[i] -= first
		}
	}
	return record.Arena{Data: data[first:offsets[len(offsets)-1]], Ends: ends}
}
