package window

import "github.com/pyudf/pyudf/engine/aggregate"

// cell is one window of one key, or a part of windows: what is known of it beside its aggregates.
type cell struct {
	key   int32
	input int32
	rev   int32
	flags flag
	// used counts how often the cell was handed out, so that what waits for an earlier use is recognised.
	used uint32
	// start and end are the window's bounds; of a session the first and the last record.
	start, end int64
	// until is where a session's gap ends.
	until  int64
	offset int64
	rows   int64
}

type flag uint8

const (
	// live cells hold something.
	live flag = 1 << iota
	// touched cells differ from what is stored.
	touched
	// stored cells have something in the store.
	stored
	// changed cells have a result that nobody was given.
	changed
	// fired cells have had their result on time.
	fired
	// own tells that a record's own window is open (sliding).
	own
	// last tells that the record ends its session.
	last
)

func (c *cell) has(f flag) bool { return c.flags&f != 0 }
func (c *cell) set(f flag)      { c.flags |= f }
func (c *cell) clear(f flag)    { c.flags &^= f }

// cells hands out cells and takes them back.
type cells struct {
	columns []aggregate.Column
	// slabs hold the cells, so many each: growing moves none.
	slabs [][]cell
	size  int32
	free  []int32
	// dirty are the cells that are touched.
	dirty []int32
	open  int
}

const slab = 1 << 10

func (s *cells) at(number int32) *cell { return &s.slabs[number/slab][number%slab] }

// grow makes the cell with the next number.
func (s *cells) grow() int32 {
	number := s.size
	if number%slab == 0 {
		s.slabs = append(s.slabs, make([]cell, slab))
	}
	s.size++
	for _, column := range s.columns {
		column.Grow(int(s.size))
	}
	return number
}

// take returns an empty cell.
func (s *cells) take() int32 {
	s.open++
	if n := len(s.free); n > 0 {
		number := s.free[n-1]
		s.free = s.free[:n-1]
		s.at(number).set(live)
		return number
	}
	number := s.grow()
	s.at(number).set(live)
	return number
}

// touch notes that a cell differs from what is stored, and returns it.
func (s *cells) touch(number int32) *cell {
	c := s.at(number)
	if !c.has(touched) {
		c.set(touched)
		s.dirty = append(s.dirty, number)
	}
	return c
}

// give takes a cell back.
func (s *cells) give(number int32) {
	s.open--
	c := s.touch(number)
	*c = cell{flags: c.flags & (touched | stored), used: c.used + 1}
	for _, column := range s.columns {
		column.Clear(number)
	}
	s.free = append(s.free, number)
}
