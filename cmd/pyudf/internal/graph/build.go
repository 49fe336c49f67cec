package graph

import (
	"fmt"
	"strings"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/deadletter"
	"github.com/pyudf/pyudf/engine/plan"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// New returns the graph of a plan, of which compiled is what the engine makes.
func New(proto *planv1.Plan, compiled *plan.Plan) *Graph {
	_, topics := deadletter.Home(proto)
	return build(proto, compiled, topics)
}

// OfSingleNode is New of a plan that one process runs.
func OfSingleNode(proto *planv1.Plan, compiled *plan.Plan) *Graph {
	return build(proto, compiled, false)
}

func build(proto *planv1.Plan, compiled *plan.Plan, hopTopics bool) *Graph {
	g := &Graph{App: proto.GetApp()}
	b := builder{
		hopTopics: hopTopics, app: proto.GetApp(), functions: map[string]*planv1.Function{}, steps: map[string][]*planv1.Step{},
		compiled: map[string]*plan.Step{}, stages: map[*plan.Source]int{},
	}
	g.DeadLetters, b.topics = deadletter.Home(proto)
	for _, function := range proto.GetFunctions() {
		b.functions[function.GetId()] = function
	}
	for _, step := range proto.GetSteps() {
		b.steps[step.GetInput()] = append(b.steps[step.GetInput()], step)
	}
	for i, source := range compiled.Sources {
		b.stages[source] = i + 1
		b.learn(source.Steps)
	}
	for _, source := range compiled.Sources {
		from := b.source(source)
		g.Stages = append(g.Stages, Stage{Source: from, Steps: b.below(from.ID, []Step{})})
	}
	return g
}

type builder struct {
	app       string
	functions map[string]*planv1.Function
	steps     map[string][]*planv1.Step // by the id of their input
	compiled  map[string]*plan.Step     // by their ids
	// stages are the numbers of the stages.
	stages map[*plan.Source]int
	// topics tells that there is a broker, hopTopics that hops lead through topics.
	topics, hopTopics bool
}

// learn notes what the engine makes of steps and of those behind them.
func (b *builder) learn(steps []*plan.Step) {
	for _, step := range steps {
		b.compiled[step.ID] = step
		b.learn(step.Next)
	}
}

// below appends the steps of a stage that read the given source or step, each followed by those that read it.
func (b *builder) below(id string, steps []Step) []Step {
	for _, proto := range b.steps[id] {
		step := b.step(proto)
		steps = append(steps, step)
		if step.KeyBy == nil || step.KeyBy.Stage == 0 {
			steps = b.below(step.ID, steps)
		}
	}
	return steps
}

func (b *builder) step(proto *planv1.Step) Step {
	step := Step{ID: proto.GetId(), Input: proto.GetInput(), DefinedAt: position(proto.GetDefinedAt()), Go: []string{}, Python: []Call{}}
	switch op := proto.GetOp().(type) {
	case *planv1.Step_WithColumns:
		step.Kind = "with_columns"
		for _, column := range op.WithColumns.GetColumns() {
			if call := column.GetCall(); call != nil {
				step.Python = append(step.Python, b.call(call, column.GetName()))
			} else {
				step.Go = append(step.Go, column.GetName()+" = "+expression(column.GetExpr()))
			}
		}
	case *planv1.Step_Where:
		step.Kind, step.Go = "where", []string{"keeps rows with " + expression(op.Where.GetCondition())}
	case *planv1.Step_Select:
		step.Kind, step.Go = "select", []string{"keeps " + strings.Join(op.Select.GetFields(), ", ")}
	case *planv1.Step_Drop:
		step.Kind, step.Go = "drop", []string{"drops " + strings.Join(op.Drop.GetFields(), ", ")}
	case *planv1.Step_Map:
		step.Kind, step.Python = "map", []Call{b.call(op.Map.GetCall(), "")}
	case *planv1.Step_KeyBy:
		step.Kind, step.KeyBy = "key_by", b.keyBy(b.compiled[step.ID].KeyBy)
		step.Go = step.KeyBy.words()
	case *planv1.Step_Aggregate:
		b.aggregate(&step, op.Aggregate)
	case *planv1.Step_To:
		step.Kind, step.Sink = "to", newSink(op.To)
		step.Go = []string{"writes " + step.Sink.Format}
	}
	return step
}

func (b *builder) call(proto *planv1.Call, column string) Call {
	function := b.functions[proto.GetFunction()]
	call := Call{
		Function:  function.GetName(),
		Kind:      strings.ToLower(strings.TrimPrefix(function.GetKind().String(), "KIND_")),
		DefinedAt: position(function.GetDefinedAt()),
		Column:    column,
		Sends:     "records",
		Columns:   []Argument{},
		Returns:   "records",
		OnError:   onError(function.GetOnError()),
		TimeoutMS: function.GetTimeoutMs(),
		States:    states(function),
		Timers:    b.timers(function),
	}
	if function.GetOutput() == planv1.Output_OUTPUT_COLUMN {
		call.Returns = typeName(function.GetResultType())
	}
	if function.GetInput() == planv1.Input_INPUT_COLUMNS {
		call.Sends, call.OnNull = "columns", onNull(function.GetOnNull())
		call.Columns = arguments(function, proto.GetArgs())
	}
	return call
}

func arguments(function *planv1.Function, bound []*planv1.Arg) []Argument {
	fields := map[string]string{}
	for _, arg := range bound {
		fields[arg.GetParam()] = arg.GetField()
	}
	out := make([]Argument, 0, len(function.GetParams()))
	for _, param := range function.GetParams() {
		argument := Argument{Parameter: param.GetName(), Field: param.GetName(), Type: typeName(param.GetType()), Nullable: param.GetNullable()}
		if field := fields[param.GetName()]; field != "" {
			argument.Field = field
		}
		out = append(out, argument)
	}
	return out
}

func (b *builder) source(compiled *plan.Source) Source {
	if compiled.Hop != nil {
		return b.hopSource(compiled)
	}
	proto := compiled.Proto
	source := Source{
		ID: proto.GetId(), Key: proto.GetKey(), Time: proto.GetTime().GetField(), DefinedAt: position(proto.GetDefinedAt()),
		Kind: "topic", Name: proto.GetTopic().GetName(), Format: formatName(proto.GetTopic().GetFormat()),
		Scans: append([]string{}, compiled.Scan...),
	}
	if file := proto.GetFile(); file != nil {
		source.Kind, source.Name, source.Format = "file", file.GetPath(), formatName(file.GetFormat())
	}
	if compiled.Keyed {
		source.EventTime = newEventTime(proto)
	}
	return source
}

func newSink(to *planv1.To) *Sink {
	if file := to.GetFile(); file != nil {
		return &Sink{Kind: "file", Name: file.GetPath(), Format: formatName(file.GetFormat())}
	}
	return &Sink{Kind: "topic", Name: to.GetTopic().GetName(), Format: formatName(to.GetTopic().GetFormat())}
}

func position(p *planv1.Position) string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d", p.GetFile(), p.GetLine())
}

func formatName(f planv1.Format) string {
	switch f {
	case planv1.Format_FORMAT_CSV:
		return "CSV"
	case planv1.Format_FORMAT_PARQUET:
		return "Parquet"
	case planv1.Format_FORMAT_JSON, planv1.Format_FORMAT_UNSPECIFIED:
		return "JSON"
	default:
		return f.String()
	}
}

func typeName(t planv1.Type) string { return strings.ToLower(strings.TrimPrefix(t.String(), "TYPE_")) }

func onNull(n planv1.OnNull) string {
	return strings.ToLower(strings.TrimPrefix(n.String(), "ON_NULL_"))
}

func onError(e planv1.OnError) string {
	return strings.ToLower(strings.TrimPrefix(e.String(), "ON_ERROR_"))
}
