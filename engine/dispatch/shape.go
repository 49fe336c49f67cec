package dispatch

import (
	"fmt"

	"github.com/pyudf/pyudf/engine/record"
)

// shape is what the answer to a call looks like.
type shape struct {
	// units is how many values there are, and what failures and sources are numbers of: rows or groups.
	units  int
	column bool
	// groups is how many values each state and timer has.
	groups, states, timers int
}

func shapeOf(f *Function, c *Call) shape {
	s := shape{units: c.Rows, column: !f.Records}
	if c.Groups == nil {
		return s
	}
	s.groups, s.states, s.timers = c.Groups.Len(), f.States, f.Timers
	switch c.Groups.Action {
	case ActionAdd:
		s.column = false
	case ActionMerge:
		s.units, s.column = s.groups, false
	case ActionResult:
		s.units, s.states = s.groups, 0
	case ActionNone:
		if f.PerGroup {
			s.units = s.groups
		}
	}
	return s
}

// check returns an error if a result cannot be the answer to a call. Such a result must not be used at all.
func (r *Result) check(f *Function, c *Call) error {
	if r.Rows != c.Rows {
		return fmt.Errorf("the worker answered %d rows to a call of %d", r.Rows, c.Rows)
	}
	s := shapeOf(f, c)
	for _, failure := range r.Failures {
		if failure.Row < 0 || failure.Row >= s.units {
			return fmt.Errorf("the worker reports a failure of row %d of %d", failure.Row, s.units)
		}
	}
	if err := r.checkGroups(s); err != nil {
		return err
	}
	if s.column && (r.Column == nil || r.Column.Rows != s.units || r.Column.Type != f.Result) {
		return fmt.Errorf("the worker answered no column of %d values of type %s", s.units, f.Result)
	}
	if !f.Records {
		return nil
	}
	return r.checkRecords(s)
}

func (r *Result) checkRecords(s shape) error {
	if r.Records.Len() != len(r.Sources) {
		return fmt.Errorf("the worker answered %d records with %d sources", r.Records.Len(), len(r.Sources))
	}
	last := int32(0)
	for _, source := range r.Sources {
		if source < last || int(source) >= s.units {
			return fmt.Errorf("the worker answered a record of row %d of %d after one of row %d", source, s.units, last)
		}
		last = source
	}
	return nil
}

func (r *Result) checkGroups(s shape) error {
	if len(r.States) != s.states || len(r.Timers) != s.timers {
		return fmt.Errorf("the worker answered %d states and %d timers where %d and %d belong", len(r.States), len(r.Timers), s.states, s.timers)
	}
	for i := range r.States {
		if got := r.States[i].Len(); got != s.groups {
			return fmt.Errorf("the worker answered %d values of state %d for %d groups", got, i, s.groups)
		}
	}
	for i, timer := range r.Timers {
		if len(timer) != s.groups {
			return fmt.Errorf("the worker answered %d moments of timer %d for %d groups", len(timer), i, s.groups)
		}
	}
	return nil
}

// failed returns the result of a call whose only row or group cannot be tried again. States and timers are what they
// were. A group without rows that has nothing to give has nothing to fail either.
func failed(f *Function, c *Call, failure Failure) *Result {
	result := &Result{Rows: c.Rows}
	s := shapeOf(f, c)
	if s.units > 0 {
		result.Failures = []Failure{failure}
	}
	if s.column {
		b := record.NewBuilder(f.Result, s.units)
		for range s.units {
			b.Null()
		}
		column := b.Column()
		result.Column = &column
	}
	if c.Groups != nil {
		result.States, result.Timers = c.Groups.States[:s.states], c.Groups.Timers[:s.timers]
	}
	return result
}
