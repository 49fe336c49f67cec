package step

import (
	"errors"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/expr"
	"github.com/pyudf/pyudf/engine/key"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
)

// columns computes all columns of a with_columns from the same input, then adds them. A row that fails in one of
// them is dead once, with the first failure.
func (r *run) columns(step *plan.Step, in *frame) (*frame, error) {
	var made []field
	at := &place{step, in, map[int]bool{}}
	for _, column := range step.Columns {
		var values record.Column
		var err error
		if column.Call != nil {
			values, err = r.callColumn(at, column.Call)
		} else {
			values = r.evaluate(at, column.Expr)
		}
		if err != nil {
			return nil, err
		}
		made = append(made, field{column.Name, values})
	}
	return in.with(made).keep(at.others()), nil
}

func (r *run) where(step *plan.Step, in *frame) *frame {
	at := &place{step, in, map[int]bool{}}
	condition := r.evaluate(at, step.Where)
	return in.keep(rowsWhere(in.rows, func(row int) bool {
		if in.taken != nil && in.taken[row] {
			return true
		}
		return !at.failed[row] && !condition.IsNull(row) && record.Bit(condition.Bools, row)
	}))
}

// evaluate runs an expression. A missing field is a null to it, as in SQL.
func (r *run) evaluate(at *place, program *expr.Program) record.Column {
	columns := map[string]*record.Column{}
	for _, read := range program.Reads() {
		column, failures := at.in.column(read.Name, read.Type)
		for _, failure := range failures {
			if !errors.Is(failure.Err, codec.ErrMissing) {
				r.bury(at, failure.Row, DeadLetter{Reason: ReasonWrongType, Message: failure.Err.Error()})
			}
		}
		columns[read.Name] = &column
	}
	out, failures := program.Eval(columns, at.in.rows)
	for _, failure := range failures {
		r.bury(at, failure.Row, DeadLetter{Reason: ReasonExpression, Message: failure.Err.Error()})
	}
	return out
}

func (r *run) to(step *plan.Step, in *frame) {
	messages := record.Messages{Keys: in.keys(), Times: in.times(), Headers: in.headers(), Known: in.fields()}
	if messages.Known != nil {
		messages.Values = record.Arena{Ends: make([]int32, in.rows)}
	} else {
		messages.Values = in.values()
	}
	r.outcome.Outputs = append(r.outcome.Outputs, Output{Sink: step.Sink.Index, Step: step, Origin: in.origin, Messages: messages})
}

func (f *frame) keys() record.Arena {
	if f.key != nil {
		return bareKeys(f.key)
	}
	if f.origin == nil {
		return f.batch.Keys
	}
	return f.batch.Keys.Take(f.origin)
}

// bareKeys returns keys as Kafka has them.
func bareKeys(keys *record.Arena) record.Arena {
	var out record.Arena
	out.Grow(keys.Len(), len(keys.Data))
	for row := range keys.Len() {
		out.Append(key.Bytes(keys.At(row)))
	}
	return out
}

func (f *frame) times() []int64 {
	if f.origin == nil {
		return f.batch.Times
	}
	times := make([]int64, f.rows)
	for row := range f.rows {
		times[row] = f.batch.Times[f.origin[row]]
	}
	return times
}

func (f *frame) headers() [][]record.Header {
	if f.origin == nil || f.batch.Headers == nil {
		return f.batch.Headers
	}
	headers := make([][]record.Header, f.rows)
	for row := range f.rows {
		headers[row] = f.batch.Headers[f.origin[row]]
	}
	return headers
}

// place is a step at work on a frame. failed are the rows of the frame that failed in it.
type place struct {
	step   *plan.Step
	in     *frame
	failed map[int]bool
}

// others returns the rows that did not fail.
func (at *place) others() []int32 {
	return rowsWhere(at.in.rows, func(row int) bool { return !at.failed[row] })
}

// bury notes that a row is dead in this step, unless it is already.
func (r *run) bury(at *place, row int, letter DeadLetter) {
	if at.failed[row] {
		return
	}
	at.failed[row] = true
	letter.Record = at.in.originOf(row)
	letter.Step = at.step.Label
	r.outcome.Dead = append(r.outcome.Dead, letter)
}
