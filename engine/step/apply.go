package step

import (
	"errors"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/expr"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
)

// columns computes all columns of a with_columns from the same input, then adds them. A row that fails in one of
// them is dead once, with the first failure.
func (r *run) columns(step *plan.Step, in *frame) (*frame, error) {
	var made []field
	failed := failedRows{}
	for _, column := range step.Columns {
		var values record.Column
		var err error
		if column.Call != nil {
			values, err = r.callColumn(step, column.Call, in, failed)
		} else {
			values = r.evaluate(step, column.Expr, in, failed)
		}
		if err != nil {
			return nil, err
		}
		made = append(made, field{column.Name, values})
	}
	return in.with(made).keep(failed.others(in.rows)), nil
}

func (r *run) where(step *plan.Step, in *frame) *frame {
	failed := failedRows{}
	condition := r.evaluate(step, step.Where, in, failed)
	return in.keep(rowsWhere(in.rows, func(row int) bool {
		return !failed[row] && !condition.IsNull(row) && record.Bit(condition.Bools, row)
	}))
}

// evaluate runs an expression. A missing field is a null to it, as in SQL.
func (r *run) evaluate(step *plan.Step, program *expr.Program, in *frame, failed failedRows) record.Column {
	columns := map[string]*record.Column{}
	for _, read := range program.Reads() {
		column, failures := in.column(read.Name, read.Type)
		for _, failure := range failures {
			if !errors.Is(failure.Err, codec.ErrMissing) {
				r.bury(step, in, failed, failure.Row, DeadLetter{Reason: ReasonWrongType, Message: failure.Err.Error()})
			}
		}
		columns[read.Name] = &column
	}
	out, failures := program.Eval(columns, in.rows)
	for _, failure := range failures {
		r.bury(step, in, failed, failure.Row, DeadLetter{Reason: ReasonExpression, Message: failure.Err.Error()})
	}
	return out
}

func (r *run) to(step *plan.Step, in *frame) {
	r.outcome.Outputs = append(r.outcome.Outputs, Output{
		Sink:   step.Sink.Index,
		Step:   step,
		Origin: in.origin,
		Messages: record.Messages{
			Keys:    in.keys(),
			Values:  in.values(),
			Times:   in.times(),
			Headers: in.headers(),
		},
	})
}

func (f *frame) keys() record.Arena {
	if f.origin == nil {
		return f.batch.Keys
	}
	return f.batch.Keys.Take(f.origin)
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

// failedRows are the rows of a frame that failed in the step at hand.
type failedRows map[int]bool

func (f failedRows) others(rows int) []int32 {
	return rowsWhere(rows, func(row int) bool { return !f[row] })
}

// bury notes that a row is dead in this step, unless it is already.
func (r *run) bury(step *plan.Step, in *frame, failed failedRows, row int, letter DeadLetter) {
	if failed[row] {
		return
	}
	failed[row] = true
	letter.Record = in.originOf(row)
	letter.Step = step.Label
	r.outcome.Dead = append(r.outcome.Dead, letter)
}
