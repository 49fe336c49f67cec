package window

import (
	"cmp"
	"slices"
)

// series are the cells of each key, ordered by their start, for windows that depend on a key's records.
type series struct {
	o     *Operator
	cells map[int32][]int32
}

func newSeries(o *Operator) series { return series{o: o, cells: map[int32][]int32{}} }

// find returns where the first cell stands that is not before a place.
func (s *series) find(of []int32, start int64, input int32, offset int64) int {
	at, _ := slices.BinarySearchFunc(of, start, func(number int32, start int64) int {
		c := s.o.cells.at(number)
		return cmp.Or(cmp.Compare(c.start, start), cmp.Compare(c.input, input), cmp.Compare(c.offset, offset))
	})
	return at
}

func (s *series) insert(key int32, at int, cell int32) {
	s.cells[key] = slices.Insert(s.cells[key], at, cell)
	s.o.keys.use(key)
}

// remove takes cells from (inclusive) to (exclusive) out of a key's series and gives them back.
func (s *series) remove(key int32, from, to int) {
	of := s.cells[key]
	for _, cell := range of[from:to] {
		s.o.cells.give(cell)
	}
	of = slices.Delete(of, from, to)
	s.cells[key] = of
	if len(of) == 0 {
		delete(s.cells, key)
		if len(s.cells) == 0 {
			s.cells = map[int32][]int32{} // Go's maps never shrink
		}
	}
	for range to - from {
		s.o.keys.release(key)
	}
}

// index returns where a cell stands in its key's series.
func (s *series) index(cell int32) int {
	c := s.o.cells.at(cell)
	return s.find(s.cells[c.key], c.start, c.input, c.offset)
}

// sort puts a key's cells in order again, after the start of one changed.
func (s *series) sort(key int32) {
	slices.SortFunc(s.cells[key], func(a, b int32) int {
		x, y := s.o.cells.at(a), s.o.cells.at(b)
		return cmp.Or(cmp.Compare(x.start, y.start), cmp.Compare(x.input, y.input), cmp.Compare(x.offset, y.offset))
	})
}

// restore puts a loaded cell at its place.
func (s *series) restore(cell int32) {
	c := s.o.cells.at(cell)
	s.insert(c.key, s.find(s.cells[c.key], c.start, c.input, c.offset), cell)
}
