package aggregate

import (
	"encoding/binary"
	"slices"

	"github.com/pyudf/pyudf/engine/record"
)

// ranked keeps the values of a cell that come first in an order: all, or a limited number of them.
type ranked[T any] struct {
	kind  kind[T]
	cells [][]T
	// sign is 1 if the least value comes first, and -1 if the greatest does.
	sign int
	// limit is 0 if all are kept. A cell may hold more for a while, up to twice as many.
	limit int
}

// newTop returns the column of TOP (sign 1) and BOTTOM (-1). Only values come out, so equal ones need no order.
func newTop(whole bool, sign, limit int) Column {
	if whole {
		return &ranked[int64]{kind: ints(), sign: -sign, limit: limit}
	}
	return &ranked[float64]{kind: floats(), sign: -sign, limit: limit}
}

func newCollect(limit int) Column {
	return &ranked[stamped[[]byte]]{kind: inOrder(values()), sign: 1, limit: limit}
}

func (c *ranked[T]) Grow(cells int) { c.cells = grow(c.cells, cells) }

func (c *ranked[T]) Add(cell int32, values *record.Column, row int, at Stamp) {
	if values.IsNull(row) {
		return
	}
	if v, ok := c.kind.read(values, row, at); ok {
		c.cells[cell] = append(c.cells[cell], c.kind.keep(v))
		c.trim(cell)
	}
}

func (c *ranked[T]) Merge(into, from int32) {
	c.cells[into] = append(c.cells[into], c.cells[from]...)
	c.trim(into)
}

// trim drops what will not come out, once that is half of all.
func (c *ranked[T]) trim(cell int32) {
	if c.limit > 0 && len(c.cells[cell])/2 >= c.limit {
		c.sorted(cell)
	}
}

// sorted returns the values that count, first to last.
func (c *ranked[T]) sorted(cell int32) []T {
	all := c.cells[cell]
	slices.SortFunc(all, func(a, b T) int { return c.kind.compare(a, b) * c.sign })
	if c.limit > 0 && len(all) > c.limit {
		clear(all[c.limit:])
		all = all[:c.limit]
		c.cells[cell] = all
	}
	return all
}

func (c *ranked[T]) Clear(cell int32) { c.cells[cell] = nil }

func (c *ranked[T]) Result(cell int32, out *record.Builder) {
	text := []byte{'['}
	for i, v := range c.sorted(cell) {
		if i > 0 {
			text = append(text, ',')
		}
		text = c.kind.json(text, v)
	}
	out.Text(append(text, ']'))
}

func (c *ranked[T]) Append(dst []byte, cell int32) []byte {
	sorted := c.sorted(cell)
	dst = binary.AppendUvarint(dst, uint64(len(sorted)))
	for _, v := range sorted {
		dst = c.kind.encode(dst, v)
	}
	return dst
}

func (c *ranked[T]) Load(cell int32, data []byte) ([]byte, error) {
	c.Clear(cell)
	d := decoder{rest: data}
	all := make([]T, 0, d.length(1))
	for range cap(all) {
		all = append(all, c.kind.decode(&d))
	}
	if !d.bad {
		c.cells[cell] = all
	}
	return d.end()
}
