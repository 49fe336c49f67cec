package plan_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/plan"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// pipe is a chain of steps; others may begin behind one of its steps.
type pipe struct {
	step   *planv1.Step
	behind []pipe
}

// chain puts steps one behind the other, and pipes behind the last.
func chain(steps ...any) pipe {
	switch first := steps[0].(type) {
	case pipe:
		return first
	case *planv1.Step:
		p := pipe{step: first}
		for i, next := range steps[1:] {
			if branch, ok := next.(pipe); ok {
				p.behind = append(p.behind, branch)
				continue
			}
			p.behind = append(p.behind, chain(steps[1+i:]...))
			break
		}
		return p
	}
	panic("a chain is of steps and chains")
}

// topics is an app of chains by the topic that they read.
func topics(t *testing.T, of map[string][]pipe, options ...func(*planv1.Plan)) *plan.Plan {
	t.Helper()
	proto := &planv1.Plan{App: "app", Functions: append(functions(), stateful()...)}
	number := 0
	var add func(input string, pipes []pipe)
	add = func(input string, pipes []pipe) {
		for _, p := range pipes {
			number++
			id := fmt.Sprintf("step-%d", number)
			proto.Steps = append(proto.Steps, &planv1.Step{Id: id, Input: input, Op: p.step.GetOp(), DefinedAt: &planv1.Position{File: "heat.py", Line: uint32(number)}})
			add(id, p.behind)
		}
	}
	for _, name := range []string{"weather", "trips"} {
		if of[name] == nil {
			continue
		}
		proto.Sources = append(proto.Sources, &planv1.Source{
			Id: name, Kind: &planv1.Source_Topic{Topic: &planv1.Topic{Name: name}},
			Schema: []*planv1.Field{{Name: "station", Type: planv1.Type_TYPE_STRING}, {Name: "t", Type: planv1.Type_TYPE_FLOAT64}, {Name: "rh", Type: planv1.Type_TYPE_FLOAT64}}, Key: "station",
			Time: &planv1.EventTime{Field: "ts", Unit: planv1.TimeUnit_TIME_UNIT_MS},
		})
		add(name, of[name])
	}
	for _, change := range options {
		change(proto)
	}
	p, err := plan.Compile(proto)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func weather(t *testing.T, pipes ...pipe) *plan.Plan {
	t.Helper()
	return topics(t, map[string][]pipe{"weather": pipes})
}

func stateful() []*planv1.Function {
	watch := func(id, name string, states ...*planv1.State) *planv1.Function {
		return &planv1.Function{
			Id: "m:" + id, Name: name, Kind: planv1.Kind_KIND_RECORD, Input: planv1.Input_INPUT_RECORDS, Output: planv1.Output_OUTPUT_RECORDS, States: states,
		}
	}
	last := &planv1.State{Name: "last", Format: "float"}
	return []*planv1.Function{
		watch("watch", "watch", last),
		watch("watch-longer", "watch", &planv1.State{Name: "last", Format: "float", TtlMs: 1000}),
		watch("watch-int", "watch", &planv1.State{Name: "last", Format: "int"}),
		watch("watch-more", "watch", last, &planv1.State{Name: "seen", Format: "int"}),
		watch("guard", "guard", last),
		{
			Id: "m:p95", Name: "p95", Kind: planv1.Kind_KIND_GROUPS, Input: planv1.Input_INPUT_COLUMNS, Output: planv1.Output_OUTPUT_COLUMN, ResultType: planv1.Type_TYPE_FLOAT64,
			Params: []*planv1.Param{{Name: "t", Type: planv1.Type_TYPE_FLOAT64}},
		},
		{
			Id: "m:p95-2", Name: "p95", Kind: planv1.Kind_KIND_GROUPS, Input: planv1.Input_INPUT_COLUMNS, Output: planv1.Output_OUTPUT_COLUMN, ResultType: planv1.Type_TYPE_FLOAT64,
			Params: []*planv1.Param{{Name: "t", Type: planv1.Type_TYPE_FLOAT64}, {Name: "rh", Type: planv1.Type_TYPE_FLOAT64}},
		},
		{
			Id: "m:slow", Name: "heat", Input: planv1.Input_INPUT_COLUMNS, Output: planv1.Output_OUTPUT_COLUMN, ResultType: planv1.Type_TYPE_FLOAT64,
			Params: []*planv1.Param{{Name: "rh", Type: planv1.Type_TYPE_FLOAT64}},
		},
	}
}

// change changes an aggregation.
type change func(*planv1.Aggregate)

// mean is the mean of t in windows of 10 ms, changed.
func mean(changes ...change) *planv1.Step {
	step := tumblingMean("t")
	for _, c := range changes {
		c(step.GetAggregate())
	}
	return step
}

func size(ms uint64) change {
	return func(a *planv1.Aggregate) {
		a.Window.Kind = &planv1.Window_Tumbling{Tumbling: &planv1.Tumbling{SizeMs: ms}}
	}
}

func grace(ms uint64) change { return func(a *planv1.Aggregate) { a.Window.GraceMs = ms } }

func session(gap uint64) change {
	return func(a *planv1.Aggregate) {
		a.Window.Kind = &planv1.Window_Session{Session: &planv1.Session{GapMs: gap}}
	}
}

func emit(mode planv1.EmitMode) change {
	return func(a *planv1.Aggregate) { a.Emit = &planv1.Emit{Mode: mode} }
}

func of(argument *planv1.Expr) change {
	return func(a *planv1.Aggregate) { a.Columns[0].GetBuiltin().Argument = argument }
}

func op(op planv1.AggregateOp) change {
	return func(a *planv1.Aggregate) { a.Columns[0].GetBuiltin().Op = op }
}

func named(name string) change { return func(a *planv1.Aggregate) { a.Columns[0].Name = name } }

func by(function string) change {
	return func(a *planv1.Aggregate) {
		a.Columns[0] = &planv1.AggregateColumn{Name: "mean", Value: &planv1.AggregateColumn_Call{Call: call(function)}}
	}
}

func more(a *planv1.Aggregate) {
	a.Columns = append(a.Columns, &planv1.AggregateColumn{Name: "n", Value: &planv1.AggregateColumn_Builtin{
		Builtin: &planv1.Builtin{Op: planv1.AggregateOp_AGGREGATE_OP_COUNT},
	}})
}

func column(name string) *planv1.Expr { return &planv1.Expr{Node: &planv1.Expr_Column{Column: name}} }

func TestWhatAVersionWouldLoseOrMisread(t *testing.T) {
	out, copied := to("out"), func() pipe { return chain(to("copy")) }
	simple := func() *plan.Plan { return weather(t, chain(mean(), out)) }
	keyed := func() *plan.Plan { return weather(t, chain(keyBy("region"), mean(), out)) }
	watch := func() *plan.Plan { return weather(t, chain(mapBy("watch"), out)) }
	for name, test := range map[string]struct {
		before, after *plan.Plan
		faults        []string // what each fault has; none: they are compatible
	}{
		"the same":                   {simple(), simple(), nil},
		"a step before a window":     {simple(), weather(t, chain(whereLess("t", "rh"), mean(), out)), nil},
		"a step behind a window":     {simple(), weather(t, chain(mean(), drops("window_end"), out)), nil},
		"a column before a window":   {simple(), weather(t, chain(withCall("hi", "heat"), mean(), out)), nil},
		"a column that it reads":     {simple(), weather(t, chain(withCall("t", "slow"), mean(), out)), nil},
		"a branch before a window":   {simple(), weather(t, copied(), chain(mean(), out)), nil},
		"another place to write to":  {simple(), weather(t, chain(mean(), to("other"))), nil},
		"a result by another name":   {simple(), weather(t, chain(mean(named("avg")), out)), nil},
		"results at another time":    {simple(), weather(t, chain(mean(emit(planv1.EmitMode_EMIT_MODE_UPDATES)), out)), nil},
		"another window beside it":   {simple(), weather(t, chain(mean(size(20)), to("longer")), chain(mean(), out)), nil},
		"a window behind the window": {simple(), weather(t, chain(mean(), out, chain(mean(size(50), of(column("mean"))), to("longer")))), nil},
		"a first window":             {weather(t, chain(whereLess("t", "rh"), out)), simple(), nil},
		"a first hop":                {weather(t, chain(whereLess("t", "rh"), out)), keyed(), nil},
		"another topic": {
			simple(), topics(t, map[string][]pipe{"weather": {chain(mean(), out)}, "trips": {chain(mean(), to("more"))}}), nil,
		},
		"one topic less, of which nothing is kept": {
			topics(t, map[string][]pipe{"weather": {chain(mean(), out)}, "trips": {copied()}}), simple(), nil,
		},
		"windows of another size":     {simple(), weather(t, chain(mean(size(20)), out)), []string{"windows of 20ms"}},
		"windows of another kind":     {simple(), weather(t, chain(mean(session(10)), out)), []string{"sessions with a gap of 10ms"}},
		"another grace":               {simple(), weather(t, chain(mean(grace(5)), out)), []string{"with a grace of 5ms"}},
		"another aggregate":           {simple(), weather(t, chain(mean(op(planv1.AggregateOp_AGGREGATE_OP_MAX)), out)), []string{"max("}},
		"an aggregate more":           {simple(), weather(t, chain(mean(more), out)), []string{"count("}},
		"of another field":            {simple(), weather(t, chain(mean(of(column("rh"))), out)), []string{`mean("rh"`}},
		"of another expression":       {simple(), weather(t, chain(mean(of(operation(planv1.Op_OP_ADD, "t", "t"))), out)), []string{`col("t") + col("t")`}},
		"no window":                   {simple(), weather(t, copied()), []string{"the open windows of agg(mean) at heat.py:1 would be lost"}},
		"another function of a group": {weather(t, chain(mean(by("p95")), out)), weather(t, chain(mean(by("p95-2")), out)), []string{"rh (float64)"}},
		"another key":                 {simple(), weather(t, chain(keyBy("station", "kind"), mean(), out)), []string{"station (string), kind (json)"}},
		"no topic": {
			topics(t, map[string][]pipe{"weather": {chain(mean(), out)}, "trips": {chain(mean(), to("more"))}}), simple(),
			[]string{"topic trips is not read any more"},
		},
		"the same twice, one less in front": {
			weather(t, chain(whereLess("t", "rh"), mean(), to("a")), chain(mean(), to("b"))), weather(t, chain(mean(), to("b"))),
			[]string{"cannot be told", "would be lost"},
		},
		"the same twice, one more behind":   {simple(), weather(t, chain(mean(), out), chain(whereLess("t", "rh"), mean(), to("b"))), nil},
		"the same twice, one more in front": {simple(), weather(t, chain(whereLess("t", "rh"), mean(), to("b")), chain(mean(), out)), []string{"cannot be told"}},

		"a function with a state":       {watch(), watch(), nil},
		"a step before a state":         {watch(), weather(t, chain(whereLess("t", "rh"), mapBy("watch"), out)), nil},
		"a state that is kept longer":   {watch(), weather(t, chain(mapBy("watch-longer"), out)), nil},
		"a state of another type":       {watch(), weather(t, chain(mapBy("watch-int"), out)), []string{"the states of map(watch)", "last as int"}},
		"a state more":                  {watch(), weather(t, chain(mapBy("watch-more"), out)), []string{"seen as int"}},
		"a state of another function":   {watch(), weather(t, chain(mapBy("guard"), out)), []string{"of guard by"}},
		"a function without its state":  {watch(), weather(t, chain(mapBy("slim"), out)), []string{"the states of map(watch) at heat.py:1 would be lost"}},
		"a state behind another key":    {watch(), weather(t, chain(keyBy("region"), mapBy("watch"), out)), []string{"would be lost"}},
		"event time of another field":   {simple(), topics(t, map[string][]pipe{"weather": {chain(mean(), out)}}, timeIn("at")), []string{`the field "at"`}},
		"another time without windows":  {weather(t, copied()), topics(t, map[string][]pipe{"weather": {copied()}}, timeIn("at")), nil},
		"a hop":                         {keyed(), keyed(), nil},
		"a step before a hop":           {keyed(), weather(t, chain(whereLess("t", "rh"), keyBy("region"), mean(), out)), nil},
		"a step behind a hop":           {keyed(), weather(t, chain(keyBy("region"), whereLess("t", "rh"), mean(), out)), nil},
		"no step behind a hop any more": {weather(t, chain(keyBy("region"), whereLess("t", "rh"), mean(), out)), keyed(), nil},
		"a branch behind a hop":         {keyed(), weather(t, chain(keyBy("region"), chain(mean(), out), copied())), nil},
		"another window behind a hop":   {keyed(), weather(t, chain(keyBy("region"), mean(size(20)), out)), []string{"windows of 20ms"}},
		"no hop":                        {keyed(), simple(), []string{"key_by(region) at heat.py:1 leads to no step", "would be lost"}},
		"a hop to another key":          {keyed(), weather(t, chain(keyBy("zone"), mean(), out)), []string{"leads to no step", "would be lost"}},
		"a column over the hop less":    {keyed(), weather(t, chain(drops("rh"), keyBy("region"), mean(), out)), nil},
		"a column over the hop that is read behind it": {
			over(t, nil, nil), over(t, withCall("hi", "heat"), column("hi")), []string{`records on their way from key_by(region) at heat.py:1 have no field "hi"`},
		},
		"a column over the hop that is made elsewhere": {over(t, withCall("t", "slow"), column("t")), over(t, nil, column("t")), nil},
		"a column over the hop that is dropped": {
			over(t, nil, column("t")), over(t, drops("t"), nil), []string{`have no field "t" for the version before`},
		},
		"a column over the hop of another type": {
			over(t, withColumn("hi", column("station")), column("hi")), over(t, withCall("hi", "heat"), column("hi")), []string{`in the field "hi"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := plan.Compatible(test.before, test.after)
			if test.faults == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			incompatible, ok := errors.AsType[*plan.IncompatibleError](err)
			if !ok {
				t.Fatalf("%v, want a fault with %q", err, test.faults)
			}
			all := strings.Join(incompatible.Faults, "\n")
			for _, part := range test.faults {
				if !strings.Contains(all, part) {
					t.Errorf("the faults do not say %q:\n%s", part, all)
				}
			}
		})
	}
}

// over is an app in which a column is read behind a hop, and something is done before it.
func over(t *testing.T, before *planv1.Step, read *planv1.Expr) *plan.Plan {
	t.Helper()
	if read == nil {
		read = column("rh")
	}
	behind := chain(keyBy("region"), withColumn("seen", read), to("out"))
	if before != nil {
		behind = chain(before, behind)
	}
	return weather(t, behind)
}

func timeIn(field string) func(*planv1.Plan) {
	return func(p *planv1.Plan) {
		for _, s := range p.GetSources() {
			s.Time.Field = field
		}
	}
}
