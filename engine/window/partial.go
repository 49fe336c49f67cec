package window

import (
	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/record"
)

// Partial does the first part of an aggregation over aligned windows, for some records of one input: what it gives takes
// the place of the records on their way to the task of their key. As aggregates do not depend on the order in which
// parts are put together, results are the same.
type Partial struct {
	config  Config
	columns []aggregate.Column
	cells   cells
	keys    *keys
	open    *places
	order   []int32
}

// NewPartial returns an aggregation of nothing. The columns are its own from then on. REQUIRES: config.Kind is Aligned.
func NewPartial(config Config, columns []aggregate.Column) *Partial {
	p := &Partial{config: config, columns: columns, cells: cells{columns: columns}}
	p.forget()
	return p
}

// Add takes rows in and returns those that it does not take: their own input's watermark has passed one of their windows,
// and what that means for them is decided where the windows are.
func (p *Partial) Add(rows *Rows) (left []int32) {
	for row := range rows.Len() {
		last := floor(rows.Times[row], p.config.Offset, p.config.Every)
		first := floorAbove(rows.Times[row], p.config.Size, last, p.config.Every)
		if rows.Watermarks[row] >= p.deadline(first) {
			left = append(left, int32(row))
			continue
		}
		key := p.keys.hold(rows.Keys.At(row))
		for start := first; start <= last; start += p.config.Every {
			p.put(place{start, key}, rows, row)
		}
	}
	return left
}

// deadline returns the watermark from which on each record counts by itself for a window: it may be late, or give a
// result of its own.
func (p *Partial) deadline(start int64) int64 {
	if p.config.Emit == OnTime {
		return start + p.config.Size
	}
	return plus(start+p.config.Size, p.config.Grace)
}

func (p *Partial) put(at place, rows *Rows, row int) {
	cell, known := p.open.find(at)
	if !known {
		cell = p.cells.take()
		p.order = append(p.order, cell)
		c := p.cells.at(cell)
		c.key, c.start = at.key, at.start
		p.open.add(cell)
	}
	p.cells.at(cell).rows++
	stamp := aggregate.Stamp{Time: rows.Times[row], Input: rows.Inputs[row], Offset: rows.Offsets[row]}
	for i, column := range p.columns {
		column.Add(cell, rows.Values[i], row, stamp)
	}
}

// Take returns the aggregates, a row for each key and window, and begins anew.
func (p *Partial) Take() (keys record.Arena, partials Partials) {
	for _, cell := range p.order {
		c := p.cells.at(cell)
		keys.Append([]byte(p.keys.names[c.key]))
		partials.Starts, partials.Rows = append(partials.Starts, c.start), append(partials.Rows, c.rows)
		for _, column := range p.columns {
			partials.State.Data = column.Append(partials.State.Data, cell)
		}
		partials.State.End(false)
		for _, column := range p.columns {
			column.Clear(cell)
		}
	}
	p.cells = cells{columns: p.columns}
	p.forget()
	return keys, partials
}

func (p *Partial) forget() { p.keys, p.open, p.order = newKeys(), newPlaces(&p.cells), nil }

// ResultOf returns what one partial aggregate amounts to by itself. The columns are empty and used up.
func ResultOf(rows *Rows, late Late, columns []aggregate.Column, types []record.Type) *Results {
	o := New(Config{Kind: Aligned, Size: late.End - late.Start, Every: late.End - late.Start, Offset: late.Start}, columns, types)
	one := *rows
	keys := rows.Keys.Slice(late.Row, late.Row+1)
	state := rows.Partials.State.Slice(late.Row, late.Row+1)
	one.Keys, one.Times, one.Watermarks = &keys, []int64{late.Start}, []int64{MinTime}
	one.Inputs, one.Offsets = []int32{0}, []int64{0}
	one.Partials = &Partials{Starts: []int64{late.Start}, Rows: rows.Partials.Rows[late.Row : late.Row+1], State: state}
	o.Add(&one)
	o.Advance(MaxTime)
	return o.Results()
}
