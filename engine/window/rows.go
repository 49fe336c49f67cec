package window

import (
	"encoding/binary"

	"github.com/pyudf/pyudf/engine/record"
)

// Rows are records on their way into windows, in order. None has a null key.
type Rows struct {
	Keys       *record.Arena // as JSON
	Times      []int64       // event time
	Watermarks []int64       // before the row
	// Inputs and Offsets say where rows come from; records with the same time are in their order.
	Inputs  []int32
	Offsets []int64
	// Gaps are the rows' own gaps; nil unless the windows are sessions with dynamic gaps.
	Gaps []int64
	// Closes marks rows that are the last of their session; nil if none is.
	Closes []bool
	// Spans are the windows that custom windows assigned each row to; nil for other windows.
	Spans [][]Span
	// Values are the arguments of the aggregates, nil for a count of records. With Partials they are not used.
	Values []*record.Column
	// Partials are encoded accumulators instead of values, one text a row for all aggregates, with the window they
	// belong to; nil for records.
	Partials *Partials
}

// Partials are aggregates over some records of one key and window, as Partial gives them.
type Partials struct {
	Starts []int64
	Rows   []int64 // how many records each holds
	State  record.Arena
}

// Append appends a partial as the value of a row that travels.
func (p *Partials) Append(dst []byte, row int) []byte {
	dst = binary.AppendVarint(dst, p.Starts[row])
	dst = binary.AppendVarint(dst, p.Rows[row])
	return append(dst, p.State.At(row)...)
}

// Add reads a partial that travelled.
func (p *Partials) Add(value []byte) error {
	values, rest, err := varints(value, 2)
	if err != nil {
		return err
	}
	p.Starts, p.Rows = append(p.Starts, values[0]), append(p.Rows, values[1])
	p.State.Append(rest)
	return nil
}

// Len returns the number of rows.
func (r *Rows) Len() int { return len(r.Times) }

// Late is a row that was too late for all windows that it belongs to.
type Late struct {
	Row int
	// Start and End are of the window that it missed; of several, of the last.
	Start, End int64
	Watermark  int64
}

// Failed is a row that is in no window, as a user's code failed for it.
type Failed struct {
	Row int
	Err error
}

// Results are what windows gave, in order.
type Results struct {
	Keys record.Arena // as JSON
	// Starts and Ends are the window's bounds, Times the event time of the result.
	Starts, Ends, Times []int64
	// Watermarks are what the watermark of the results was before each: none of them is behind it.
	Watermarks []int64
	// Revs count the results of a window from 0; Finals marks its last.
	Revs   []int64
	Finals []bool
	// Retracted marks the results that take an earlier one back: their session became part of another.
	Retracted []bool
	// Columns are the aggregates. A retracted result has nulls.
	Columns []record.Column

	builders []*record.Builder
}

// Len returns the number of results.
func (r *Results) Len() int { return len(r.Times) }

// Slice returns the results of from (inclusive) to to (exclusive).
func (r *Results) Slice(from, to int) *Results {
	if from == 0 && to == r.Len() {
		return r
	}
	out := &Results{
		Keys: r.Keys.Slice(from, to), Starts: r.Starts[from:to], Ends: r.Ends[from:to], Times: r.Times[from:to],
		Watermarks: r.Watermarks[from:to], Revs: r.Revs[from:to], Finals: r.Finals[from:to], Retracted: r.Retracted[from:to],
	}
	for i := range r.Columns {
		out.Columns = append(out.Columns, r.Columns[i].Slice(from, to))
	}
	return out
}
