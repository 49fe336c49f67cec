package plan

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/pyudf/pyudf/engine/expr"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Compile checks a plan and returns it as the engine runs it. Errors are of type *Error and point at the user's line.
func Compile(proto *planv1.Plan) (*Plan, error) {
	c := compiler{
		plan:      &Plan{App: proto.GetApp()},
		functions: map[string]*planv1.Function{},
		steps:     map[string][]*planv1.Step{},
		sinks:     map[string]bool{},
	}
	if c.plan.App == "" {
		return nil, &Error{Message: "the app has no name"}
	}
	for _, f := range proto.GetFunctions() {
		c.functions[f.GetId()] = f
	}
	for _, s := range proto.GetSteps() {
		c.steps[s.GetInput()] = append(c.steps[s.GetInput()], s)
	}
	for _, s := range proto.GetSources() {
		source, err := c.source(s)
		if err != nil {
			return nil, err
		}
		if len(source.Steps) > 0 {
			c.plan.Sources = append(c.plan.Sources, source)
		}
	}
	for _, hop := range c.plan.Hops {
		c.plan.Sources = append(c.plan.Sources, hop.Stage)
	}
	if len(c.plan.Sinks) == 0 {
		return nil, &Error{Message: fmt.Sprintf("the app %q writes nothing: end a stream with .to(\"topic\")", c.plan.App)}
	}
	c.name()
	return c.plan, nil
}

type compiler struct {
	plan      *Plan
	functions map[string]*planv1.Function
	steps     map[string][]*planv1.Step // by the id of their input
	sinks     map[string]bool
}

func (c *compiler) source(s *planv1.Source) (*Source, error) {
	in := newScope(s.GetSchema())
	if s.GetKey() != "" {
		in.key = []string{s.GetKey()}
		in.home = in.key
	}
	steps, err := c.follow(s.GetId(), in)
	if err != nil {
		return nil, err
	}
	source := &Source{Proto: s, Name: SourceName(s), Time: s.GetTime(), Steps: steps, reads: in.reads}
	source.Keyed = anyStep(steps, func(step *Step) bool {
		return step.Aggregate != nil || step.Stateful != nil || step.KeyBy != nil && step.KeyBy.Hop != nil
	})
	if field := s.GetTime().GetField(); source.Keyed && field != "" {
		in.scan[field] = true
	}
	source.Scan = names(in.scan)
	return source, nil
}

// follow compiles the steps that read the output of the source or step with the given id.
func (c *compiler) follow(id string, in scope) ([]*Step, error) {
	var steps []*Step
	for _, s := range c.steps[id] {
		step, err := c.step(s, in)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, nil
}

func (c *compiler) step(s *planv1.Step, in scope) (*Step, error) {
	step := &Step{ID: s.GetId(), At: at(s.GetDefinedAt())}
	out, err := c.operation(s, step, in)
	if err != nil {
		return nil, &Error{At: step.At, Message: err.Error()}
	}
	step.Label = label(step)
	if step.KeyBy != nil && step.KeyBy.Hop != nil {
		err := c.hop(s, step, out)
		if step.KeyBy.Hop.Partial != nil {
			in.readAhead(out)
		}
		return step, err
	}
	next, err := c.follow(s.GetId(), out)
	if err != nil {
		return nil, err
	}
	step.Next = next
	if step.Map != nil {
		step.Map.Scan = names(out.scan)
	}
	if step.Stateful != nil {
		step.Stateful.Scan = names(out.scan)
	}
	if step.Aggregate != nil {
		step.Aggregate.Scan = names(out.scan)
	}
	return step, nil
}

// operation fills the operation of a step and returns the scope behind it.
func (c *compiler) operation(s *planv1.Step, step *Step, in scope) (scope, error) {
	switch op := s.GetOp().(type) {
	case *planv1.Step_WithColumns:
		return c.withColumns(op.WithColumns, step, in)
	case *planv1.Step_Where:
		condition, err := compileExpr(op.Where.GetCondition(), in, expr.CompileCondition)
		if err != nil {
			return in, err
		}
		step.Where = condition
		return in, nil
	case *planv1.Step_Select:
		step.Select = op.Select.GetFields()
		for _, field := range step.Select {
			if err := in.read(field, record.JSON); err != nil {
				return in, err
			}
		}
		return in.selectOnly(step.Select), nil
	case *planv1.Step_Drop:
		step.Drop = op.Drop.GetFields()
		for _, field := range step.Drop {
			in = in.drop(field)
		}
		return in, nil
	case *planv1.Step_Map:
		return c.mapRecords(op.Map, step, in)
	case *planv1.Step_KeyBy:
		return c.keyBy(op.KeyBy, step, in)
	case *planv1.Step_Aggregate:
		return c.aggregate(op.Aggregate, step, in)
	case *planv1.Step_To:
		return in, c.to(op.To, step)
	default:
		return in, fmt.Errorf("step %q has an operation that this engine does not know; update pyudf so that the command and the package have the same version", s.GetId())
	}
}

func (c *compiler) mapRecords(op *planv1.Map, step *Step, in scope) (scope, error) {
	call, err := c.call(op.GetCall(), in)
	if err != nil {
		return in, err
	}
	if !call.Function.Records {
		return in, fmt.Errorf("map needs a function that returns records, %s returns a value: use with_columns", call.Function.Name)
	}
	out := newScope(op.GetSchema())
	if call.Function.Keyed() {
		return out, stateful(step, *call, "", in)
	}
	step.Map = &Map{Call: *call}
	return out, nil
}

func (c *compiler) withColumns(op *planv1.WithColumns, step *Step, in scope) (scope, error) {
	out := in
	for _, def := range op.GetColumns() {
		column := Column{Name: def.GetName()}
		var typ record.Type
		if def.GetCall() != nil {
			call, err := c.call(def.GetCall(), in)
			if err != nil {
				return in, err
			}
			if call.Function.Records {
				return in, fmt.Errorf("column %q needs a function that returns one value, %s returns records: use map", column.Name, call.Function.Name)
			}
			column.Call, typ = call, call.Function.Result
			if call.Function.Keyed() {
				return c.statefulColumn(op, call, step, in)
			}
		} else {
			program, err := compileExpr(def.GetExpr(), in, expr.Compile)
			if err != nil {
				return in, fmt.Errorf("column %q: %w", column.Name, err)
			}
			column.Expr, typ = program, program.Type()
		}
		step.Columns = append(step.Columns, column)
		out = out.make(column.Name, typ)
	}
	return out, nil
}

func compileExpr(e *planv1.Expr, in scope, compile func(*planv1.Expr, map[string]record.Type) (*expr.Program, error)) (*expr.Program, error) {
	program, err := compile(e, in.types)
	if err != nil {
		return nil, err
	}
	for _, field := range program.Reads() {
		if err := in.read(field.Name, field.Type); err != nil {
			return nil, err
		}
	}
	return program, nil
}

func (c *compiler) call(proto *planv1.Call, in scope) (*Call, error) {
	f := c.functions[proto.GetFunction()]
	if f == nil {
		return nil, fmt.Errorf("the plan has no function %q", proto.GetFunction())
	}
	bound := map[string]string{}
	for _, arg := range proto.GetArgs() {
		bound[arg.GetParam()] = arg.GetField()
	}
	call := &Call{Function: c.function(f)}
	for _, param := range f.GetParams() {
		arg := Arg{Param: param.GetName(), Field: param.GetName(), Type: TypeOf(param.GetType()), Nullable: param.GetNullable(), Default: param.GetDefaultValue()}
		if field := bound[param.GetName()]; field != "" {
			arg.Field = field
		}
		if arg.Default != nil && !in.has(arg.Field) {
			arg.Field = ""
		} else if err := in.read(arg.Field, arg.Type); err != nil {
			return nil, fmt.Errorf("%s(%s): %w", f.GetName(), arg.Param, err)
		}
		call.Args = append(call.Args, arg)
	}
	return call, nil
}

func (c *compiler) to(to *planv1.To, step *Step) error {
	name := SinkName(to)
	if c.sinks[name] {
		return fmt.Errorf("%q is written to twice; give each stream a topic of its own", name)
	}
	c.sinks[name] = true
	step.Sink = c.sink(to)
	return nil
}

// sink returns the place of an output in the plan. Late records of several windows may share one.
func (c *compiler) sink(to *planv1.To) *Sink {
	name := SinkName(to)
	for i, known := range c.plan.Sinks {
		if SinkName(known) == name {
			return &Sink{Index: i, Name: name}
		}
	}
	c.plan.Sinks = append(c.plan.Sinks, to)
	return &Sink{Index: len(c.plan.Sinks) - 1, Name: name}
}

func label(s *Step) string {
	switch {
	case s.Columns != nil:
		var columns []string
		for _, column := range s.Columns {
			columns = append(columns, column.Name)
		}
		return "with_columns(" + strings.Join(columns, ", ") + ")"
	case s.Where != nil:
		return "where"
	case s.Select != nil:
		return "select(" + strings.Join(s.Select, ", ") + ")"
	case s.Drop != nil:
		return "drop(" + strings.Join(s.Drop, ", ") + ")"
	case s.Map != nil:
		return "map(" + s.Map.Call.Function.Name + ")"
	case s.Stateful != nil && s.Stateful.Column != "":
		return "with_columns(" + s.Stateful.Column + ")"
	case s.Stateful != nil:
		return "map(" + s.Stateful.Call.Function.Name + ")"
	case s.KeyBy != nil:
		return "key_by(" + strings.Join(s.KeyBy.Key.names(), ", ") + ")"
	case s.Aggregate != nil:
		var columns []string
		for i := range s.Aggregate.Columns {
			columns = append(columns, s.Aggregate.Columns[i].Name)
		}
		return "agg(" + strings.Join(columns, ", ") + ")"
	default:
		return "to(" + filepath.Base(s.Sink.Name) + ")"
	}
}
