package keyed

import (
	"encoding/binary"
	"errors"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/step"
)

// unknown is the watermark before there is one.
const unknown = record.NoTime

// clock knows the watermark of a task: that of its one partition, or the lowest of those that come over a hop.
type clock struct {
	// bound is how far records of the partition may be out of order.
	bound int64
	// watermark never goes back. It is at the end of time after Finish, which is not saved.
	watermark int64
	// finite is what it was before.
	finite int64
	// records is the watermark by the partition's records alone, without what an idle time added; own are those before
	// each record of the last batch.
	records int64
	own     []int64
	// inputs come over a hop; nil: the task reads a partition itself.
	inputs []input
}

// input is a partition of the stage before, as far as is known here.
type input struct {
	watermark int64
	finite    int64
	idle      bool
}

func newClock(bound int64, inputs int) *clock {
	c := &clock{bound: bound, watermark: unknown, finite: unknown, records: unknown}
	for range inputs {
		c.inputs = append(c.inputs, input{unknown, unknown, false})
	}
	return c
}

// pass returns the watermark before each record and moves on past them.
func (c *clock) pass(times []int64) []int64 {
	if c.watermark == c.records {
		c.own = c.walk(&c.watermark, times)
		c.records = c.watermark
		return c.own
	}
	c.own = c.walk(&c.records, times)
	return c.walk(&c.watermark, times)
}

// walk moves a watermark on past records and returns what it was before each.
func (c *clock) walk(watermark *int64, times []int64) []int64 {
	before := make([]int64, len(times))
	for i, time := range times {
		before[i] = *watermark
		if time != record.NoTime {
			*watermark = max(*watermark, below(time, c.bound))
		}
	}
	return before
}

// told returns the watermark that the tasks behind a hop are told. That of an idle partition follows the clock, for the
// case that all are.
func (c *clock) told(idle bool) int64 {
	if idle || c.watermark == record.MaxTime {
		return c.watermark
	}
	return c.records
}

// below returns time less bound, at the start of time at most.
func below(time, bound int64) int64 {
	if time < unknown+bound+1 {
		return unknown + 1
	}
	return time - bound
}

// arrive returns the watermark before each row of a block and moves on past it.
func (c *clock) arrive(block *step.Block) []int64 {
	in := c.input(int(block.Input))
	if in.idle && !block.Idle {
		in.watermark = unknown // from now on it is that of its records again
	}
	in.idle = false
	before := make([]int64, block.Rows())
	for i := range before {
		if block.Watermarks[i] > in.watermark {
			in.watermark = block.Watermarks[i]
			c.agree()
		}
		before[i] = c.watermark
	}
	in.watermark, in.idle = max(in.watermark, block.Watermark), block.Idle
	c.agree()
	return before
}

// input returns an input by its number. Partitions may be added to a topic.
func (c *clock) input(number int) *input {
	for len(c.inputs) <= number {
		c.inputs = append(c.inputs, input{unknown, unknown, false})
	}
	return &c.inputs[number]
}

// agree takes the lowest watermark of the inputs that hold the others back; of idle ones alone the highest. Inputs that
// are finished count for nothing until all are: then it is the end of time.
func (c *clock) agree() {
	lowest, highest, active, finished := int64(record.MaxTime), int64(unknown), false, true
	for i := range c.inputs {
		in := &c.inputs[i]
		if in.watermark == record.MaxTime {
			continue
		}
		finished = false
		highest = max(highest, in.watermark)
		if !in.idle {
			lowest, active = min(lowest, in.watermark), true
		}
	}
	if !active && !finished {
		lowest = highest
	}
	c.watermark = max(c.watermark, lowest)
}

// allIdle tells whether all of several inputs are idle.
func (c *clock) allIdle() bool {
	for i := range c.inputs {
		if !c.inputs[i].idle {
			return false
		}
	}
	return len(c.inputs) > 0
}

// advance moves the watermark of an idle partition on.
func (c *clock) advance(to int64) { c.watermark = max(c.watermark, to) }

func (c *clock) append(dst []byte) []byte {
	if c.watermark != record.MaxTime {
		c.finite = c.watermark
	}
	dst = binary.AppendVarint(binary.AppendVarint(dst, c.finite), c.records)
	dst = binary.AppendUvarint(dst, uint64(len(c.inputs)))
	for i := range c.inputs {
		in := &c.inputs[i]
		if in.watermark != record.MaxTime {
			in.finite = in.watermark
		}
		dst = binary.AppendVarint(dst, in.finite)
		idle := byte(0)
		if in.idle {
			idle = 1
		}
		dst = append(dst, idle)
	}
	return dst
}

var errClock = errors.New("the saved watermarks are damaged")

func (c *clock) load(data []byte) error {
	var n, m int
	if c.watermark, n = binary.Varint(data); n <= 0 {
		return errClock
	}
	if c.records, m = binary.Varint(data[n:]); m <= 0 {
		return errClock
	}
	c.finite = c.watermark
	data = data[n+m:]
	inputs, n := binary.Uvarint(data)
	if n <= 0 {
		return errClock
	}
	data = data[n:]
	for i := range int(min(inputs, 1<<20)) { //nolint:gosec // it is at most that
		watermark, n := binary.Varint(data)
		if n <= 0 || len(data) == n {
			return errClock
		}
		*c.input(i) = input{watermark, watermark, data[n] == 1}
		data = data[n+1:]
	}
	return nil
}
