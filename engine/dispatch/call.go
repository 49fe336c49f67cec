package dispatch

import (
	"time"

	"github.com/pyudf/pyudf/engine/record"
)

// Function is what dispatch needs to know of a user's function.
type Function struct {
	ID   string
	Name string
	// Timeout is the longest time that a call may take. 0: no limit.
	Timeout time.Duration
	// Records tells that results are records, else a column of type Result.
	Records bool
	Result  record.Type
	// PerGroup tells that the function gives one value a group, else one value, or records, for each row.
	PerGroup bool
	// States is how many states an answer has: those that the function keeps, for an aggregator its own.
	States int
	// Timers is how many timers the function has.
	Timers int
}

// piece is a part of a call with its result.
type piece struct {
	call   *Call
	result *Result
}

// taken returns how many of its rows each group took. REQUIRES: the call has groups.
func (p piece) taken() []int32 {
	if p.result.Taken != nil {
		return p.result.Taken
	}
	out := make([]int32, p.call.Groups.Len())
	for i := range out {
		out[i] = p.call.Groups.Offsets[i+1] - p.call.Groups.Offsets[i]
	}
	return out
}

// weight is what pace counts.
func (c *Call) weight() int {
	if c.Groups == nil {
		return c.Rows
	}
	return c.Groups.weight()
}

// weight is what pace counts of an answered call: rows that were not taken took no time.
func (r *Result) weight(c *Call) int {
	weight := c.weight()
	for i, taken := range r.Taken {
		weight -= int(c.Groups.Offsets[i+1] - c.Groups.Offsets[i] - taken)
	}
	return weight
}

// cut returns the ends of slices of about size rows: numbers of rows, or of groups where a call has groups.
func (c *Call) cut(size int) []int {
	if c.Groups == nil {
		return cut(c.Rows, size)
	}
	return c.Groups.cut(size)
}

// parts is how many rows, or groups, a call can be cut into.
func (c *Call) parts() int {
	if c.Groups == nil {
		return c.Rows
	}
	return c.Groups.Len()
}

// part returns the call for the rows, or the groups, of from (inclusive) to to (exclusive).
func (c *Call) part(from, to int) *Call {
	if c.Groups == nil {
		return c.slice(from, to)
	}
	if from == 0 && to == c.Groups.Len() {
		return c
	}
	out := *c.slice(int(c.Groups.Offsets[from]), int(c.Groups.Offsets[to]))
	out.Groups = c.Groups.slice(from, to)
	return &out
}

// waits tells that a call, of rows of the only group, has to wait for a timer that the rows before it left.
func (c *Call) waits(before *Result) bool {
	if before == nil || c.Groups.Watermarks == nil {
		return false
	}
	return before.Taken != nil || due(before.Timers, 0, c.Groups.Watermarks[0])
}

// after returns the call for some rows of the only group, with its states and timers as the rows before left them.
func (c *Call) after(before *Result, from, to int) *Call {
	out := *c.slice(from, to)
	if before == nil {
		out.Groups = c.Groups.rows(from, to, c.Groups.States, c.Groups.Timers)
	} else {
		out.Groups = c.Groups.rows(from, to, before.States, before.Timers)
	}
	return &out
}

// isSequence tells whether a call is of several rows of one group that can be run one after the other.
func (c *Call) isSequence(f *Function) bool {
	return c.Groups != nil && c.Groups.Len() == 1 && ShapeOf(f, c).Units > 1
}

// slice returns the call for the rows of from (inclusive) to to (exclusive).
func (c *Call) slice(from, to int) *Call {
	if from == 0 && to == c.Rows {
		return c
	}
	out := &Call{Function: c.Function, Rows: to - from}
	if c.Columns == nil {
		if c.Records.Len() > 0 { // a timer's callback takes neither
			out.Records = c.Records.Slice(from, to)
		}
		return out
	}
	out.Columns = make([]record.Column, len(c.Columns))
	for i := range c.Columns {
		out.Columns[i] = c.Columns[i].Slice(from, to)
	}
	return out
}
