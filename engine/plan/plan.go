package plan

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/pyudf/pyudf/engine/expr"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Plan is one app.
type Plan struct {
	App     string
	Sources []*Source
	// Sinks are the topics and files that the app writes to, each once.
	Sinks []*planv1.To
	// Hops are the ways through topics of the engine's own. Their stages stand behind those that feed them.
	Hops []*Hop
}

// Source is a topic or file with the steps that read it.
type Source struct {
	// Proto is nil for what comes out of a hop.
	Proto *planv1.Source
	Hop   *Hop
	// Name is the topic or the file's path; of a hop's stage what feeds it and its key: weather.by-region.
	Name  string
	Scan  []string
	Time  *planv1.EventTime
	Steps []*Step
	// Keyed tells that some step needs to know when records happened: one with a window, a state or a hop.
	Keyed bool
	// reads are the fields of its records that steps read, and as what.
	reads map[string]record.Type
}

// Stateful tells whether the steps need to know anything from batch to batch: what has a window, a state or a hop.
func (s *Source) Stateful() bool { return s.Keyed || s.Hop != nil }

// Slug returns the name as it can be part of a topic's and a directory's. That of a file is the last part of its path, with
// digits that no other path has.
func (s *Source) Slug() string {
	const longest = 60
	if s.Proto.GetFile() == nil {
		return s.Name
	}
	path := filepath.ToSlash(s.Name)
	base := regexp.MustCompile(`[^a-zA-Z0-9._-]`).ReplaceAllString(path[strings.LastIndex(path, "/")+1:], "_")
	sum := sha256.Sum256([]byte(path))
	return fmt.Sprintf("%s-%x", base[:min(len(base), longest)], sum[:4])
}

// Feeds tells whether a step of the source leads to a hop.
func (s *Source) Feeds(hop *Hop) bool {
	return anyStep(s.Steps, func(step *Step) bool { return step.KeyBy != nil && step.KeyBy.Hop == hop })
}

// Writes tells whether a step of the source writes to a sink of the plan.
func (s *Source) Writes(sink int) bool {
	return anyStep(s.Steps, func(step *Step) bool {
		return step.Sink != nil && step.Sink.Index == sink || step.Aggregate != nil && step.Aggregate.Late != nil && step.Aggregate.Late.Index == sink
	})
}

func anyStep(steps []*Step, is func(*Step) bool) bool {
	for _, step := range steps {
		if is(step) || anyStep(step.Next, is) {
			return true
		}
	}
	return false
}

// Step is one operation and what follows it. Exactly one of Columns, Where, Select, Drop, Map, KeyBy, Stateful, Aggregate
// and Sink is set.
type Step struct {
	ID string
	// Label says what the step does, for metrics and dead letters: with_columns(heat_index).
	Label string
	// At is where the user wrote it: heat.py:12.
	At string
	// State names what the step keeps, if it keeps something: by the same name in all versions of an app in which it
	// keeps the same, and no other step of its source is called that.
	State   string
	Columns []Column
	Where   *expr.Program
	Select  []string
	Drop    []string
	Map     *Map
	KeyBy   *KeyBy
	// Stateful is a function that keeps something for each key.
	Stateful *Stateful
	// Aggregate replaces the rows by results of windows; Next then reads those.
	Aggregate *Aggregate
	Sink      *Sink
	Next      []*Step
}

// Column is a field that a step adds or replaces, by an expression or a call.
type Column struct {
	Name string
	Expr *expr.Program
	Call *Call
}

// Stateful is a call of a function that keeps something for each key: it gets a key's records in their order. It adds a
// column, or, where that has no name, replaces records as Map does.
type Stateful struct {
	Key    Key
	Call   Call
	Column string
	Scan   []string
}

// Map replaces records. Scan are the fields of the new records that later steps touch.
type Map struct {
	Call Call
	Scan []string
}

// Sink is an output: an index into Plan.Sinks.
type Sink struct {
	Index int
	Name  string
}

// Call is a function with its parameters bound to fields.
type Call struct {
	Function *Function
	Args     []Arg
}

// Arg is one column of a call.
type Arg struct {
	Param string
	// Field is empty if the records have lost the field: all rows get the default.
	Field    string
	Type     record.Type
	Nullable bool
	// Default stands in for a missing field; nil if there is none.
	Default *planv1.Literal
}

// Function is a user's function.
type Function struct {
	ID      string
	Name    string
	At      string
	Columns bool // columns travel; else the records' own bytes
	Records bool // records come back; else one value a row, of type Result
	Result  record.Type
	OnNull  planv1.OnNull
	OnError planv1.OnError
	Timeout time.Duration
	// Groups tells that it takes the rows of a group and gives one value; Aggregator that it is a class with a state for
	// each group, of which two can be merged if Merges.
	Groups, Aggregator, Merges bool
	// States and Timers are what it keeps for each key.
	States []State
	Timers []Timer
}

// State is a value that a function keeps for each key.
type State struct {
	Name   string
	Format string
	TTL    int64 // in ms; 0: without limit
}

// Timer is a moment that a function sets for a key, at which another function is called.
type Timer struct {
	Name     string
	Callback *Function
	// States are the states of the callback among those of the function.
	States []int
}

// Keyed tells whether calls are of the rows of a key, with what is kept for it.
func (f *Function) Keyed() bool { return len(f.States) > 0 || len(f.Timers) > 0 }

// Error is something in the plan that the user has to mend.
type Error struct {
	At      string
	Message string
}

func (e *Error) Error() string {
	if e.At == "" {
		return e.Message
	}
	return e.At + ": " + e.Message
}

func at(p *planv1.Position) string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d", p.GetFile(), p.GetLine())
}

func newFunction(f *planv1.Function) *Function {
	out := &Function{
		ID:      f.GetId(),
		Name:    f.GetName(),
		At:      at(f.GetDefinedAt()),
		Columns: f.GetInput() == planv1.Input_INPUT_COLUMNS,
		Records: f.GetOutput() == planv1.Output_OUTPUT_RECORDS,
		Result:  TypeOf(f.GetResultType()),
		OnNull:  f.GetOnNull(),
		OnError: f.GetOnError(),
		Timeout: time.Duration(f.GetTimeoutMs()) * time.Millisecond,

		Groups:     f.GetKind() == planv1.Kind_KIND_GROUPS,
		Aggregator: f.GetKind() == planv1.Kind_KIND_AGGREGATOR,
		Merges:     f.GetMerges(),
	}
	for _, s := range f.GetStates() {
		out.States = append(out.States, State{Name: s.GetName(), Format: s.GetFormat(), TTL: ms(s.GetTtlMs())})
	}
	return out
}

// TypeOf returns the column type of a type of the plan.
func TypeOf(t planv1.Type) record.Type {
	switch t {
	case planv1.Type_TYPE_BOOL:
		return record.Bool
	case planv1.Type_TYPE_INT64:
		return record.Int64
	case planv1.Type_TYPE_FLOAT64:
		return record.Float64
	case planv1.Type_TYPE_STRING:
		return record.String
	case planv1.Type_TYPE_DECIMAL:
		return record.Decimal
	case planv1.Type_TYPE_TIMESTAMP:
		return record.Timestamp
	case planv1.Type_TYPE_JSON:
		return record.JSON
	default:
		return record.Unknown
	}
}

// SourceName returns the topic or path of a source.
func SourceName(s *planv1.Source) string {
	if file := s.GetFile(); file != nil {
		return file.GetPath()
	}
	return s.GetTopic().GetName()
}

// SinkName returns the topic or path of a sink.
func SinkName(to *planv1.To) string {
	if file := to.GetFile(); file != nil {
		return file.GetPath()
	}
	return to.GetTopic().GetName()
}
