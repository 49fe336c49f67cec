package plan_test

import (
	"slices"
	"testing"

	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

func keyBy(fields ...string) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_KeyBy{KeyBy: &planv1.KeyBy{Fields: fields}}}
}

func tumblingMean(field string) *planv1.Step {
	argument := &planv1.Expr{Node: &planv1.Expr_Column{Column: field}}
	mean := &planv1.AggregateColumn{Name: "mean", Value: &planv1.AggregateColumn_Builtin{Builtin: &planv1.Builtin{Op: planv1.AggregateOp_AGGREGATE_OP_MEAN, Argument: argument}}}
	return &planv1.Step{Op: &planv1.Step_Aggregate{Aggregate: &planv1.Aggregate{
		Window:  &planv1.Window{Kind: &planv1.Window_Tumbling{Tumbling: &planv1.Tumbling{SizeMs: 10}}},
		Columns: []*planv1.AggregateColumn{mean}, Late: &planv1.Topic{Name: "late"},
	}}}
}

func TestWhatIsAggregatedBeforeAHopReadsItsArgumentsThere(t *testing.T) {
	p, err := compile(keyBy("region"), tumblingMean("t"))
	if err != nil {
		t.Fatal(err)
	}
	if hop := p.Sources[0].Steps[0].KeyBy.Hop; hop == nil || hop.Partial == nil {
		t.Fatalf("no partial results travel: %+v", hop)
	}
	if scan := p.Sources[0].Scan; !slices.Equal(scan, []string{"region", "t"}) {
		t.Errorf("the source is scanned for %v, want region and t", scan)
	}
}
