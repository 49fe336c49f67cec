package graph

import (
	"fmt"
	"strings"

	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// EventTime says when records happened, and how far they may be out of order.
type EventTime struct {
	// Field is empty for the record's timestamp.
	Field        string `json:"field,omitempty"`
	Unit         string `json:"unit,omitempty"` // auto, ms, s, us, ns or iso
	OutOfOrderMS uint64 `json:"out_of_order_ms"`
	// IdleMS is 0 if a partition without records holds windows open for ever.
	IdleMS uint64 `json:"idle_ms"`
	// MaxFutureMS is 0 if a record may be as far ahead of the clock as it likes.
	MaxFutureMS uint64 `json:"max_future_ms"`
	// ends tells that the input is a file, which is never idle but at its end.
	ends bool
}

// KeyBy is how records get another key.
type KeyBy struct {
	Fields []Field `json:"fields"`
	// Travels is what goes to the process of the new key: nothing, records or partial results.
	Travels string `json:"travels"`
	Why     string `json:"why"`
	// Through is the topic through which they travel, named after the group, which is the app's name unless --group
	// names another; or memory. Stage is the number of the stage that it leads to.
	Through string `json:"through,omitempty"`
	Stage   int    `json:"stage,omitempty"`
}

// Field is a field with its type; json is that of a field of which nothing is known.
type Field struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Aggregate is an aggregate that the engine computes.
type Aggregate struct {
	Column string `json:"column"`
	Op     string `json:"op"`
	// Argument is empty for a count of records.
	Argument     string   `json:"argument,omitempty"`
	ArgumentType string   `json:"argument_type,omitempty"`
	Quantile     *float64 `json:"quantile,omitempty"`
	Limit        uint64   `json:"limit,omitempty"`
	DDOF         *uint64  `json:"ddof,omitempty"`
	Returns      string   `json:"returns"`
}

// State is a value that a function keeps for each key.
type State struct {
	Name   string `json:"name"`
	Format string `json:"format"`
	TTLMS  uint64 `json:"ttl_ms,omitempty"`
}

// Timer is a moment that a function sets for a key.
type Timer struct {
	Name string `json:"name"`
	// Calls is the function that is called then.
	Calls string `json:"calls"`
}

// What travels to the process of a new key.
const (
	noHop          = "nothing"
	recordsTravel  = "records"
	partialsTravel = "partial results"
)

// memory is where records of files travel, as there is no broker, and those within a single node.
const memory = "memory"

func newEventTime(proto *planv1.Source) *EventTime {
	t := proto.GetTime()
	out := &EventTime{Field: t.GetField(), OutOfOrderMS: t.GetOutOfOrderMs(), IdleMS: t.GetIdleMs(), MaxFutureMS: t.GetMaxFutureMs(), ends: proto.GetFile() != nil}
	if out.Field != "" {
		out.Unit = strings.ToLower(strings.TrimPrefix(t.GetUnit().String(), "TIME_UNIT_"))
	}
	return out
}

func (b *builder) keyBy(compiled *plan.KeyBy) *KeyBy {
	out := &KeyBy{Fields: []Field{}, Travels: noHop, Why: compiled.Why}
	for _, field := range compiled.Key.Fields {
		out.Fields = append(out.Fields, Field{field.Name, dataType(field.Type)})
	}
	if compiled.Hop == nil {
		return out
	}
	out.Travels = recordsTravel
	if compiled.Hop.Partial != nil {
		out.Travels = partialsTravel
	}
	out.Through, out.Stage = b.through(compiled.Hop), b.stages[compiled.Hop.Stage]
	return out
}

func (b *builder) through(hop *plan.Hop) string {
	if !b.hopTopics {
		return memory
	}
	return b.app + "." + hop.Stage.Name + ".repartition"
}

// hopSource is what a stage behind a hop reads. Its steps name the step with the hop as their input.
func (b *builder) hopSource(compiled *plan.Source) Source {
	source := Source{ID: compiled.Hop.Step, Kind: "repartition", Name: b.through(compiled.Hop), Scans: append([]string{}, compiled.Scan...)}
	if !b.hopTopics {
		source.Kind = memory
	}
	for other, number := range b.stages {
		if other.Feeds(compiled.Hop) {
			source.From = number
		}
	}
	return source
}

func (b *builder) aggregate(step *Step, proto *planv1.Aggregate) {
	compiled := b.compiled[step.ID].Aggregate
	step.Kind, step.Window = "aggregate", b.window(proto, &compiled.Key)
	step.Go = append(step.Go, step.Window.Words)
	if custom := proto.GetWindow().GetCustom(); custom != nil {
		step.Python = append(step.Python, b.call(custom.GetAssign(), ""))
	}
	for i, column := range proto.GetColumns() {
		if call := column.GetCall(); call != nil {
			step.Python = append(step.Python, b.call(call, column.GetName()))
			continue
		}
		made := newAggregate(column, &compiled.Columns[i])
		step.Aggregates = append(step.Aggregates, made)
		step.Go = append(step.Go, made.words())
	}
}

func newAggregate(proto *planv1.AggregateColumn, compiled *plan.AggregateColumn) Aggregate {
	builtin := proto.GetBuiltin()
	out := Aggregate{Column: proto.GetName(), Op: opName(builtin.GetOp()), Limit: builtin.GetLimit(), Returns: dataType(compiled.Spec.Result())}
	if builtin.GetArgument() != nil {
		out.Argument, out.ArgumentType = expression(builtin.GetArgument()), dataType(compiled.Spec.Argument)
	}
	switch builtin.GetOp() {
	case planv1.AggregateOp_AGGREGATE_OP_QUANTILE:
		out.Quantile = new(builtin.GetQuantile())
	case planv1.AggregateOp_AGGREGATE_OP_VARIANCE, planv1.AggregateOp_AGGREGATE_OP_STDDEV:
		out.DDOF = new(builtin.GetDdof())
	default:
	}
	return out
}

// opName is what users call an aggregate.
func opName(op planv1.AggregateOp) string {
	switch op {
	case planv1.AggregateOp_AGGREGATE_OP_VARIANCE:
		return "var"
	case planv1.AggregateOp_AGGREGATE_OP_STDDEV:
		return "std"
	default:
		return strings.ToLower(strings.TrimPrefix(op.String(), "AGGREGATE_OP_"))
	}
}

func dataType(t record.Type) string { return fmt.Sprint(t) }

func states(function *planv1.Function) []State {
	var out []State
	for _, state := range function.GetStates() {
		out = append(out, State{state.GetName(), state.GetFormat(), state.GetTtlMs()})
	}
	return out
}

func (b *builder) timers(function *planv1.Function) []Timer {
	var out []Timer
	for _, timer := range function.GetTimers() {
		out = append(out, Timer{timer.GetName(), b.functions[timer.GetOnTimer()].GetName()})
	}
	return out
}
