package expr_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

const generatedRows = 20

// generator makes random columns and expressions over them.
type generator struct{ *rand.Rand }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// columns returns two columns of each type, named after it.
func (g *generator) columns() map[string]*record.Column {
	columns := map[string]*record.Column{}
	for typ := record.Bool; typ <= record.JSON; typ++ {
		for n := range 2 {
			nullable := g.IntN(3) > 0
			cells := make([]any, generatedRows)
			for i := range cells {
				if !nullable || g.IntN(4) > 0 {
					cells[i] = g.value(typ)
				}
			}
			columns[fmt.Sprint(typ, n)] = column(typ, cells...)
		}
	}
	return columns
}

func (g *generator) value(typ record.Type) any {
	switch typ {
	case record.Bool:
		return g.IntN(2) == 0
	case record.Int64:
		return pick[int64](g, 0, 0, 1, -1, 2, 3, -7, 1<<31, 1<<40, 1<<53+1, math.MaxInt64, math.MinInt64, g.Int64())
	case record.Float64:
		return pick(g, 0.0, math.Copysign(0, -1), 1, -1, 0.5, -2.5, 7, 1e300, math.Inf(1), math.Inf(-1), math.NaN(), g.NormFloat64())
	case record.Decimal:
		return pick(g, "0", "-0.0", "1", "1.0", "1.50", "-1.5", "0.5", "1e3", "1000", "-1E-2", "123456789012345678901234567890.5", "007", ".5", "2.")
	case record.Timestamp:
		return pick(g, "2013-01-01T06:00:00Z", "2013-01-01T01:00:00-05:00", "2013-01-01T06:00:00.000Z", "2014-01-01T00:00:00+00:00", "soon")
	default:
		return pick(g, "", "a", "b", "ab", "\u00e4", "z")
	}
}

func (g *generator) literal(typ record.Type) *planv1.Expr {
	if g.IntN(8) == 0 {
		return lit(nil)
	}
	value := g.value(typ)
	for value == "soon" {
		value = g.value(typ)
	}
	return lit(value)
}

// expr returns a random expression of a type, at most depth operations deep.
func (g *generator) expr(typ record.Type, depth int) *planv1.Expr {
	if depth == 0 || g.IntN(6) == 0 {
		if g.IntN(4) > 0 {
			return col(fmt.Sprint(typ, g.IntN(2)))
		}
		if typ != record.Decimal && typ != record.Timestamp {
			return g.literal(typ)
		}
		return col(fmt.Sprint(typ, g.IntN(2)))
	}
	switch typ {
	case record.Bool:
		return g.condition(depth)
	case record.Int64:
		if g.IntN(5) == 0 {
			return op(negate, g.expr(typ, depth-1))
		}
		return op(pick(g, add, subtract, multiply, floorDivide, modulo), g.expr(typ, depth-1), g.expr(typ, depth-1))
	case record.Float64:
		if g.IntN(5) == 0 {
			return op(negate, op(add, 0.0, g.expr(typ, depth-1)))
		}
		mixed := pick(g, record.Int64, record.Float64)
		return op(pick(g, add, subtract, multiply, divide, floorDivide, modulo), g.expr(record.Float64, depth-1), op(multiply, 1.0, g.expr(mixed, depth-1)))
	default:
		return col(fmt.Sprint(typ, g.IntN(2)))
	}
}

func (g *generator) condition(depth int) *planv1.Expr {
	typ := pick(g, record.Int64, record.Float64, record.String, record.Decimal, record.Timestamp)
	switch g.IntN(8) {
	case 0:
		return op(not, g.expr(record.Bool, depth-1))
	case 1, 2:
		return op(pick(g, and, or), g.expr(record.Bool, depth-1), g.expr(record.Bool, depth-1))
	case 3:
		return op(pick(g, isNull, isNotNull), g.expr(record.Type(1+g.IntN(7)), depth-1))
	case 4:
		args := []any{g.expr(typ, depth-1)}
		for range g.IntN(4) {
			args = append(args, g.literalFor(typ))
		}
		return op(isIn, args...)
	case 5:
		return op(pick(g, eq, ne), g.expr(record.Bool, depth-1), g.expr(record.Bool, depth-1))
	case 6:
		return op(pick(g, eq, ne, lt, le, gt, ge), g.expr(typ, depth-1), g.literalFor(typ))
	default:
		return op(pick(g, eq, ne, lt, le, gt, ge), g.expr(typ, depth-1), g.expr(pick(g, typ, mate(typ)), depth-1))
	}
}

// literalFor returns a literal that may be compared with values of a type.
func (g *generator) literalFor(typ record.Type) *planv1.Expr {
	return g.literal(pick(g, typ, mate(typ)))
}

// mate returns a type that may be compared with typ.
func mate(typ record.Type) record.Type {
	switch typ {
	case record.Int64:
		return record.Float64
	case record.Float64, record.Decimal:
		return record.Int64
	default:
		return typ
	}
}
