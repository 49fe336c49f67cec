package dispatch

import (
	"slices"

	"github.com/pyudf/pyudf/engine/record"
)

// join puts the results of consecutive slices of a call together.
func join(f *Function, pieces []piece) *Result {
	if len(pieces) == 1 {
		return pieces[0].result
	}
	out := joinUnits(f, pieces)
	for i := range pieces[0].result.States {
		out.States = append(out.States, joinState(pieces, i))
	}
	for i := range pieces[0].result.Timers {
		var timer []int64
		for _, p := range pieces {
			timer = append(timer, p.result.Timers[i]...)
		}
		out.Timers = append(out.Timers, timer)
	}
	out.Taken = joinTaken(pieces)
	return out
}

// joinTaken returns what each group took, nil if all took all.
func joinTaken(pieces []piece) []int32 {
	if !slices.ContainsFunc(pieces, func(p piece) bool { return p.result.Taken != nil }) {
		return nil
	}
	var taken []int32
	for _, p := range pieces {
		taken = append(taken, p.taken()...)
	}
	return taken
}

// joinSequence is join for rows of one group: its states and timers are what the last rows left. Of the pieces only the
// last may have taken fewer rows than it has.
func joinSequence(f *Function, pieces []piece) *Result {
	out := joinUnits(f, pieces)
	last := pieces[len(pieces)-1].result
	out.States, out.Timers = last.States, last.Timers
	taken := int32(0)
	for _, p := range pieces {
		taken += p.taken()[0]
	}
	if int(taken) < out.Rows {
		out.Taken = []int32{taken}
	}
	return out
}

func joinUnits(f *Function, pieces []piece) *Result {
	out := &Result{}
	var columns []*record.Column
	units := 0
	for _, p := range pieces {
		for _, failure := range p.result.Failures {
			failure.Row += units
			out.Failures = append(out.Failures, failure)
		}
		for i, source := range p.result.Sources {
			out.Sources = append(out.Sources, source+int32(units))
			out.Records.Append(p.result.Records.At(i))
		}
		if p.result.Column != nil {
			columns = append(columns, p.result.Column)
		}
		units += ShapeOf(f, p.call).Units
		out.Rows += p.result.Rows
		out.Busy += p.result.Busy
	}
	if len(columns) > 0 {
		column := record.Concat(columns)
		out.Column = &column
	}
	return out
}

func joinState(pieces []piece, state int) record.Arena {
	var out record.Arena
	texts, size := 0, 0
	for _, p := range pieces {
		texts += p.result.States[state].Len()
		size += len(p.result.States[state].Data)
	}
	out.Grow(texts, size)
	for _, p := range pieces {
		found := &p.result.States[state]
		for i := range found.Len() {
			out.Data = append(out.Data, found.At(i)...)
			out.End(found.IsNull(i)) // a text may be empty
		}
	}
	return out
}
