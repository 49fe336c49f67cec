package keyed_test

import (
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/step"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// become has a task of a stage run the steps of another plan.
func (w *world) become(x *task, proto *planv1.Plan) {
	w.t.Helper()
	compiled, err := plan.Compile(proto)
	if err != nil {
		w.t.Fatal(err)
	}
	stage := compiled.Sources[1]
	x.program = step.New(stage, nil, metrics.New(prometheus.NewRegistry()))
	x.config.Source, x.config.Program = stage, x.program
}

// refused has the first stage take what waits for it, and returns what it has against it.
func (w *world) refused(x *task) (refusal error) {
	w.t.Helper()
	outcome, err := x.program.Run(w.t.Context(), x.batchOf(w.hops[0]))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, err := range x.Take(w.t.Context(), outcome) {
		refusal = errors.Join(refusal, err)
	}
	return refusal
}

// filtered is the app with a step before its windows.
func (a *app) filtered() *planv1.Plan {
	p := a.proto()
	for _, s := range p.GetSteps() {
		if s.GetAggregate() != nil {
			id := &planv1.Expr{Node: &planv1.Expr_Column{Column: "id"}}
			isNot := &planv1.Expr{Node: &planv1.Expr_Operation{Operation: &planv1.Operation{Op: planv1.Op_OP_IS_NOT_NULL, Args: []*planv1.Expr{id}}}}
			p.Steps = append(p.Steps, &planv1.Step{Id: "where", Input: s.GetInput(), Op: &planv1.Step_Where{Where: &planv1.Where{Condition: isNot}}})
			s.Input = "where"
		}
	}
	return p
}

func TestAStageTakesThePartialAggregatesOfAVersionBefore(t *testing.T) {
	w := newWorld(t, &app{window: tumbling(10), time: fieldTime(0), inputs: 1, targets: 1})
	w.feed(0, "a@1 b@3 a@5")
	w.settle()
	w.feed(0, "a@7 a@12 b@14")
	w.commit(w.stages[0])
	w.become(w.stages[0], w.app.filtered())
	w.open(w.stages[0])
	w.settle()
	w.expect("what the version before had sent", "a[0,10)=3 b[0,10)=1")
	w.feed(0, "a@15 b@22")
	w.settle()
	w.expect("with what came later", "a[10,20)=2 b[10,20)=1")
}

func TestAStageRefusesPartialAggregatesOfAWindowThatItDoesNotHave(t *testing.T) {
	w := newWorld(t, &app{window: tumbling(10), time: fieldTime(0), inputs: 1, targets: 1})
	w.feed(0, "a@1")
	other := &app{window: tumbling(20), time: fieldTime(0), inputs: 1, targets: 1}
	for _, proto := range []*planv1.Plan{other.proto(), other.filtered()} {
		x := w.stages[0]
		w.become(x, proto)
		w.open(x)
		if err := w.refused(x); !errors.Is(err, keyed.ErrOtherShape) {
			t.Errorf("got %v, want %v", err, keyed.ErrOtherShape)
		}
	}
}

func TestStateOfStepsThatAreGoneIsNotForgotten(t *testing.T) {
	w := newWorld(t, &app{window: tumbling(10), time: fieldTime(0), inputs: 1, targets: 1})
	w.feed(0, "a@1")
	w.settle()
	x := w.stages[0]
	w.commit(x)
	w.become(x, (&app{window: tumbling(20), time: fieldTime(0), inputs: 1, targets: 1}).proto())
	if _, _, err := keyed.Open(x.config); !errors.Is(err, keyed.ErrOtherShape) {
		t.Errorf("got %v, want %v", err, keyed.ErrOtherShape)
	}
}
