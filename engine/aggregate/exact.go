package aggregate

import (
	"encoding/binary"
	"math"
	"math/big"
)

// quotientPrecision is beyond what a float64 holds, so that a quotient is rounded once, when it becomes one.
const quotientPrecision = 128

// quotient returns x / y such that rounding it to fewer bits gives what rounding the true quotient gives: where it is
// not exact it lies strictly between the two numbers of quotientPrecision bits around the true one, never on a tie.
func quotient(x, y *big.Float) *big.Float {
	z := new(big.Float).SetPrec(quotientPrecision).SetMode(big.ToZero).Quo(x, y)
	if z.Acc() == big.Exact {
		return z
	}
	beyond := big.NewFloat(float64(z.Sign()))
	beyond.SetMantExp(beyond, z.MantExp(nil)-quotientPrecision-2)
	return z.SetPrec(2*quotientPrecision).SetMode(big.ToNearestEven).Add(z, beyond)
}

// over returns the pair divided by n, rounded once; false if float64 cannot tell where the quotient rounds to.
func (p pair) over(n float64) (float64, bool) {
	const (
		largest, least = 1e290, 1e-250 // within them nothing below overflows or underflows
		doubt          = 1e-12         // far more than the rounding errors of the correction
	)
	p, ok := p.normal()
	size := math.Abs(p.hi)
	if p.hi == 0 && ok {
		return 0, true
	}
	if !ok || size > largest || size < least || n > 1<<53 {
		return 0, false
	}
	q := p.hi / n
	correction := (math.FMA(-q, n, p.hi) + p.lo) / n
	margin := math.Abs(correction) * doubt
	low, high := q+(correction-margin), q+(correction+margin)
	return low, low == high
}

// appendBig writes a finite number as its sign and size, an odd integer, and a power of two. REQUIRES: x is not 0.
func appendBig(dst []byte, x *big.Float) []byte {
	odd := int(x.MinPrec())
	mantissa := newWide()
	exponent := x.MantExp(mantissa) - odd
	whole, _ := mantissa.SetMantExp(mantissa, odd).Int(nil)
	sign := byte(0)
	if whole.Sign() < 0 {
		sign = 1
	}
	dst = append(dst, sign)
	dst = binary.AppendVarint(dst, int64(exponent))
	return appendText(dst, whole.Bytes())
}

// big reads a number that appendBig wrote.
func (d *decoder) big() *big.Float {
	const furthest = 2 * widePrecision
	sign, exponent, size := d.byte(), d.varint(), d.text()
	if sign > 1 || exponent < -furthest || exponent > furthest || len(size) > widePrecision/8 {
		d.fail()
	}
	if d.bad {
		return nil
	}
	x := newWide().SetInt(new(big.Int).SetBytes(size))
	x.SetMantExp(x, int(exponent))
	if sign == 1 {
		x.Neg(x)
	}
	return x
}
