package aggregate_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// moments are n, sum x and sum x*x of what is finite in a column, as fractions.
type moments struct {
	n, sum, squares *big.Rat
}

func momentsOf(values *record.Column) moments {
	m := moments{new(big.Rat), new(big.Rat), new(big.Rat)}
	for row := range values.Rows {
		x := new(big.Rat)
		switch {
		case values.IsNull(row):
			continue
		case values.Type == record.Int64:
			x.SetInt64(values.Ints[row])
		case math.IsNaN(values.Floats[row]):
			continue
		default:
			x.SetFloat64(values.Floats[row])
		}
		m.n.Add(m.n, big.NewRat(1, 1))
		m.sum.Add(m.sum, x)
		m.squares.Add(m.squares, new(big.Rat).Mul(x, x))
	}
	return m
}

func (m moments) mean() *big.Rat { return new(big.Rat).Quo(m.sum, m.n) }

func (m moments) variance(ddof int) *big.Rat {
	top := new(big.Rat).Sub(new(big.Rat).Mul(m.n, m.squares), new(big.Rat).Mul(m.sum, m.sum))
	free := new(big.Rat).Sub(m.n, big.NewRat(int64(ddof), 1))
	return top.Quo(top, free.Mul(free, m.n))
}

// nearest rounds a fraction once.
func nearest(x *big.Rat) float64 {
	v, _ := x.Float64()
	return v
}

// nearestRoot returns the square root of a fraction, rounded once but for one in 2^140 cases.
func nearestRoot(x *big.Rat) float64 {
	root := new(big.Float).SetPrec(5000).SetRat(x)
	v, _ := root.Sqrt(root.SetPrec(200)).Float64()
	return v
}

func TestSumsMeansAndVariancesAreThoseOfFractionsRoundedOnce(t *testing.T) {
	for _, typ := range []record.Type{record.Float64, record.Int64} {
		for seed := range uint64(300) {
			g := rand.New(rand.NewPCG(seed, 5))
			values := randomColumn(g, typ, 3+g.IntN(40))
			m := momentsOf(values)
			for ddof := range 3 {
				if free, _ := m.n.Float64(); free <= float64(ddof) {
					continue
				}
				expect(t, aggregate.Spec{Op: variance, Argument: typ, DDOF: ddof}, values, nearest(m.variance(ddof)))
				expect(t, aggregate.Spec{Op: stddev, Argument: typ, DDOF: ddof}, values, nearestRoot(m.variance(ddof)))
			}
			if m.n.Sign() > 0 {
				expect(t, aggregate.Spec{Op: mean, Argument: typ}, values, nearest(m.mean()))
			}
			if typ == record.Float64 {
				expect(t, aggregate.Spec{Op: sum, Argument: typ}, values, nearest(m.sum))
			}
		}
	}
}

// The squares of such numbers lie at the ends of what a float64 holds, and beyond.
func TestVariancesAreExactWhereSquaresOverflowAndUnderflow(t *testing.T) {
	g := rand.New(rand.NewPCG(7, 5))
	for exponent := -1070; exponent < 1020; exponent += 7 {
		values := make([]any, 9)
		for i := range values {
			values[i] = math.Ldexp(1+g.Float64(), exponent)
		}
		in := column(record.Float64, values...)
		m := momentsOf(in)
		expect(t, aggregate.Spec{Op: variance, Argument: record.Float64, DDOF: 1}, in, nearest(m.variance(1)))
		expect(t, aggregate.Spec{Op: stddev, Argument: record.Float64, DDOF: 1}, in, nearestRoot(m.variance(1)))
	}
}

func randomColumn(g *rand.Rand, typ record.Type, rows int) *record.Column {
	values := make([]any, rows)
	for i := range values {
		values[i] = valueOf(g, typ)
	}
	return column(typ, values...)
}

func expect(t *testing.T, spec aggregate.Spec, values *record.Column, want any) {
	t.Helper()
	c := newColumn(t, spec, 1)
	addAll(c, 0, values)
	if got := result(spec, c, 0); !same(got, want) {
		t.Errorf("%s (ddof %d) is %v, want %v, of %v %v", title(spec), spec.DDOF, got, want, values.Ints, values.Floats)
	}
}

// Halves of the last place are where one rounding too many shows.
func TestMeansRoundTiesOnce(t *testing.T) {
	spec := aggregate.Spec{Op: mean, Argument: record.Float64}
	for _, values := range [][]any{
		{1.0, 1 + 0x1p-52},
		{1 + 0x1p-52, 1 + 0x1p-51},
		{1.0, 1 + 0x1p-52, 0x1p-1000, 0.0},
		{1.0, 1 + 0x1p-52, -0x1p-1000, 0.0},
		{5e-324, 0.0},
		{5e-324, 1e-323},
		{5e-324, 5e-324, 0.0},
		{math.MaxFloat64, math.MaxFloat64, math.MaxFloat64},
		{1e308, 1e308, -1e308, 1e-308},
	} {
		in := column(record.Float64, values...)
		expect(t, spec, in, nearest(momentsOf(in).mean()))
	}
}

func TestIntegersAreSummedExactlyAndNullOnOverflow(t *testing.T) {
	spec := aggregate.Spec{Op: sum, Argument: record.Int64}
	const most, least = int64(math.MaxInt64), int64(math.MinInt64)
	for _, c := range []struct {
		values []any
		want   any
	}{
		{[]any{most, int64(1), int64(-1)}, most},
		{[]any{most, int64(1)}, nil},
		{[]any{least, int64(-1)}, nil},
		{[]any{least, int64(-1), int64(1)}, least},
		{[]any{most, most, least, least, int64(2)}, int64(0)},
		{[]any{nil, nil}, int64(0)},
		{[]any{int64(1<<53 + 1), int64(1)}, int64(1<<53 + 2)},
	} {
		if got := of(t, spec, c.values...); got != c.want {
			t.Errorf("the sum of %v is %v, want %v", c.values, got, c.want)
		}
	}
}

func TestInfinitiesCountAsIEEESaysInAnyOrder(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		op     planv1.AggregateOp
		values []any
		want   any
	}{
		{sum, []any{1.0, inf}, inf},
		{sum, []any{-inf, 1e308, 1e308}, -inf},
		{sum, []any{inf, -inf}, nan},
		{sum, []any{1e308, 1e308}, inf},
		{sum, []any{1e308, 1e308, -1e308}, 1e308},
		{mean, []any{inf, 1.0}, inf},
		{mean, []any{inf, -inf}, nan},
		{mean, []any{1e308, 1e308}, 1e308},
		{variance, []any{inf, 1.0}, nan},
		{variance, []any{1e200, -1e200}, inf},
		{stddev, []any{1e200, -1e200}, math.Sqrt2 * 1e200},
		{least, []any{inf, 1.0, -inf}, -inf},
		{greatest, []any{inf, 1.0, -inf}, inf},
		{quantile, []any{inf, 1.0, 3.0}, 3.0},
		{quantile, []any{-inf, inf}, nan},
	} {
		spec := aggregate.Spec{Op: c.op, Argument: record.Float64, Quantile: 0.5, DDOF: 1}
		if got := of(t, spec, c.values...); !same(got, c.want) {
			t.Errorf("%s of %v is %v, want %v", title(spec), c.values, got, c.want)
		}
	}
}

// A million small numbers on a large one, where float64 additions would lose every one of them.
func TestNothingIsLostBesideALargeNumber(t *testing.T) {
	spec := aggregate.Spec{Op: sum, Argument: record.Float64}
	c := newColumn(t, spec, 1)
	in := column(record.Float64, 1e16, 0.1, -1e16)
	c.Add(0, in, 0, aggregate.Stamp{})
	for range 1_000_000 {
		c.Add(0, in, 1, aggregate.Stamp{})
	}
	c.Add(0, in, 2, aggregate.Stamp{})
	want := nearest(new(big.Rat).Mul(new(big.Rat).SetFloat64(0.1), big.NewRat(1_000_000, 1)))
	if got := result(spec, c, 0); got != want {
		t.Errorf("1e16 + 1,000,000 * 0.1 - 1e16 is %v, want %v", got, want)
	}
}

func ExampleNew() {
	spec := aggregate.Spec{Op: sum, Argument: record.Float64}
	c, err := aggregate.New(spec)
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Grow(1)
	values := column(record.Float64, 0.1, 0.2, -0.3)
	for row := range values.Rows {
		c.Add(0, values, row, aggregate.Stamp{Offset: int64(row)})
	}
	fmt.Println(result(spec, c, 0))
	// Output: 2.7755575615628914e-17
}
