package aggregate_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

const (
	count         = planv1.AggregateOp_AGGREGATE_OP_COUNT
	sum           = planv1.AggregateOp_AGGREGATE_OP_SUM
	mean          = planv1.AggregateOp_AGGREGATE_OP_MEAN
	least         = planv1.AggregateOp_AGGREGATE_OP_MIN
	greatest      = planv1.AggregateOp_AGGREGATE_OP_MAX
	first         = planv1.AggregateOp_AGGREGATE_OP_FIRST
	last          = planv1.AggregateOp_AGGREGATE_OP_LAST
	variance      = planv1.AggregateOp_AGGREGATE_OP_VARIANCE
	stddev        = planv1.AggregateOp_AGGREGATE_OP_STDDEV
	countDistinct = planv1.AggregateOp_AGGREGATE_OP_COUNT_DISTINCT
	quantile      = planv1.AggregateOp_AGGREGATE_OP_QUANTILE
	collect       = planv1.AggregateOp_AGGREGATE_OP_COLLECT
	top           = planv1.AggregateOp_AGGREGATE_OP_TOP
	bottom        = planv1.AggregateOp_AGGREGATE_OP_BOTTOM
)

// everySpec returns a spec for each operation and each type of argument that it takes.
func everySpec() []aggregate.Spec {
	specs := []aggregate.Spec{{Op: count}}
	for op := count; op <= bottom; op++ {
		for argument := record.Bool; argument <= record.JSON; argument++ {
			if read, err := aggregate.ArgumentType(op, argument); err == nil && read == argument {
				specs = append(specs, aggregate.Spec{Op: op, Argument: argument, Quantile: 0.3, Limit: 5, DDOF: 1})
			}
		}
	}
	return append(specs, aggregate.Spec{Op: collect, Argument: record.Int64})
}

func title(s aggregate.Spec) string { return s.Op.String() + " of " + s.Argument.String() }

func newColumn(t testing.TB, spec aggregate.Spec, cells int) aggregate.Column {
	t.Helper()
	c, err := aggregate.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	c.Grow(cells)
	return c
}

// column builds a column of Go values; nil is null, and text of any type is a string.
func column(typ record.Type, values ...any) *record.Column {
	b := record.NewBuilder(typ, len(values))
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			b.Null()
		case bool:
			b.Bool(v)
		case int:
			b.Int(int64(v))
		case int64:
			b.Int(v)
		case float64:
			b.Float(v)
		case string:
			b.Text([]byte(v))
		}
	}
	c := b.Column()
	return &c
}

// addAll adds every row of a column in its order, with the row as its time.
func addAll(c aggregate.Column, cell int32, values *record.Column) {
	for row := range values.Rows {
		c.Add(cell, values, row, aggregate.Stamp{Time: int64(row)})
	}
}

// result returns the value of a cell: nil, bool, int64, float64 or string.
func result(spec aggregate.Spec, c aggregate.Column, cell int32) any {
	b := record.NewBuilder(spec.Result(), 1)
	c.Result(cell, b)
	out := b.Column()
	switch {
	case out.IsNull(0):
		return nil
	case out.Type == record.Bool:
		return record.Bit(out.Bools, 0)
	case out.Type == record.Int64:
		return out.Ints[0]
	case out.Type == record.Float64:
		return out.Floats[0]
	default:
		return string(out.Text.At(0))
	}
}

// of returns what an aggregate makes of values.
func of(t testing.TB, spec aggregate.Spec, values ...any) any {
	t.Helper()
	c := newColumn(t, spec, 1)
	addAll(c, 0, column(spec.Argument, values...))
	return result(spec, c, 0)
}

// size returns a number as a float, and NaN for what is none.
func size(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	default:
		return math.NaN()
	}
}

// same compares results bit by bit, except that all NaN are the same.
func same(a, b any) bool {
	x, ok := a.(float64)
	y, both := b.(float64)
	if !ok || !both {
		return a == b
	}
	return math.Float64bits(x) == math.Float64bits(y) || math.IsNaN(x) && math.IsNaN(y)
}

// valueOf returns a random value of a type, often an awkward one.
func valueOf(g *rand.Rand, typ record.Type) any {
	if g.IntN(10) == 0 {
		return nil
	}
	switch typ {
	case record.Bool:
		return g.IntN(2) == 0
	case record.Int64:
		return intOf(g)
	case record.Float64:
		return floatOf(g)
	case record.Decimal:
		return pick(g, "1", "1.0", "0.1", "-7e3", "NaN", "Infinity", "1e400", strconv.Itoa(g.IntN(3000)))
	case record.Timestamp:
		return pick(g, "2024-01-01T00:00:00Z", "2024-01-01T01:00:00+01:00", "2024-01-01", "1969-12-31T23:59:59.999Z", "never", "2023-0"+strconv.Itoa(1+g.IntN(9))+"-03")
	case record.JSON:
		return pick(g, "1", "1.0", "true", `"a"`, `"\u0061"`, `{"a":1,"b":[2]}`, `{"b":[2.0], "a":1}`, `[]`, strconv.Itoa(g.IntN(3000)))
	default:
		return pick(g, "", "a", "aa", "b", "\u00e9", strconv.Itoa(g.IntN(3000)))
	}
}

func intOf(g *rand.Rand) any {
	switch g.IntN(4) {
	case 0:
		return int64(g.Uint64())
	case 1:
		return pick[int64](g, math.MaxInt64, math.MinInt64, 0, 1, -1, 1<<53+1)
	default:
		return int64(g.IntN(2000) - 1000)
	}
}

// floatOf returns a number of few digits, or of any size, or one that arithmetic treats apart.
func floatOf(g *rand.Rand) any {
	switch g.IntN(5) {
	case 0:
		return math.Ldexp(g.NormFloat64(), g.IntN(2090)-1074)
	case 1:
		return pick(g, 0, math.Copysign(0, -1), math.NaN(), math.MaxFloat64, -math.MaxFloat64, 5e-324, 1e16, -1e16, 1e308)
	case 2:
		return g.NormFloat64() * 1e3
	default:
		return float64(g.IntN(2000)-1000) / 10
	}
}

func pick[T any](g *rand.Rand, from ...T) T { return from[g.IntN(len(from))] }
