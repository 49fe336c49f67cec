package aggregate

import (
	"encoding/binary"
	"math/big"
	"math/bits"

	"github.com/pyudf/pyudf/engine/record"
)

// whole is an integer of 128 bits in two's complement, which no sum of 64-bit integers leaves.
type whole struct {
	high int64
	low  uint64
}

func (w *whole) add(v whole) {
	low, carry := bits.Add64(w.low, v.low, 0)
	w.low = low
	w.high += v.high + int64(carry)
}

func widen(v int64) whole { return whole{v >> 63, uint64(v)} }

// fits tells whether the number is one of 64 bits.
func (w whole) fits() bool { return w.high == int64(w.low)>>63 }

func (w whole) big() *big.Float {
	high := newWide().SetInt64(w.high)
	high.SetMantExp(high, 64)
	return high.Add(high, newWide().SetUint64(w.low))
}

func (w whole) append(dst []byte) []byte {
	return binary.LittleEndian.AppendUint64(binary.AppendVarint(dst, w.high), w.low)
}

func (d *decoder) whole() whole {
	w := whole{high: d.varint(), low: d.uint64()}
	if d.bad {
		return whole{}
	}
	return w
}

type intSum struct{ sums []whole }

func (c *intSum) Grow(cells int) { c.sums = grow(c.sums, cells) }

func (c *intSum) Add(cell int32, values *record.Column, row int, _ Stamp) {
	if !values.IsNull(row) {
		c.sums[cell].add(widen(values.Ints[row]))
	}
}

func (c *intSum) Merge(into, from int32) { c.sums[into].add(c.sums[from]) }

func (c *intSum) Clear(cell int32) { c.sums[cell] = whole{} }

func (c *intSum) Result(cell int32, out *record.Builder) {
	if !c.sums[cell].fits() {
		out.Null()
		return
	}
	out.Int(int64(c.sums[cell].low))
}

func (c *intSum) Append(dst []byte, cell int32) []byte { return c.sums[cell].append(dst) }

func (c *intSum) Load(cell int32, data []byte) ([]byte, error) {
	d := decoder{rest: data}
	c.sums[cell] = d.whole()
	return d.end()
}

type intMean struct {
	counts []int64
	sums   []whole
}

func (c *intMean) Grow(cells int) {
	c.counts = grow(c.counts, cells)
	c.sums = grow(c.sums, cells)
}

func (c *intMean) Add(cell int32, values *record.Column, row int, _ Stamp) {
	if !values.IsNull(row) {
		c.counts[cell]++
		c.sums[cell].add(widen(values.Ints[row]))
	}
}

func (c *intMean) Merge(into, from int32) {
	c.counts[into] += c.counts[from]
	c.sums[into].add(c.sums[from])
}

func (c *intMean) Clear(cell int32) { c.counts[cell], c.sums[cell] = 0, whole{} }

func (c *intMean) Result(cell int32, out *record.Builder) {
	if c.counts[cell] == 0 {
		out.Null()
		return
	}
	mean, _ := quotient(c.sums[cell].big(), new(big.Float).SetInt64(c.counts[cell])).Float64()
	out.Float(mean)
}

func (c *intMean) Append(dst []byte, cell int32) []byte {
	return c.sums[cell].append(binary.AppendUvarint(dst, uint64(c.counts[cell])))
}

func (c *intMean) Load(cell int32, data []byte) ([]byte, error) {
	d := decoder{rest: data}
	n, sum := d.count(), d.whole()
	if d.bad {
		n = 0
	}
	c.counts[cell], c.sums[cell] = n, sum
	return d.end()
}
