package aggregate

import "github.com/pyudf/pyudf/engine/record"

// best keeps one value a cell: the greatest by its kind's order, or the least.
type best[T any] struct {
	kind   kind[T]
	values []T
	full   []bool
	// sign is 1 for the greatest and -1 for the least.
	sign int
}

// newEdge returns the column of FIRST (sign -1) and LAST (1).
func newEdge(argument record.Type, sign int) Column {
	switch argument {
	case record.Bool:
		return &best[stamped[bool]]{kind: inOrder(bools()), sign: sign}
	case record.Int64:
		return &best[stamped[int64]]{kind: inOrder(ints()), sign: sign}
	case record.Float64:
		return &best[stamped[float64]]{kind: inOrder(floats()), sign: sign}
	default:
		return &best[stamped[[]byte]]{kind: inOrder(texts()), sign: sign}
	}
}

func (c *best[T]) Grow(cells int) {
	c.values = grow(c.values, cells)
	c.full = grow(c.full, cells)
}

func (c *best[T]) Add(cell int32, values *record.Column, row int, at Stamp) {
	if values.IsNull(row) {
		return
	}
	if v, ok := c.kind.read(values, row, at); ok {
		c.offer(cell, v)
	}
}

func (c *best[T]) offer(cell int32, v T) {
	if c.full[cell] && c.kind.compare(v, c.values[cell])*c.sign <= 0 {
		return
	}
	c.values[cell], c.full[cell] = c.kind.keep(v), true
}

func (c *best[T]) Merge(into, from int32) {
	if c.full[from] {
		c.offer(into, c.values[from])
	}
}

func (c *best[T]) Clear(cell int32) {
	var empty T
	c.values[cell], c.full[cell] = empty, false
}

func (c *best[T]) Result(cell int32, out *record.Builder) {
	if !c.full[cell] {
		out.Null()
		return
	}
	c.kind.write(out, c.values[cell])
}

func (c *best[T]) Append(dst []byte, cell int32) []byte {
	dst = append(dst, numeral(c.full[cell]))
	if c.full[cell] {
		dst = c.kind.encode(dst, c.values[cell])
	}
	return dst
}

func (c *best[T]) Load(cell int32, data []byte) ([]byte, error) {
	c.Clear(cell)
	d := decoder{rest: data}
	if d.flag() {
		if v := c.kind.decode(&d); !d.bad {
			c.values[cell], c.full[cell] = v, true
		}
	}
	return d.end()
}
