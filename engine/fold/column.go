package fold

import (
	"bytes"
	"slices"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/record"
)

// Chunk is how many rows an aggregator takes at a time while the window is open.
const Chunk = 512

// Column keeps rows for each cell of windows. It is an aggregate.Column whose argument is a row as JSON and whose result
// is the encoded Content of the cell, for Decode.
type Column struct {
	// chunked tells that rows become states while the window is open.
	chunked bool
	cells   []Content
	// full are the cells that have whole chunks.
	full []int32
}

var _ aggregate.Column = (*Column)(nil)

// New returns a column without rows. chunked is for aggregators whose states can stand for their rows.
func New(chunked bool) *Column { return &Column{chunked: chunked} }

// Content is what a cell holds, in the order in which an aggregator takes it: the states of each line are merged, and the
// tail's rows are added to what comes of it.
type Content struct {
	Lines []Line
	Tail  []Row
}

// Line is a state and chunks that are to be added to it, one after the other. Windows that became one have several.
type Line struct {
	State  []byte // nil: none yet
	Chunks [][]Row
}

// Row is a record as its function takes it.
type Row struct {
	Stamp aggregate.Stamp
	Text  []byte // JSON
}

// Sorted returns rows in the order of their stamps.
func Sorted(rows []Row) []Row {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b Row) int {
		switch {
		case a.Stamp.Before(b.Stamp):
			return -1
		case b.Stamp.Before(a.Stamp):
			return 1
		default:
			return bytes.Compare(a.Text, b.Text)
		}
	})
	return rows
}

// Grow implements aggregate.Column.
func (c *Column) Grow(cells int) {
	for len(c.cells) < cells {
		c.cells = append(c.cells, Content{})
	}
}

// Add implements aggregate.Column.
func (c *Column) Add(cell int32, values *record.Column, row int, at aggregate.Stamp) {
	if values.IsNull(row) {
		return
	}
	content := &c.cells[cell]
	content.Tail = append(content.Tail, Row{at, slices.Clone(values.Text.At(row))})
	c.seal(cell)
}

// seal makes whole chunks of the tail.
func (c *Column) seal(cell int32) {
	content := &c.cells[cell]
	for c.chunked && len(content.Tail) >= Chunk {
		if len(content.Lines) == 0 {
			content.Lines = append(content.Lines, Line{})
		}
		last := &content.Lines[len(content.Lines)-1]
		last.Chunks = append(last.Chunks, content.Tail[:Chunk:Chunk])
		content.Tail = slices.Clone(content.Tail[Chunk:])
		c.full = append(c.full, cell)
	}
}

// Merge implements aggregate.Column.
func (c *Column) Merge(into, from int32) {
	a, b := &c.cells[into], &c.cells[from]
	for _, line := range b.Lines {
		a.Lines = append(a.Lines, Line{line.State, slices.Clone(line.Chunks)})
		if len(line.Chunks) > 0 {
			c.full = append(c.full, into)
		}
	}
	a.Tail = append(a.Tail, b.Tail...)
	c.seal(into)
}

// Clear implements aggregate.Column.
func (c *Column) Clear(cell int32) { c.cells[cell] = Content{} }

// Result implements aggregate.Column.
func (c *Column) Result(cell int32, out *record.Builder) {
	out.Text(c.cells[cell].append(nil))
}

// Append implements aggregate.Column.
func (c *Column) Append(dst []byte, cell int32) []byte { return c.cells[cell].append(dst) }

// Load implements aggregate.Column.
func (c *Column) Load(cell int32, data []byte) ([]byte, error) {
	content, rest, err := decode(data)
	c.cells[cell] = content
	return rest, err
}

// Full returns the cells that have whole chunks, each once, and forgets them.
func (c *Column) Full() []int32 {
	slices.Sort(c.full)
	full := slices.Compact(c.full)
	c.full = nil
	return slices.DeleteFunc(full, func(cell int32) bool {
		return !slices.ContainsFunc(c.cells[cell].Lines, func(l Line) bool { return len(l.Chunks) > 0 })
	})
}

// Lines returns the lines of a cell, for the caller to replace chunks by states.
func (c *Column) Lines(cell int32) []Line { return c.cells[cell].Lines }

// Replace puts one line in the place of all of a cell's.
func (c *Column) Replace(cell int32, line Line) { c.cells[cell].Lines = []Line{line} }

// Drop takes all lines from a cell: another has what they stand for.
func (c *Column) Drop(cell int32) { c.cells[cell].Lines = nil }
