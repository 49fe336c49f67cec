package dispatch

import (
	"fmt"
	"sort"

	"github.com/pyudf/pyudf/engine/record"
)

// Shape is what the answer to a call looks like.
type Shape struct {
	// Units is how many values there are, and what failures and sources are numbers of: rows or groups.
	Units int
	// Values tells that there is a column, or records.
	Values bool
	// Groups is how many values each of States and Timers has.
	Groups, States, Timers int
}

// ShapeOf returns the shape of a function's answer to a call.
func ShapeOf(f *Function, c *Call) Shape {
	s := Shape{Units: c.Rows, Values: true}
	if c.Groups == nil {
		return s
	}
	s.Groups, s.States, s.Timers = c.Groups.Len(), f.States, f.Timers
	switch c.Groups.Action {
	case ActionAdd:
		s.Values = false
	case ActionMerge:
		s.Units, s.Values = s.Groups, false
	case ActionResult:
		s.Units, s.States = s.Groups, 0
	case ActionNone:
		if f.PerGroup {
			s.Units = s.Groups
		}
	}
	return s
}

// unitOf returns what failures of a call are of, for messages.
func unitOf(f *Function, c *Call) string {
	switch {
	case c.Groups != nil && c.Groups.Action == ActionMerge:
		return "pair of states"
	case f.PerGroup || (c.Groups != nil && c.Groups.Action == ActionResult):
		return "group of records"
	default:
		return "record"
	}
}

// check returns an error if a result cannot be the answer to a call. Such a result must not be used at all.
func (r *Result) check(f *Function, c *Call) error {
	if r.Rows != c.Rows {
		return fmt.Errorf("the worker answered %d rows to a call of %d", r.Rows, c.Rows)
	}
	s := ShapeOf(f, c)
	for _, failure := range r.Failures {
		if failure.Row < 0 || failure.Row >= s.Units {
			return fmt.Errorf("the worker reports a failure of row %d of %d", failure.Row, s.Units)
		}
	}
	if err := r.checkGroups(s); err != nil {
		return err
	}
	if s.Values && !f.Records && (r.Column == nil || r.Column.Rows != s.Units || r.Column.Type != f.Result) {
		return fmt.Errorf("the worker answered no column of %d values of type %s", s.Units, f.Result)
	}
	if f.Records {
		if err := r.checkRecords(s); err != nil {
			return err
		}
	}
	return r.checkTaken(c)
}

func (r *Result) checkRecords(s Shape) error {
	if r.Records.Len() != len(r.Sources) {
		return fmt.Errorf("the worker answered %d records with %d sources", r.Records.Len(), len(r.Sources))
	}
	last := int32(0)
	for _, source := range r.Sources {
		if source < last || int(source) >= s.Units {
			return fmt.Errorf("the worker answered a record of row %d of %d after one of row %d", source, s.Units, last)
		}
		last = source
	}
	return nil
}

func (r *Result) checkGroups(s Shape) error {
	if len(r.States) != s.States || len(r.Timers) != s.Timers {
		return fmt.Errorf("the worker answered %d states and %d timers where %d and %d belong", len(r.States), len(r.Timers), s.States, s.Timers)
	}
	for i := range r.States {
		if got := r.States[i].Len(); got != s.Groups {
			return fmt.Errorf("the worker answered %d values of state %d for %d groups", got, i, s.Groups)
		}
	}
	for i, timer := range r.Timers {
		if len(timer) != s.Groups {
			return fmt.Errorf("the worker answered %d moments of timer %d for %d groups", len(timer), i, s.Groups)
		}
	}
	return nil
}

// checkTaken also sees to it that a call gets on: each group takes its first row.
func (r *Result) checkTaken(c *Call) error {
	if r.Taken == nil {
		return nil
	}
	if c.Groups == nil || c.Groups.Watermarks == nil || len(r.Taken) != c.Groups.Len() {
		return fmt.Errorf("the worker answered how many rows %d groups took, which nobody asked for", len(r.Taken))
	}
	for i, taken := range r.Taken {
		if rows := c.Groups.Offsets[i+1] - c.Groups.Offsets[i]; taken < min(rows, 1) || taken > rows {
			return fmt.Errorf("the worker answered that group %d took %d of its %d rows", i, taken, rows)
		}
	}
	return r.checkUntaken(c.Groups)
}

// checkUntaken returns an error if rows that were not taken have failures or records.
func (r *Result) checkUntaken(g *Groups) error {
	untaken := func(row int) bool {
		group := sort.Search(g.Len(), func(i int) bool { return int(g.Offsets[i+1]) > row })
		return row >= int(g.Offsets[group]+r.Taken[group])
	}
	for _, failure := range r.Failures {
		if untaken(failure.Row) {
			return fmt.Errorf("the worker reports a failure of row %d, which it did not take", failure.Row)
		}
	}
	for _, source := range r.Sources {
		if untaken(int(source)) {
			return fmt.Errorf("the worker answered a record of row %d, which it did not take", source)
		}
	}
	return nil
}

// failed returns the result of a call whose only row or group cannot be tried again. States and timers are what they
// were. A group without rows that has nothing to give has nothing to fail either.
func failed(f *Function, c *Call, failure Failure) *Result {
	result := without(f, c)
	if ShapeOf(f, c).Units > 0 {
		result.Failures = []Failure{failure}
	}
	return result
}

// untaken returns a call of one group that takes no row.
func untaken(f *Function, c *Call) piece {
	result := without(f, c)
	result.Taken = []int32{0}
	return piece{c, result}
}

// without returns a result that gives nothing. States and timers are what they were.
func without(f *Function, c *Call) *Result {
	result := &Result{Rows: c.Rows}
	s := ShapeOf(f, c)
	if s.Values && !f.Records {
		b := record.NewBuilder(f.Result, s.Units)
		for range s.Units {
			b.Null()
		}
		column := b.Column()
		result.Column = &column
	}
	if c.Groups != nil {
		result.States, result.Timers = c.Groups.States[:s.States], c.Groups.Timers[:s.Timers]
	}
	return result
}
