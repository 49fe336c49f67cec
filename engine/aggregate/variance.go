package aggregate

import (
	"encoding/binary"
	"math"
	"math/big"

	"github.com/pyudf/pyudf/engine/record"
)

// variance keeps the exact sums of the values and of their squares, each square as its rounded value and what rounding
// left out. So nothing cancels until the end, where numbers are as wide as they must be.
type variance struct {
	counts []int64
	// sums has three cells for each of the column, side by side: see part.
	sums sums
	ddof int64
	root bool
}

const (
	sumOfValues int32 = iota
	sumOfSquares
	sumOfErrors
	parts
)

func part(cell, which int32) int32 { return parts*cell + which }

func (c *variance) Grow(cells int) {
	c.counts = grow(c.counts, cells)
	c.sums.grow(cells * int(parts))
}

func (c *variance) Add(cell int32, values *record.Column, row int, _ Stamp) {
	switch {
	case missing(values, row):
	case values.Type == record.Int64:
		c.counts[cell]++
		c.addInt(cell, values.Ints[row])
	default:
		c.counts[cell]++
		c.addFloat(cell, values.Floats[row])
	}
}

func (c *variance) addFloat(cell int32, x float64) {
	c.sums.add(part(cell, sumOfValues), x)
	if !math.IsInf(x, 0) {
		c.addProduct(cell, x, x)
	}
}

// addInt adds an integer in two halves where it is one that a float64 does not hold.
func (c *variance) addInt(cell int32, v int64) {
	const exact = 1 << 53
	if v >= -exact && v <= exact {
		c.addFloat(cell, float64(v))
		return
	}
	half := v & math.MaxUint32
	a, b := float64(v-half), float64(half)
	c.sums.add(part(cell, sumOfValues), a)
	c.sums.add(part(cell, sumOfValues), b)
	c.addProduct(cell, a, a)
	c.addProduct(cell, 2*a, b)
	c.addProduct(cell, b, b)
}

func (c *variance) addProduct(cell int32, a, b float64) {
	const largest, least = 1e300, 1e-280 // within them the rounding error of the product is a float64
	product := float64(a * b)
	if size := math.Abs(product); size <= largest && size >= least {
		c.sums.add(part(cell, sumOfSquares), product)
		c.sums.add(part(cell, sumOfErrors), math.FMA(a, b, -product))
	} else if a != 0 && b != 0 {
		c.sums.addBig(part(cell, sumOfSquares), newWide().Mul(exactly(a), exactly(b)))
	}
}

func (c *variance) Merge(into, from int32) {
	c.counts[into] += c.counts[from]
	for which := range parts {
		c.sums.merge(part(into, which), part(from, which))
	}
}

func (c *variance) Clear(cell int32) {
	c.counts[cell] = 0
	for which := range parts {
		c.sums.clear(part(cell, which))
	}
}

func (c *variance) Result(cell int32, out *record.Builder) {
	if c.counts[cell] <= c.ddof {
		out.Null()
		return
	}
	if _, infinite := c.sums.infinite(part(cell, sumOfValues)); infinite {
		out.Float(math.NaN())
		return
	}
	result := c.exact(cell)
	if c.root && result.Sign() > 0 { // it is never negative, unless the state was damaged
		result = new(big.Float).SetPrec(quotientPrecision).Sqrt(result)
	}
	v, _ := result.Float64()
	out.Float(v)
}

// exact returns (n * sum of squares - square of the sum) / (n * (n - ddof)), of which only the quotient is rounded.
func (c *variance) exact(cell int32) *big.Float {
	n := c.counts[cell]
	sum := c.sums.exact(part(cell, sumOfValues))
	top := newWide().Add(c.sums.exact(part(cell, sumOfSquares)), c.sums.exact(part(cell, sumOfErrors)))
	top.Mul(top, new(big.Float).SetInt64(n))
	top.Sub(top, newWide().Mul(sum, sum))
	bottom := newWide().Mul(new(big.Float).SetInt64(n), new(big.Float).SetInt64(n-c.ddof))
	return quotient(top, bottom)
}

func (c *variance) Append(dst []byte, cell int32) []byte {
	dst = binary.AppendUvarint(dst, uint64(c.counts[cell]))
	for which := range parts {
		dst = c.sums.append(dst, part(cell, which))
	}
	return dst
}

func (c *variance) Load(cell int32, data []byte) ([]byte, error) {
	d := decoder{rest: data}
	n := d.count()
	for which := range parts {
		c.sums.load(part(cell, which), &d)
	}
	if d.bad {
		c.Clear(cell)
		return nil, errCorrupt
	}
	c.counts[cell] = n
	return d.end()
}
