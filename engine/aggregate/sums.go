package aggregate

import (
	"encoding/binary"
	"math"
	"math/big"
)

// sums holds an exact sum of floats a cell: an unevaluated sum of two float64, which is 16 bytes a cell and holds 106
// bits wherever they lie. What two do not hold goes to a wide number of the cell, to which it is added.
type sums struct {
	cells []pair
	wide  map[int32]*wide
}

// pair stands for hi + lo, exactly. Both are finite.
type pair struct{ hi, lo float64 }

// wide is the part of a sum that is not in its pair: a number, and how many infinities were added.
type wide struct {
	number               big.Float
	positives, negatives int64
}

// widePrecision is enough for the exact sum of 2^62 squares of any floats: 2^-2148 to 2^2110, and for the square of such
// a sum of floats. A big.Float takes no more memory than its value needs.
const widePrecision = 4416

func newWide() *big.Float { return new(big.Float).SetPrec(widePrecision) }

// exactly returns v as a big.Float. REQUIRES: v is finite.
func exactly(v float64) *big.Float { return new(big.Float).SetFloat64(v) }

// twoSum returns the rounded sum and what rounding left out, which is NaN if the sum overflows (Knuth).
func twoSum(a, b float64) (sum, rest float64) {
	sum = a + b
	of := sum - a
	return sum, (a - (sum - of)) + (b - of)
}

// plus returns the pair with x added; false if two floats do not hold it, or x is not finite.
func (p pair) plus(x float64) (pair, bool) {
	hi, rest := twoSum(p.hi, x)
	lo, lost := twoSum(p.lo, rest)
	return pair{hi, lo}, lost == 0
}

// normal returns the same sum with hi its value rounded to a float64; false if that is infinite.
func (p pair) normal() (pair, bool) {
	hi, lo := twoSum(p.hi, p.lo)
	return pair{hi, lo}, !math.IsInf(hi, 0)
}

func (s *sums) grow(cells int) { s.cells = grow(s.cells, cells) }

// add adds x. REQUIRES: x is not NaN.
func (s *sums) add(cell int32, x float64) {
	p := &s.cells[cell]
	hi, rest := twoSum(p.hi, x)
	lo, lost := twoSum(p.lo, rest)
	if lost != 0 { // also where it is NaN, as after an overflow
		s.addSlowly(cell, x)
		return
	}
	p.hi, p.lo = hi, lo
}

// addSlowly makes room in the pair by rounding it anew, or else by moving all of it to the wide number. A pair that
// starts again from x takes more numbers until it is full than one that keeps its high part.
func (s *sums) addSlowly(cell int32, x float64) {
	if math.IsInf(x, 0) {
		s.widen(cell).infinite(x)
		return
	}
	p := &s.cells[cell]
	if normal, ok := p.normal(); ok {
		*p = normal
	}
	sum, ok := p.plus(x)
	if !ok {
		s.addBig(cell, exactly(p.hi))
		s.addBig(cell, exactly(p.lo))
		sum = pair{hi: x}
	}
	*p = sum
}

func (w *wide) infinite(x float64) {
	if x > 0 {
		w.positives++
	} else {
		w.negatives++
	}
}

// addBig adds a number that need not fit a float.
func (s *sums) addBig(cell int32, x *big.Float) {
	number := &s.widen(cell).number
	number.Add(number, x)
}

func (s *sums) widen(cell int32) *wide {
	w := s.wide[cell]
	if w == nil {
		if s.wide == nil {
			s.wide = map[int32]*wide{}
		}
		w = &wide{}
		w.number.SetPrec(widePrecision)
		s.wide[cell] = w
	}
	return w
}

func (s *sums) merge(into, from int32) {
	p := s.cells[from]
	s.add(into, p.hi)
	s.add(into, p.lo)
	if w := s.wide[from]; w != nil {
		s.addBig(into, &w.number)
		sum := s.wide[into]
		sum.positives += w.positives
		sum.negatives += w.negatives
	}
}

func (s *sums) clear(cell int32) {
	s.cells[cell] = pair{}
	delete(s.wide, cell)
}

// rounded returns the sum, rounded to nearest even.
func (s *sums) rounded(cell int32) float64 {
	if s.narrow(cell) {
		return s.cells[cell].hi + s.cells[cell].lo
	}
	if v, ok := s.infinite(cell); ok {
		return v
	}
	v, _ := s.exact(cell).Float64()
	return v
}

// mean returns the sum divided by n, rounded once.
func (s *sums) mean(cell int32, n int64) float64 {
	if s.narrow(cell) {
		if v, ok := s.cells[cell].over(float64(n)); ok {
			return v
		}
	}
	if v, ok := s.infinite(cell); ok {
		return v
	}
	v, _ := quotient(s.exact(cell), new(big.Float).SetInt64(n)).Float64()
	return v
}

// narrow tells whether the pair is all of the sum.
func (s *sums) narrow(cell int32) bool { return len(s.wide) == 0 || s.wide[cell] == nil }

// infinite returns the sum if infinities were added, and whether there were any.
func (s *sums) infinite(cell int32) (float64, bool) {
	w := s.wide[cell]
	switch {
	case w == nil || w.positives == 0 && w.negatives == 0:
		return 0, false
	case w.positives == 0:
		return math.Inf(-1), true
	case w.negatives == 0:
		return math.Inf(1), true
	default:
		return math.NaN(), true
	}
}

// exact returns the sum of all that is finite.
func (s *sums) exact(cell int32) *big.Float {
	p := s.cells[cell]
	sum := newWide().Add(exactly(p.hi), exactly(p.lo))
	if w := s.wide[cell]; w != nil {
		sum.Add(sum, &w.number)
	}
	return sum
}

const (
	hasPair = 1 << iota
	hasLow
	hasNumber
	hasInfinities
)

// append writes a pair where two floats hold the sum, even if it came to be wide on its way.
func (s *sums) append(dst []byte, cell int32) []byte {
	p, number := s.smallest(cell)
	w := s.wide[cell]
	infinities := w != nil && w.positives|w.negatives != 0
	start := len(dst)
	dst = append(dst, 0)
	set := func(flag byte, when bool) bool {
		if when {
			dst[start] |= flag
		}
		return when
	}
	if set(hasPair, p.hi != 0) {
		dst = appendFloat(dst, p.hi)
	}
	if set(hasLow, p.lo != 0) {
		dst = appendFloat(dst, p.lo)
	}
	if set(hasNumber, number != nil) {
		dst = appendBig(dst, number)
	}
	if set(hasInfinities, infinities) {
		dst = binary.AppendUvarint(dst, uint64(w.positives))
		dst = binary.AppendUvarint(dst, uint64(w.negatives))
	}
	return dst
}

// smallest returns the finite sum as a normal pair, or as a number if no pair holds it.
func (s *sums) smallest(cell int32) (pair, *big.Float) {
	if s.narrow(cell) {
		if p, ok := s.cells[cell].normal(); ok {
			return p, nil
		}
	}
	sum := s.exact(cell)
	hi, _ := sum.Float64()
	if math.IsInf(hi, 0) {
		return pair{}, sum
	}
	lo, accuracy := newWide().Sub(sum, exactly(hi)).Float64()
	if accuracy != big.Exact {
		return pair{}, sum
	}
	return pair{hi, lo}, nil
}

// load replaces a sum by one that append wrote, or by 0 if d is bad.
func (s *sums) load(cell int32, d *decoder) {
	s.clear(cell)
	flags := d.byte()
	if flags >= hasInfinities<<1 {
		d.fail()
	}
	var p pair
	if flags&hasPair != 0 {
		p.hi = d.finite()
	}
	if flags&hasLow != 0 {
		p.lo = d.finite()
	}
	if flags&hasNumber != 0 {
		if number := d.big(); !d.bad {
			s.addBig(cell, number)
		}
	}
	if flags&hasInfinities != 0 {
		positives, negatives := d.count(), d.count()
		if !d.bad {
			w := s.widen(cell)
			w.positives, w.negatives = positives, negatives
		}
	}
	if d.bad {
		s.clear(cell)
		return
	}
	s.cells[cell] = p
}
