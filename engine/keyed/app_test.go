package keyed_test

import (
	"strconv"

	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// app is a pipeline that counts and collects the records of each key in windows, and writes that to "out".
type app struct {
	window *planv1.Window
	emit   planv1.EmitMode
	time   *planv1.EventTime
	// inputs is how many partitions there are; targets how many the records hop to, 0: there is no hop.
	inputs, targets int
	// records says that records hop, though they could be aggregated before.
	records bool
	now     func() int64
	// ownKey says that records are keyed by their own key.
	ownKey bool
	// twice says that records are counted by k and r first, in tumbling windows of 10 ms, and then the counts summed by k
	// in the windows of the app.
	twice bool
}

func tumbling(size uint64) *planv1.Window {
	return &planv1.Window{Kind: &planv1.Window_Tumbling{Tumbling: &planv1.Tumbling{SizeMs: size}}}
}

func fieldTime(bound uint64) *planv1.EventTime {
	return &planv1.EventTime{Field: "ts", Unit: planv1.TimeUnit_TIME_UNIT_MS, OutOfOrderMs: bound}
}

func (a *app) proto() *planv1.Plan {
	p := &planv1.Plan{App: "app", Sources: []*planv1.Source{{
		Id: "0", Kind: &planv1.Source_Topic{Topic: &planv1.Topic{Name: "in"}}, Time: a.time,
		Schema: []*planv1.Field{{Name: "k", Type: planv1.Type_TYPE_STRING}, {Name: "id", Type: planv1.Type_TYPE_INT64}},
	}}}
	add := func(s *planv1.Step) {
		s.Input = strconv.Itoa(len(p.Steps))
		s.Id = strconv.Itoa(len(p.Steps) + 1)
		p.Steps = append(p.Steps, s)
	}
	if a.targets == 0 && !a.ownKey {
		p.Sources[0].Key = "k"
	}
	keyBy := func(fields ...string) {
		if a.targets > 0 {
			add(&planv1.Step{Op: &planv1.Step_KeyBy{KeyBy: &planv1.KeyBy{Fields: fields}}})
		}
	}
	if a.twice {
		keyBy("k", "r")
		small := tumbling(10)
		small.GraceMs = 7 // what it gives lies behind the watermark
		add(&planv1.Step{Op: &planv1.Step_Aggregate{Aggregate: &planv1.Aggregate{
			Window: small, Late: &planv1.Topic{Name: "late"}, Columns: []*planv1.AggregateColumn{builtin("n", planv1.AggregateOp_AGGREGATE_OP_COUNT, "")},
		}}})
	}
	keyBy("k")
	add(&planv1.Step{Op: &planv1.Step_Aggregate{Aggregate: a.aggregate()}})
	add(&planv1.Step{Op: &planv1.Step_To{To: &planv1.To{Kind: &planv1.To_Topic{Topic: &planv1.Topic{Name: "out"}}}}})
	return p
}

func (a *app) aggregate() *planv1.Aggregate {
	columns := []*planv1.AggregateColumn{
		builtin("n", planv1.AggregateOp_AGGREGATE_OP_COUNT, ""), builtin("ids", planv1.AggregateOp_AGGREGATE_OP_COLLECT, "id"),
	}
	if a.twice {
		columns = []*planv1.AggregateColumn{builtin("n", planv1.AggregateOp_AGGREGATE_OP_SUM, "n")}
	}
	return &planv1.Aggregate{
		Window: a.window, Emit: &planv1.Emit{Mode: a.emit, EveryMs: 5000}, Late: &planv1.Topic{Name: "late"}, Columns: columns,
	}
}

func builtin(name string, op planv1.AggregateOp, of string) *planv1.AggregateColumn {
	b := &planv1.Builtin{Op: op}
	if of != "" {
		b.Argument = &planv1.Expr{Node: &planv1.Expr_Column{Column: of}}
	}
	return &planv1.AggregateColumn{Name: name, Value: &planv1.AggregateColumn_Builtin{Builtin: b}}
}
