package plan

import (
	"fmt"
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
}

// Source is a topic or file with the steps that read it.
type Source struct {
	Proto *planv1.Source
	// Name is the topic or the file's path.
	Name  string
	Scan  []string
	Steps []*Step
}

// Step is one operation and what follows it. Exactly one of Columns, Where, Select, Drop, Map and Sink is set.
type Step struct {
	ID string
	// Label says what the step does, for metrics and dead letters: with_columns(heat_index).
	Label string
	// At is where the user wrote it: heat.py:12.
	At      string
	Columns []Column
	Where   *expr.Program
	Select  []string
	Drop    []string
	Map     *Map
	Sink    *Sink
	Next    []*Step
}

// Column is a field that a step adds or replaces, by an expression or a call.
type Column struct {
	Name string
	Expr *expr.Program
	Call *Call
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
}

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
	return &Function{
		ID:      f.GetId(),
		Name:    f.GetName(),
		At:      at(f.GetDefinedAt()),
		Columns: f.GetInput() == planv1.Input_INPUT_COLUMNS,
		Records: f.GetOutput() == planv1.Output_OUTPUT_RECORDS,
		Result:  TypeOf(f.GetResultType()),
		OnNull:  f.GetOnNull(),
		OnError: f.GetOnError(),
		Timeout: time.Duration(f.GetTimeoutMs()) * time.Millisecond,
	}
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
