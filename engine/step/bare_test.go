package step_test

import (
	"fmt"
	"testing"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// bare returns a batch of {} with a known field x.
func bare(x ...float64) *record.Batch {
	b := record.NewBuilder(record.Float64, len(x))
	values := make([]string, len(x))
	for i, v := range x {
		b.Float(v)
		values[i] = "{}"
	}
	out := batch(values...)
	out.Known, out.Bare = []record.Known{{Name: "x", Column: b.Column()}}, true
	return out
}

func selectOnly(names ...string) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_Select{Select: &planv1.Select{Fields: names}}}
}

func drop(names ...string) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_Drop{Drop: &planv1.Drop{Fields: names}}}
}

func TestWhatIsMadeOfABareBatchIsWrittenAsFields(t *testing.T) {
	above := func() *planv1.Step { return where(op(planv1.Op_OP_GREATER, column("x"), number(1))) }
	cases := map[string]struct {
		steps []*planv1.Step
		want  []string
	}{
		"a column":           {[]*planv1.Step{withDouble("y")}, []string{"k0: y=2.0", "k2: y=4.0"}},
		"two":                {[]*planv1.Step{withDouble("y"), withDouble("z")}, []string{"k0: y=2.0 z=2.0", "k2: y=4.0 z=4.0"}},
		"of some rows":       {[]*planv1.Step{withDouble("y"), above()}, []string{"k2: y=4.0"}},
		"as selected":        {[]*planv1.Step{withDouble("y"), withDouble("z"), selectOnly("z", "y")}, []string{"k0: z=2.0 y=2.0", "k2: z=4.0 y=4.0"}},
		"but what goes":      {[]*planv1.Step{withDouble("y"), withDouble("z"), drop("y")}, []string{"k0: z=2.0", "k2: z=4.0"}},
		"what replaces some": {[]*planv1.Step{withDouble("x")}, []string{"k0: x=2.0", "k2: x=4.0"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			outcome, err := program(t, double(), append(c.steps, to("out"))...).Run(t.Context(), bare(1, 13, 2))
			if err != nil {
				t.Fatal(err)
			}
			messages := outcome.Outputs[0].Messages
			var got []string
			for row := range messages.Len() {
				line := fmt.Appendf(nil, "%s:", messages.Keys.At(row))
				for i := range messages.Known {
					line = codec.AppendValue(fmt.Appendf(line, " %s=", messages.Known[i].Name), &messages.Known[i].Column, row)
				}
				got = append(got, string(line))
			}
			expect(t, "out", got, c.want...)
		})
	}
}

func TestABareBatchOfWhichNothingIsMadeIsWrittenAsItIs(t *testing.T) {
	out, dead := run(t, program(t, double(), where(op(planv1.Op_OP_GREATER, column("x"), number(1))), to("out")), bare(1, 2))
	expect(t, "out", out, "k1={}")
	expect(t, "dead", dead)
}

func TestRecordsThatAFunctionMadeAreWrittenAsText(t *testing.T) {
	out, _ := run(t, program(t, double(), mapTwice(), to("out")), bare(1))
	expect(t, "out", out, "k0={}", "k0={}")
}
