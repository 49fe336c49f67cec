package keyed

import (
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/step"
	"github.com/pyudf/pyudf/engine/window"
)

// rows are what came to a level of nodes: an outcome with the watermark before each record of its batch.
type rows struct {
	*step.Outcome
	before []int64
}

// keyed returns the rows that came to a step, nil if none did.
func (r *rows) keyed(s *plan.Step) *step.Keyed {
	for i := range r.Keyed {
		if r.Keyed[i].Step == s {
			return &r.Keyed[i]
		}
	}
	return nil
}

// windowRows returns rows as windows take them.
func (f *Flow) windowRows(k *step.Keyed, in *rows) *window.Rows {
	out := &window.Rows{Keys: &k.Keys, Gaps: k.Gaps, Closes: k.Closes, Spans: k.Spans, Values: k.Values}
	n := k.Rows()
	out.Times, out.Watermarks = make([]int64, n), make([]int64, n)
	out.Inputs, out.Offsets = make([]int32, n), make([]int64, n)
	for row := range n {
		origin := k.OriginOf(row)
		out.Times[row], out.Watermarks[row], out.Offsets[row] = in.Times[origin], in.before[origin], in.Batch.Offsets[origin]
		out.Inputs[row] = f.config.Partition.Index
	}
	f.nameInputs(out, k, in)
	return out
}

// nameInputs sets the inputs of rows that came over a hop.
func (f *Flow) nameInputs(out *window.Rows, k *step.Keyed, in *rows) {
	if len(in.Blocks) == 0 {
		return
	}
	block := 0
	for row := range out.Inputs {
		for origin := k.OriginOf(row); block+1 < len(in.Blocks) && in.Blocks[block+1].From <= origin; {
			block++
		}
		out.Inputs[row] = in.Blocks[block].Input
	}
}
