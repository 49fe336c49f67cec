package expr

import (
	"errors"
	"fmt"
	"math"

	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

var (
	errZero     = errors.New("integer division by zero")
	errOverflow = errors.New("the result does not fit a 64-bit integer")
)

// toFloat turns integers into floats.
type toFloat struct{ of node }

func (n toFloat) eval(r *run) vector {
	v := n.of.eval(r)
	floats := make([]float64, len(v.Ints))
	for i, value := range v.Ints {
		floats[i] = float64(value)
	}
	return vector{record.Column{Type: record.Float64, Rows: v.Rows, Valid: v.Valid, Floats: floats}, v.constant}
}

type floatArithmetic struct {
	op   planv1.Op
	a, b node
}

func (n floatArithmetic) eval(r *run) vector {
	a, b := n.a.eval(r), n.b.eval(r)
	x, y, out := floats(a), floats(b), make([]float64, r.rows)
	switch n.op {
	case planv1.Op_OP_ADD:
		for i := range out {
			out[i] = x.at(i) + y.at(i)
		}
	case planv1.Op_OP_SUBTRACT:
		for i := range out {
			out[i] = x.at(i) - y.at(i)
		}
	case planv1.Op_OP_MULTIPLY:
		for i := range out {
			out[i] = x.at(i) * y.at(i)
		}
	case planv1.Op_OP_DIVIDE:
		for i := range out {
			out[i] = x.at(i) / y.at(i)
		}
	case planv1.Op_OP_FLOOR_DIVIDE:
		for i := range out {
			out[i], _ = floorDivide(x.at(i), y.at(i))
		}
	default:
		for i := range out {
			_, out[i] = floorDivide(x.at(i), y.at(i))
		}
	}
	return vector{Column: record.Column{Type: record.Float64, Rows: r.rows, Valid: r.validityOf(a, b).bits, Floats: out}}
}

// floorDivide returns x // y and x % y, step by step as CPython computes them, so that the bits are the same; by zero
// it gives what IEEE 754 gives for x / 0, and NaN.
func floorDivide(x, y float64) (quotient, remainder float64) {
	if y == 0 {
		return x / y, math.NaN()
	}
	remainder = math.Mod(x, y)
	quotient = (x - remainder) / y
	if remainder == 0 {
		remainder = math.Copysign(0, y)
	} else if (y < 0) != (remainder < 0) {
		remainder += y
		quotient--
	}
	if quotient == 0 {
		return math.Copysign(0, x/y), remainder
	}
	floor := math.Floor(quotient)
	if quotient-floor > 0.5 {
		floor++
	}
	return floor, remainder
}

type negateFloat struct{ of node }

func (n negateFloat) eval(r *run) vector {
	v := n.of.eval(r)
	out := make([]float64, len(v.Floats))
	for i, value := range v.Floats {
		out[i] = -value
	}
	return vector{record.Column{Type: record.Float64, Rows: v.Rows, Valid: v.Valid, Floats: out}, v.constant}
}

type intArithmetic struct {
	op     planv1.Op
	kernel func(x, y int64) (int64, error)
	a, b   node
}

func (n intArithmetic) eval(r *run) vector {
	a, b := n.a.eval(r), n.b.eval(r)
	x, y, out, valid := ints(a), ints(b), make([]int64, r.rows), r.validityOf(a, b)
	for i := range out {
		value, err := n.kernel(x.at(i), y.at(i))
		if err != nil && !valid.null(i) {
			valid.fail(r, i, fmt.Errorf("%d %s %d: %w", x.at(i), symbols[n.op], y.at(i), err))
		}
		out[i] = value
	}
	return vector{Column: record.Column{Type: record.Int64, Rows: r.rows, Valid: valid.bits, Ints: out}}
}

type negateInt struct{ of node }

func (n negateInt) eval(r *run) vector {
	v := n.of.eval(r)
	x, out, valid := ints(v), make([]int64, r.rows), r.validityOf(v)
	for i := range out {
		value := x.at(i)
		if value == math.MinInt64 && !valid.null(i) {
			valid.fail(r, i, fmt.Errorf("-(%d): %w", value, errOverflow))
		}
		out[i] = -value
	}
	return vector{Column: record.Column{Type: record.Int64, Rows: r.rows, Valid: valid.bits, Ints: out}}
}

func intKernel(op planv1.Op) func(x, y int64) (int64, error) {
	switch op {
	case planv1.Op_OP_ADD:
		return add
	case planv1.Op_OP_SUBTRACT:
		return subtract
	case planv1.Op_OP_MULTIPLY:
		return multiply
	case planv1.Op_OP_FLOOR_DIVIDE:
		return floorDivideInt
	default:
		return moduloInt
	}
}

func add(x, y int64) (int64, error) {
	sum := x + y
	if (x^sum)&(y^sum) < 0 {
		return 0, errOverflow
	}
	return sum, nil
}

func subtract(x, y int64) (int64, error) {
	difference := x - y
	if (x^y)&(x^difference) < 0 {
		return 0, errOverflow
	}
	return difference, nil
}

func multiply(x, y int64) (int64, error) {
	product := x * y
	if int64(int32(x)) == x && int64(int32(y)) == y {
		return product, nil
	}
	if x != 0 && (product/x != y || (x == -1 && y == math.MinInt64)) {
		return 0, errOverflow
	}
	return product, nil
}

func floorDivideInt(x, y int64) (int64, error) {
	switch {
	case y == 0:
		return 0, errZero
	case y == -1 && x == math.MinInt64:
		return 0, errOverflow
	}
	quotient := x / y
	if x%y != 0 && (x < 0) != (y < 0) {
		quotient--
	}
	return quotient, nil
}

func moduloInt(x, y int64) (int64, error) {
	if y == 0 {
		return 0, errZero
	}
	remainder := x % y
	if remainder != 0 && (remainder < 0) != (y < 0) {
		remainder += y
	}
	return remainder, nil
}
