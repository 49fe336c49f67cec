package expr

import (
	"fmt"
	"time"

	"github.com/pyudf/pyudf/engine/eventtime"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// buildMembership compiles is_in.
func buildMembership(e *planv1.Expr, fields map[string]record.Type) (node, record.Type, error) {
	args := e.GetOperation().GetArgs()
	built, typ, err := build(args[0], fields)
	if err != nil {
		return nil, record.Unknown, err
	}
	if typ == record.Unknown {
		return nulls{record.Bool}, record.Bool, nil
	}
	operand := side{built, typ, args[0]}
	var members []side
	for _, arg := range args[1:] {
		if memberType := literalType(arg.GetLiteral()); memberType != record.Unknown {
			members = append(members, side{buildLiteral(arg.GetLiteral()), memberType, arg})
		}
	}
	if len(members) == 0 {
		return membership{operand.node, func(*run, vector, *validity) test { return func(int) bool { return false } }}, record.Bool, nil
	}
	return buildSet(e, operand, members)
}

// test tells whether the value of a row is in the list.
type test func(row int) bool

// membership is is_in. look prepares the test of one run's rows.
type membership struct {
	of   node
	look func(r *run, v vector, valid *validity) test
}

func (n membership) eval(r *run) vector {
	v := n.of.eval(r)
	out, valid := make([]byte, record.BitmapSize(r.rows)), r.validityOf(v)
	contains := n.look(r, v, &valid)
	for i := range r.rows {
		put(out, i, contains(i))
	}
	return vector{Column: record.Column{Type: record.Bool, Rows: r.rows, Valid: valid.bits, Bools: out}}
}

func buildSet(e *planv1.Expr, operand side, members []side) (node, record.Type, error) {
	typ := operand.typ
	for _, member := range members {
		common, err := commonType(e, operand, member)
		if err != nil {
			return nil, record.Unknown, err
		}
		if common == record.Float64 {
			typ = common
		}
	}
	of, err := convert(operand, typ)
	if err != nil {
		return nil, record.Unknown, fmt.Errorf("%s: %w", describe(e), err)
	}
	list := make([]record.Column, 0, len(members))
	for _, member := range members {
		converted, err := convert(member, typ)
		if err != nil {
			return nil, record.Unknown, fmt.Errorf("%s: %w", describe(e), err)
		}
		list = append(list, converted.eval(nil).Column)
	}
	return membership{of, lookup(typ, list)}, record.Bool, nil
}

// lookup returns the test for members, each a column of one value, of type typ.
func lookup(typ record.Type, members []record.Column) func(*run, vector, *validity) test {
	switch typ {
	case record.Bool:
		set := setOf(members, func(c *record.Column) bool { return record.Bit(c.Bools, 0) })
		return func(r *run, v vector, _ *validity) test {
			values := r.expand(v)
			return func(row int) bool { return set[record.Bit(values.Bools, row)] }
		}
	case record.Int64:
		set := setOf(members, func(c *record.Column) int64 { return c.Ints[0] })
		return func(_ *run, v vector, _ *validity) test {
			values := ints(v)
			return func(row int) bool { return set[values.at(row)] }
		}
	case record.Float64:
		set := setOf(members, func(c *record.Column) float64 { return c.Floats[0] })
		return func(_ *run, v vector, _ *validity) test {
			values := floats(v)
			return func(row int) bool { return set[values.at(row)] }
		}
	case record.String:
		set := setOf(members, func(c *record.Column) string { return string(c.Text.At(0)) })
		return func(_ *run, v vector, _ *validity) test {
			values := texts(v)
			return func(row int) bool { return set[string(values.at(row))] }
		}
	case record.Decimal:
		return parsedLookup(members, parseDecimal, orderDecimals)
	default:
		return parsedLookup(members, eventtime.Parse, orderTimes)
	}
}

func setOf[T comparable](members []record.Column, value func(*record.Column) T) map[T]bool {
	set := make(map[T]bool, len(members))
	for i := range members {
		set[value(&members[i])] = true
	}
	return set
}

func parsedLookup[T decimal | time.Time](members []record.Column, parse func([]byte) (T, error), order func(a, b T) int) func(*run, vector, *validity) test {
	list := make([]T, 0, len(members))
	for i := range members {
		if value, err := parse(members[i].Text.At(0)); err == nil {
			list = append(list, value)
		}
	}
	return func(r *run, v vector, valid *validity) test {
		values := parseAll(r, v, valid, parse)
		return func(row int) bool {
			for _, member := range list {
				if order(values.at(row), member) == 0 {
					return true
				}
			}
			return false
		}
	}
}
