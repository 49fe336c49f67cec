package step

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/window"
)

// spans has a user's class assign windows to the rows. It is asked for each row by itself.
func (r *run) spans(at *place, a *plan.Aggregate) ([][]window.Span, error) {
	if a.Custom == nil {
		return nil, nil
	}
	call := &a.Custom.Assign
	request, sent, err := r.request(at, call)
	if err != nil {
		return nil, err
	}
	spans := make([][]window.Span, at.in.rows)
	if len(sent) == 0 {
		return spans, nil
	}
	request.Groups = &dispatch.Groups{Offsets: []int32{0}}
	for i, row := range sent {
		request.Groups.Offsets = append(request.Groups.Offsets, int32(i+1)) //nolint:gosec // a batch has fewer rows
		request.Groups.Keys.Append([]byte("null"))
		request.Groups.Times = append(request.Groups.Times, r.outcome.Times[at.in.originOf(int(row))])
	}
	result, err := r.call(at, call.Function, request, sent)
	if err != nil {
		return nil, err
	}
	for i, row := range sent {
		if at.failed[int(row)] || result.Column.IsNull(i) {
			continue
		}
		if spans[row], err = spansOf(result.Column.Text.At(i)); err != nil {
			r.bury(at, int(row), DeadLetter{Function: call.Function.Name, Reason: ReasonWrongType, Message: err.Error()})
		}
	}
	return spans, nil
}

// spansOf reads [[start, end], ...].
func spansOf(text []byte) ([]window.Span, error) {
	var spans []window.Span
	for _, pair := range codec.Elements(text) {
		span, err := spanOf(pair)
		if err != nil {
			return nil, err
		}
		spans = append(spans, span)
	}
	return spans, nil
}

var errSpan = errors.New("it is no window: [start, end] in ms")

func spanOf(pair []byte) (window.Span, error) {
	bounds := codec.Elements(pair)
	if len(bounds) != 2 {
		return window.Span{}, errSpan
	}
	start, err := strconv.ParseInt(string(bounds[0]), 10, 64)
	end, endErr := strconv.ParseInt(string(bounds[1]), 10, 64)
	if err != nil || endErr != nil || start >= end {
		return window.Span{}, errSpan
	}
	return window.Span{Start: start, End: end}, nil
}

// Merge asks a user's class which window two windows make together; ok is false if they stay apart.
func (p *Program) Merge(ctx context.Context, f *plan.Function, a, b window.Span) (merged window.Span, ok bool, err error) {
	column, err := p.ask(ctx, f, []window.Span{a}, []window.Span{b}, nil)
	if err != nil || column.IsNull(0) || string(column.Text.At(0)) == "null" {
		return window.Span{}, false, err
	}
	merged, err = spanOf(column.Text.At(0))
	return merged, err == nil, err
}

// Closed asks a user's class whether a window is over, at several watermarks.
func (p *Program) Closed(ctx context.Context, f *plan.Function, w window.Span, watermarks []int64) ([]bool, error) {
	windows := make([]window.Span, len(watermarks))
	for i := range windows {
		windows[i] = w
	}
	column, err := p.ask(ctx, f, windows, nil, watermarks)
	if err != nil {
		return nil, err
	}
	out := make([]bool, len(watermarks))
	for i := range out {
		out[i] = !column.IsNull(i) && record.Bit(column.Bools, i)
	}
	return out, nil
}

// ask calls a method of a user's class. What it raises is an error, as there is no row that it could be blamed on.
func (p *Program) ask(ctx context.Context, f *plan.Function, a, b []window.Span, watermarks []int64) (*record.Column, error) {
	call := &dispatch.Call{Function: f.ID, Rows: len(a), Columns: []record.Column{spanColumn(a)}}
	if b != nil {
		call.Columns = append(call.Columns, spanColumn(b))
	}
	if watermarks != nil {
		call.Columns = append(call.Columns, ints(watermarks))
	}
	result, err := p.caller.Call(ctx, dispatched(f, dispatch.ActionNone), call)
	if err != nil {
		return nil, err
	}
	for _, failure := range result.Failures {
		return nil, &RaisedError{Function: f.Name, Failure: failure}
	}
	return result.Column, nil
}

func spanColumn(spans []window.Span) record.Column {
	b := record.NewBuilder(record.JSON, len(spans))
	for _, s := range spans {
		b.Text(fmt.Appendf(nil, "[%d,%d]", s.Start, s.End))
	}
	return b.Column()
}

// RaisedError is what a user's method raised.
type RaisedError struct {
	Function string
	Failure  dispatch.Failure
}

func (e *RaisedError) Error() string {
	return fmt.Sprintf("%s: %s: %s", e.Function, e.Failure.Exception, e.Failure.Message)
}
