package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/expr"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/window"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Key says what records are keyed by: the values of fields, or, without any, the record's own key.
type Key struct{ Fields []expr.Field }

func (k *Key) names() []string {
	var out []string
	for _, field := range k.Fields {
		out = append(out, field.Name)
	}
	return out
}

// String says what the key is: station (string).
func (k *Key) String() string {
	if len(k.Fields) == 0 {
		return "the record's own key"
	}
	var fields []string
	for _, field := range k.Fields {
		fields = append(fields, fmt.Sprintf("%s (%s)", field.Name, field.Type))
	}
	return strings.Join(fields, ", ")
}

// KeyBy gives records another key.
type KeyBy struct {
	Key Key
	// Hop is how records reach the task of their new key; nil: they are there already, for the reason that Why says.
	Hop *Hop
	Why string
}

// Hop is a way through a topic of the engine's own to the tasks of another key.
type Hop struct {
	// Index is the number of the hop in Plan.Hops, Step the id of the step that leads there.
	Index int
	Step  string
	// Stage has the steps behind the hop.
	Stage *Source
	// Partial is the aggregation behind the hop, where its first part is done before it; nil: records travel.
	Partial *Aggregate
	// rows is what is known of the records that travel.
	rows scope
}

// Aggregate is a windowed aggregation.
type Aggregate struct {
	Key    Key
	Window window.Config
	// EarlyEvery is the time between early results in ms.
	EarlyEvery int64
	Columns    []AggregateColumn
	// GapBy is the field with each record's gap; empty: none.
	GapBy   string
	CloseOn *expr.Program
	// Custom is a user's class of windows; nil: none.
	Custom *CustomWindow
	// Scan are the fields of the results that later steps touch.
	Scan []string
	// Late is where records go that are too late, an index into Plan.Sinks.
	Late *Sink
}

// CustomWindow is a user's class of windows, by its methods.
type CustomWindow struct {
	Assign Call
	// Merge and Close are nil if the class does not have them: windows stay apart, and close at their end.
	Merge, Close *Function
}

// AggregateColumn is one aggregate.
type AggregateColumn struct {
	Name string
	Spec aggregate.Spec
	// Field is read as it is; else Expr, if it is set, gives the argument, and Text is how that is written.
	Field string
	Expr  *expr.Program
	Text  string
	// Call is a user's function over the window's rows, or an aggregator; then the rest but Name is not set.
	Call *Call
}

// Result returns the type of the aggregate.
func (c *AggregateColumn) Result() record.Type {
	if c.Call != nil {
		return c.Call.Function.Result
	}
	return c.Spec.Result()
}

// Bounds tells whether results have a start and an end.
func (a *Aggregate) Bounds() bool { return a.Window.Kind != window.Global }

// Revised tells whether a window may have several results.
func (a *Aggregate) Revised() bool { return a.Window.Emit != window.Final }

// The names of the fields that results have beside the key's and the aggregates.
const (
	FieldStart = "window_start"
	FieldEnd   = "window_end"
	FieldRev   = "rev"
	FieldFinal = "final"
)

func (c *compiler) keyBy(op *planv1.KeyBy, step *Step, in scope) (scope, error) {
	step.KeyBy = &KeyBy{}
	for _, name := range op.GetFields() {
		field := expr.Field{Name: name, Type: in.typeOf(name)}
		if err := in.read(name, field.Type); err != nil {
			return in, err
		}
		step.KeyBy.Key.Fields = append(step.KeyBy.Key.Fields, field)
	}
	if len(op.GetFields()) == 0 {
		return in, errors.New("key_by needs at least one field")
	}
	out := in
	out.key, out.lost = op.GetFields(), ""
	if in.home != nil && contains(out.key, in.home) {
		step.KeyBy.Why = fmt.Sprintf("records with the same %s are in one partition already, as it is keyed by %s", strings.Join(out.key, ", "), strings.Join(in.home, ", "))
		return out, nil
	}
	step.KeyBy.Why = "the records' own key is not known to the app"
	if in.home != nil {
		step.KeyBy.Why = "the records are partitioned by " + strings.Join(in.home, ", ")
	}
	step.KeyBy.Hop = &Hop{Index: len(c.plan.Hops), rows: in}
	c.plan.Hops = append(c.plan.Hops, step.KeyBy.Hop)
	out.home = out.key
	return out.reread(), nil
}

// hop compiles what follows a hop, which is a stage with a source of its own.
func (c *compiler) hop(s *planv1.Step, step *Step, behind scope) error {
	hop := step.KeyBy.Hop
	hop.Step = s.GetId()
	steps, err := c.follow(s.GetId(), behind)
	if err != nil {
		return err
	}
	hop.Stage = &Source{
		Scan: names(behind.scan), Steps: steps, Hop: hop, Time: &planv1.EventTime{}, reads: behind.reads,
	}
	if len(steps) == 1 && steps[0].Aggregate != nil && steps[0].Aggregate.splits() {
		hop.Partial = steps[0].Aggregate
	}
	return nil
}

// splits tells whether a first part of the aggregation can be done anywhere: the windows' bounds do not depend on other
// records, and parts can be put together.
func (a *Aggregate) splits() bool {
	for i := range a.Columns {
		if a.Columns[i].Call != nil {
			return false
		}
	}
	return a.Window.Kind == window.Aligned
}

func contains(all, some []string) bool {
	for _, s := range some {
		if !slices.Contains(all, s) {
			return false
		}
	}
	return true
}

// keyOf returns the key at a place, for a step that needs it.
func (s scope) keyOf() (Key, error) {
	if s.lost != "" {
		return Key{}, fmt.Errorf("the records were keyed by %q, which an earlier step replaced or removed: call key_by behind that step", s.lost)
	}
	var key Key
	for _, name := range s.key {
		field := expr.Field{Name: name, Type: s.typeOf(name)}
		if err := s.read(name, field.Type); err != nil {
			return Key{}, err
		}
		key.Fields = append(key.Fields, field)
	}
	return key, nil
}

func (c *compiler) aggregate(op *planv1.Aggregate, step *Step, in scope) (scope, error) {
	key, err := in.keyOf()
	if err != nil {
		return in, err
	}
	a := &Aggregate{Key: key}
	step.Aggregate = a
	if err := c.setWindow(a, op, in); err != nil {
		return in, err
	}
	out := newScope(nil)
	out.key, out.home = in.key, in.home
	for _, field := range key.Fields {
		out = out.make(field.Name, field.Type)
	}
	if a.Bounds() {
		out = out.make(FieldStart, record.Int64).make(FieldEnd, record.Int64)
	}
	if a.Revised() {
		out = out.make(FieldRev, record.Int64).make(FieldFinal, record.Bool)
	}
	for _, def := range op.GetColumns() {
		column, err := c.aggregateColumn(def, in)
		if err != nil {
			return in, fmt.Errorf("%s: %w", def.GetName(), err)
		}
		a.Columns = append(a.Columns, column)
		out = out.make(column.Name, column.Result())
	}
	out.key, out.home, out.lost = in.key, in.home, "" // made anew, with the same values
	out.only = out.made
	a.Late = c.sink(&planv1.To{Kind: &planv1.To_Topic{Topic: op.GetLate()}})
	return out, nil
}

func (c *compiler) aggregateColumn(def *planv1.AggregateColumn, in scope) (AggregateColumn, error) {
	column := AggregateColumn{Name: def.GetName()}
	if def.GetCall() != nil {
		return c.aggregateCall(column, def.GetCall(), in)
	}
	builtin := def.GetBuiltin()
	column.Spec = aggregate.Spec{
		Op: builtin.GetOp(), Quantile: builtin.GetQuantile(), Limit: int(builtin.GetLimit()), DDOF: int(builtin.GetDdof()), //nolint:gosec // checked by aggregate.New
	}
	if argument := builtin.GetArgument(); argument != nil {
		if err := column.setArgument(argument, in); err != nil {
			return column, err
		}
	}
	_, err := aggregate.New(column.Spec)
	return column, err
}

func (c *compiler) aggregateCall(column AggregateColumn, proto *planv1.Call, in scope) (AggregateColumn, error) {
	var err error
	if column.Call, err = c.call(proto, in); err != nil {
		return column, err
	}
	f := column.Call.Function
	if !f.Groups && !f.Aggregator || f.Records {
		return column, fmt.Errorf("%s takes one record at a time: an aggregate takes the rows of a window and gives one value", f.Name)
	}
	return column, nil
}

func (c *AggregateColumn) setArgument(argument *planv1.Expr, in scope) error {
	var declared record.Type
	var err error
	if name := argument.GetColumn(); name != "" {
		c.Field, declared = name, in.types[name]
	} else {
		if c.Expr, err = compileExpr(argument, in, expr.Compile); err != nil {
			return err
		}
		c.Text = expr.Text(argument)
		declared = c.Expr.Type()
	}
	c.Spec.Argument, err = aggregate.ArgumentType(c.Spec.Op, declared)
	if err != nil || c.Field == "" {
		return err
	}
	return in.read(c.Field, c.Spec.Argument)
}
