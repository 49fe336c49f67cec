package aggregate

import (
	"encoding/binary"

	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

func newTotal(op planv1.AggregateOp, ints bool) Column {
	mean := op == planv1.AggregateOp_AGGREGATE_OP_MEAN
	switch {
	case mean && ints:
		return &intMean{}
	case mean:
		return &floatMean{}
	case ints:
		return &intSum{}
	default:
		return &floatSum{}
	}
}

type floatSum struct{ sums sums }

func (c *floatSum) Grow(cells int) { c.sums.grow(cells) }

func (c *floatSum) Add(cell int32, values *record.Column, row int, _ Stamp) {
	if x := values.Floats[row]; x == x && !values.IsNull(row) { // not NaN
		c.sums.add(cell, x)
	}
}

func (c *floatSum) Merge(into, from int32) { c.sums.merge(into, from) }

func (c *floatSum) Clear(cell int32) { c.sums.clear(cell) }

func (c *floatSum) Result(cell int32, out *record.Builder) { out.Float(c.sums.rounded(cell)) }

func (c *floatSum) Append(dst []byte, cell int32) []byte { return c.sums.append(dst, cell) }

func (c *floatSum) Load(cell int32, data []byte) ([]byte, error) {
	d := decoder{rest: data}
	c.sums.load(cell, &d)
	return d.end()
}

type floatMean struct {
	counts []int64
	sums   sums
}

func (c *floatMean) Grow(cells int) {
	c.counts = grow(c.counts, cells)
	c.sums.grow(cells)
}

func (c *floatMean) Add(cell int32, values *record.Column, row int, _ Stamp) {
	if x := values.Floats[row]; x == x && !values.IsNull(row) { // not NaN
		c.counts[cell]++
		c.sums.add(cell, x)
	}
}

func (c *floatMean) Merge(into, from int32) {
	c.counts[into] += c.counts[from]
	c.sums.merge(into, from)
}

func (c *floatMean) Clear(cell int32) {
	c.counts[cell] = 0
	c.sums.clear(cell)
}

func (c *floatMean) Result(cell int32, out *record.Builder) {
	if c.counts[cell] == 0 {
		out.Null()
		return
	}
	out.Float(c.sums.mean(cell, c.counts[cell]))
}

func (c *floatMean) Append(dst []byte, cell int32) []byte {
	return c.sums.append(binary.AppendUvarint(dst, uint64(c.counts[cell])), cell)
}

func (c *floatMean) Load(cell int32, data []byte) ([]byte, error) {
	d := decoder{rest: data}
	n := d.count()
	c.sums.load(cell, &d)
	c.counts[cell] = 0
	if !d.bad {
		c.counts[cell] = n
	}
	return d.end()
}
