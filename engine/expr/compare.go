package expr

import (
	"bytes"
	"cmp"
	"time"

	"github.com/pyudf/pyudf/engine/eventtime"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// comparison compares two nodes of one type.
type comparison struct {
	op   planv1.Op
	typ  record.Type
	a, b node
}

func (n comparison) eval(r *run) vector {
	a, b, op := n.a.eval(r), n.b.eval(r), n.op
	if op == planv1.Op_OP_GREATER || op == planv1.Op_OP_GREATER_EQUAL {
		a, b, op = b, a, mirrored(op)
	}
	out, valid := make([]byte, record.BitmapSize(r.rows)), r.validityOf(a, b)
	switch n.typ {
	case record.Bool:
		compareBools(out, r, a, b)
	case record.Int64:
		compareNumbers(out, r.rows, op, ints(a), ints(b))
	case record.Float64:
		compareNumbers(out, r.rows, op, floats(a), floats(b))
	case record.String:
		compareTexts(out, r.rows, op, texts(a), texts(b))
	case record.Decimal:
		x, y := parseAll(r, a, &valid, parseDecimal), parseAll(r, b, &valid, parseDecimal)
		compareOrders(out, r.rows, op, func(i int) int { return orderDecimals(x.at(i), y.at(i)) })
	default:
		x, y := parseAll(r, a, &valid, eventtime.Parse), parseAll(r, b, &valid, eventtime.Parse)
		compareOrders(out, r.rows, op, func(i int) int { return orderTimes(x.at(i), y.at(i)) })
	}
	if op == planv1.Op_OP_NOT_EQUAL {
		for i := range out {
			out[i] = ^out[i]
		}
	}
	return vector{Column: record.Column{Type: record.Bool, Rows: r.rows, Valid: valid.bits, Bools: out}}
}

// mirrored returns the operation that says the same with the sides exchanged.
func mirrored(op planv1.Op) planv1.Op {
	if op == planv1.Op_OP_GREATER {
		return planv1.Op_OP_LESS
	}
	return planv1.Op_OP_LESS_EQUAL
}

// put sets bit i if holds. Without a branch: comparisons of real data are hard to predict.
func put(out []byte, i int, holds bool) {
	var bit byte
	if holds {
		bit = 1
	}
	out[i>>3] |= bit << (i & 7)
}

// compareNumbers sets the bits for ==, < and <=; != is the complement of ==, for NaN too.
func compareNumbers[T int64 | float64](out []byte, rows int, op planv1.Op, x, y operand[T]) {
	switch op {
	case planv1.Op_OP_LESS:
		for i := range rows {
			put(out, i, x.at(i) < y.at(i))
		}
	case planv1.Op_OP_LESS_EQUAL:
		for i := range rows {
			put(out, i, x.at(i) <= y.at(i))
		}
	default:
		for i := range rows {
			put(out, i, x.at(i) == y.at(i))
		}
	}
}

func compareBools(out []byte, r *run, a, b vector) {
	x, y := r.expand(a), r.expand(b)
	for i := range out {
		out[i] = ^(x.Bools[i] ^ y.Bools[i])
	}
}

// textOperand is the operand of a text column.
type textOperand struct {
	text record.Text
	mask int
}

func texts(v vector) textOperand {
	if v.constant {
		return textOperand{v.Text, 0}
	}
	return textOperand{v.Text, -1}
}

func (o *textOperand) at(i int) []byte { return o.text.At(i & o.mask) }

func compareTexts(out []byte, rows int, op planv1.Op, x, y textOperand) {
	switch op {
	case planv1.Op_OP_LESS:
		for i := range rows {
			put(out, i, bytes.Compare(x.at(i), y.at(i)) < 0)
		}
	case planv1.Op_OP_LESS_EQUAL:
		for i := range rows {
			put(out, i, bytes.Compare(x.at(i), y.at(i)) <= 0)
		}
	default:
		for i := range rows {
			put(out, i, bytes.Equal(x.at(i), y.at(i)))
		}
	}
}

// parseAll reads the texts of a vector. A row that cannot be read fails, unless it is null anyway.
func parseAll[T any](r *run, v vector, valid *validity, parse func([]byte) (T, error)) operand[T] {
	parsed := make([]T, v.Rows)
	for i := range parsed {
		if !v.constant && valid.null(i) {
			continue
		}
		value, err := parse(v.Text.At(i))
		if err != nil {
			valid.fail(r, i, err)
		}
		parsed[i] = value
	}
	return operandOf(parsed, v.constant)
}

// unordered is the order of what is neither equal, less nor greater: NaN and anything.
const unordered = 2

func orderTimes(a, b time.Time) int { return a.Compare(b) }

func compareOrders(out []byte, rows int, op planv1.Op, order func(row int) int) {
	for i := range rows {
		put(out, i, holds(op, order(i)))
	}
}

func holds(op planv1.Op, order int) bool {
	switch op {
	case planv1.Op_OP_LESS:
		return order == -1
	case planv1.Op_OP_LESS_EQUAL:
		return order == -1 || order == 0
	default:
		return order == 0
	}
}

func orderDecimals(a, b decimal) int {
	if a.nan || b.nan {
		return unordered
	}
	if a.sign != b.sign || a.sign == 0 {
		return cmp.Compare(a.sign, b.sign)
	}
	return a.sign * orderSizes(a, b)
}
