package keyed

import (
	"encoding/json"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/fold"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// keyAbout and a state's name is where it stands what a step keeps, for those who read the store without the app. It is
// written anew by every run, as names may change while the shape stays.
const keyAbout = "mabout/"

// About says what a step keeps.
type About struct {
	// Step is what the step calls its state, and At where the user wrote it.
	Step string `json:"-"`
	At   string `json:"at,omitempty"`
	// Shape is what its state is of; the rest is unknown for state that was saved by a pyudf that did not write it.
	Shape string `json:"-"`
	// Key are the fields of the key; none: it is the record's own.
	Key []string `json:"key,omitempty"`
	// Windows says which there are; empty: the step is a function with states.
	Windows    string           `json:"windows,omitempty"`
	Aggregates []AboutAggregate `json:"aggregates,omitempty"`
	// Function keeps States and Timers, by their names.
	Function string   `json:"function,omitempty"`
	States   []string `json:"states,omitempty"`
	Timers   []string `json:"timers,omitempty"`
}

// AboutAggregate says what an aggregate keeps for a window: the rows of a user's function, or what the engine computes.
type AboutAggregate struct {
	Name     string  `json:"name"`
	Function string  `json:"function,omitempty"`
	Op       string  `json:"op,omitempty"`
	Argument string  `json:"argument,omitempty"`
	Quantile float64 `json:"quantile,omitempty"`
	Limit    int     `json:"limit,omitempty"`
	DDOF     int     `json:"ddof,omitempty"`
}

// about returns what a step keeps, as it is saved.
func about(s *plan.Step) []byte {
	a := About{At: s.At}
	if s.Stateful != nil {
		a.describe(s.Stateful)
	} else {
		a.aggregates(s.Aggregate)
	}
	data, err := json.Marshal(a)
	if err != nil {
		panic(err) // texts and finite numbers are JSON
	}
	return data
}

func (a *About) describe(s *plan.Stateful) {
	f := s.Call.Function
	a.Function = f.Name
	a.key(&s.Key)
	for _, state := range f.States {
		a.States = append(a.States, state.Name)
	}
	for _, timer := range f.Timers {
		a.Timers = append(a.Timers, timer.Name)
	}
}

func (a *About) aggregates(from *plan.Aggregate) {
	a.Windows = from.Window.String()
	a.key(&from.Key)
	for i := range from.Columns {
		c := &from.Columns[i]
		out := AboutAggregate{Name: c.Name}
		if c.Call != nil {
			out.Function = c.Call.Function.Name
		} else {
			out.Op, out.Argument = c.Spec.Op.String(), c.Spec.Argument.String()
			out.Quantile, out.Limit, out.DDOF = c.Spec.Quantile, c.Spec.Limit, c.Spec.DDOF
		}
		a.Aggregates = append(a.Aggregates, out)
	}
}

func (a *About) key(k *plan.Key) {
	for _, field := range k.Fields {
		a.Key = append(a.Key, field.Name)
	}
}

// column returns a column that can load the aggregate, and the type of its results.
func (a *AboutAggregate) column() (aggregate.Column, record.Type, error) {
	if a.Function != "" {
		return fold.New(false), record.JSON, nil
	}
	spec := aggregate.Spec{
		Op: planv1.AggregateOp(planv1.AggregateOp_value[a.Op]), Argument: typeNamed(a.Argument),
		Quantile: a.Quantile, Limit: a.Limit, DDOF: a.DDOF,
	}
	column, err := aggregate.New(spec)
	return column, spec.Result(), err
}

func typeNamed(name string) record.Type {
	for t := record.Bool; t <= record.JSON; t++ {
		if t.String() == name {
			return t
		}
	}
	return record.Unknown
}
