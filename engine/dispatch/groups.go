package dispatch

import "github.com/pyudf/pyudf/engine/record"

// Groups are the rows of a call that belong together: group i is rows Offsets[i] to Offsets[i+1], which may be none.
// The first offset is 0, the last the number of rows.
type Groups struct {
	Offsets []int32
	// Keys is the JSON text of each group's key.
	Keys record.Arena
	// States has an arena for each of the function's states, a text a group, null where the group has none. An
	// aggregator has one, or two to merge.
	States []record.Arena
	// Times is the event time of each row; nil unless the function takes it, has timers or is called by one.
	Times []int64
	// Timers has a slice for each of the function's timers: what each group has set, or record.NoTime.
	Timers [][]int64
	// Watermarks is what the watermark is before each row; nil unless the function has timers. A group's rows are taken
	// up to the first before which one of its timers is due. The first row is taken whatever is due.
	Watermarks []int64
	Action     Action
}

// due tells whether one of a group's timers is due at a watermark.
func due(timers [][]int64, group int, watermark int64) bool {
	for _, timer := range timers {
		if timer[group] != record.NoTime && timer[group] <= watermark {
			return true
		}
	}
	return false
}

// Action is what is asked of an aggregator. Each takes the first state of a group, or creates it where there is none.
type Action uint8

const (
	// ActionNone is for functions that are no aggregators.
	ActionNone Action = iota
	// ActionAdd adds the rows. The answer has the new states and no column; a failure is of a row.
	ActionAdd
	// ActionMerge merges the second state into the first. The answer has the new states and no column; a failure is of
	// a group, whose first state stays as it was.
	ActionMerge
	// ActionResult adds the rows and gives a result a group, no states; a failure is of a group.
	ActionResult
)

// maxStates is how many bytes of states a call should have at most: a worker's message is limited, and its memory.
const maxStates = 64 << 20

// Len returns the number of groups.
func (g *Groups) Len() int { return max(len(g.Offsets)-1, 0) }

// weight is the number of rows, where a group without rows counts as one: it takes a call of the user's code too.
func (g *Groups) weight() int {
	sum := 0
	for i := range g.Len() {
		sum += g.weightOf(i)
	}
	return sum
}

func (g *Groups) weightOf(i int) int { return max(int(g.Offsets[i+1]-g.Offsets[i]), 1) }

func (g *Groups) bytesOf(i int) int {
	size := 0
	for s := range g.States {
		size += len(g.States[s].At(i))
	}
	return size
}

// cut returns the ends of slices of about the same weight, none of them over size unless it is a single group.
func (g *Groups) cut(size int) []int {
	var ends []int
	total := g.weight()
	pieces := max((total+size-1)/size, 1)
	target := (total + pieces - 1) / pieces
	weight, bytes := 0, 0
	for i := range g.Len() {
		w, b := g.weightOf(i), g.bytesOf(i)
		if weight > 0 && (weight+w > target || bytes+b > maxStates) {
			ends = append(ends, i)
			weight, bytes = 0, 0
		}
		weight += w
		bytes += b
	}
	return append(ends, g.Len())
}

// slice returns the groups from (inclusive) to to (exclusive).
func (g *Groups) slice(from, to int) *Groups {
	first, last := g.Offsets[from], g.Offsets[to]
	out := &Groups{Offsets: make([]int32, to-from+1), Keys: g.Keys.Slice(from, to), Action: g.Action}
	for i := range out.Offsets {
		out.Offsets[i] = g.Offsets[from+i] - first
	}
	for s := range g.States {
		out.States = append(out.States, g.States[s].Slice(from, to))
	}
	for _, timer := range g.Timers {
		out.Timers = append(out.Timers, timer[from:to])
	}
	out.Times, out.Watermarks = momentsOf(g.Times, first, last), momentsOf(g.Watermarks, first, last)
	return out
}

// rows returns some rows of the only group, with its states and timers as the rows before left them.
func (g *Groups) rows(from, to int, states []record.Arena, timers [][]int64) *Groups {
	return &Groups{
		Offsets:    []int32{0, int32(to - from)},
		Keys:       g.Keys,
		States:     states,
		Times:      momentsOf(g.Times, from, to),
		Timers:     timers,
		Watermarks: momentsOf(g.Watermarks, from, to),
		Action:     g.Action,
	}
}

func momentsOf[N int | int32](moments []int64, from, to N) []int64 {
	if moments == nil {
		return nil
	}
	return moments[from:to]
}
