package dispatch

import (
	"fmt"
	"time"

	"github.com/pyudf/pyudf/engine/record"
)

// Function is what dispatch needs to know of a user's function.
type Function struct {
	ID   string
	Name string
	// Timeout is the longest time that a call may take. 0: no limit.
	Timeout time.Duration
	// Records tells that results are records, else a column of type Result.
	Records bool
	Result  record.Type
}

// slice returns the call for the rows of from (inclusive) to to (exclusive).
func (c *Call) slice(from, to int) *Call {
	if from == 0 && to == c.Rows {
		return c
	}
	out := &Call{Function: c.Function, Rows: to - from}
	if c.Columns == nil {
		out.Records = c.Records.Slice(from, to)
		return out
	}
	out.Columns = make([]record.Column, len(c.Columns))
	for i := range c.Columns {
		out.Columns[i] = c.Columns[i].Slice(from, to)
	}
	return out
}

// check returns an error if a result cannot be the answer to a call of n rows. Such a result must not be used at all.
func (r *Result) check(f *Function, n int) error {
	if r.Rows != n {
		return fmt.Errorf("the worker answered %d rows to a call of %d", r.Rows, n)
	}
	for _, failure := range r.Failures {
		if failure.Row < 0 || failure.Row >= n {
			return fmt.Errorf("the worker reports a failure of row %d of %d", failure.Row, n)
		}
	}
	if !f.Records {
		if r.Column == nil || r.Column.Rows != n || r.Column.Type != f.Result {
			return fmt.Errorf("the worker answered no column of %d values of type %s", n, f.Result)
		}
		return nil
	}
	if r.Records.Len() != len(r.Sources) {
		return fmt.Errorf("the worker answered %d records with %d sources", r.Records.Len(), len(r.Sources))
	}
	last := int32(0)
	for _, source := range r.Sources {
		if source < last || int(source) >= n {
			return fmt.Errorf("the worker answered a record of row %d of %d after one of row %d", source, n, last)
		}
		last = source
	}
	return nil
}

// join puts the results of consecutive slices of a call together.
func join(f *Function, results []*Result) *Result {
	if len(results) == 1 {
		return results[0]
	}
	out := &Result{}
	var columns []*record.Column
	for _, r := range results {
		for _, failure := range r.Failures {
			failure.Row += out.Rows
			out.Failures = append(out.Failures, failure)
		}
		for i, source := range r.Sources {
			out.Sources = append(out.Sources, source+int32(out.Rows))
			out.Records.Append(r.Records.At(i))
		}
		columns = append(columns, r.Column)
		out.Rows += r.Rows
		out.Busy += r.Busy
	}
	if !f.Records {
		column := record.Concat(columns)
		out.Column = &column
	}
	return out
}

// failed returns the result of a call whose only row cannot be tried again.
func failed(f *Function, failure Failure) *Result {
	result := &Result{Rows: 1, Failures: []Failure{failure}}
	if !f.Records {
		b := record.NewBuilder(f.Result, 1)
		b.Null()
		column := b.Column()
		result.Column = &column
	}
	return result
}
