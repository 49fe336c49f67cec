package expr_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// TestAColumnGivesWhatEachRowAloneGives compares the engine with a second evaluator that walks the expression for one
// row at a time, over random expressions and columns.
func TestAColumnGivesWhatEachRowAloneGives(t *testing.T) {
	for seed := range uint64(4000) {
		g := &generator{rand.New(rand.NewPCG(seed, 1))}
		columns, rows := g.columns(), g.IntN(20)
		for _, c := range columns {
			*c = c.Take(firstRows(rows))
		}
		e := g.expr(pick(g, record.Bool, record.Int64, record.Float64), 4)
		program := compile(t, e, types(columns))
		got, failures := program.Eval(columns, rows)
		failing := map[int]bool{}
		for _, failure := range failures {
			failing[failure.Row] = true
		}
		for row, value := range values(got) {
			want, err := evalRow(e, columns, row)
			if (err != nil) != failing[row] || err == nil && !same(value, want) {
				t.Fatalf("seed %d, %v, row %d: got %v (%T, failed %v), want %v (%T, %v)", seed, e, row, value, value, failing[row], want, want, err)
			}
			if failing[row] && value != nil {
				t.Fatalf("seed %d, row %d: failed, and has the value %v", seed, row, value)
			}
		}
	}
}

func firstRows(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// evalRow is the reference: the value of e in one row, as bool, int64, float64, string, or nil; decimals and timestamps
// are told apart from strings by the operand's column.
func evalRow(e *planv1.Expr, columns map[string]*record.Column, row int) (any, error) {
	switch n := e.GetNode().(type) {
	case *planv1.Expr_Column:
		c := columns[n.Column]
		return tagged(c.Type, values(c.Take([]int32{int32(row)}))[0]), nil
	case *planv1.Expr_Literal:
		switch v := n.Literal.GetValue().(type) {
		case *planv1.Literal_BoolValue:
			return v.BoolValue, nil
		case *planv1.Literal_IntValue:
			return v.IntValue, nil
		case *planv1.Literal_FloatValue:
			return v.FloatValue, nil
		case *planv1.Literal_StringValue:
			return v.StringValue, nil
		}
		return nil, nil
	}
	return evalOperation(e.GetOperation(), columns, row)
}

type (
	number string // a decimal's digits
	moment string // a timestamp's text
)

func tagged(typ record.Type, value any) any {
	text, ok := value.(string)
	switch {
	case ok && typ == record.Decimal:
		return number(text)
	case ok && typ == record.Timestamp:
		return moment(text)
	default:
		return value
	}
}

func evalOperation(operation *planv1.Operation, columns map[string]*record.Column, row int) (any, error) {
	if nullWithoutALook(operation) {
		return nil, nil
	}
	args := make([]any, len(operation.Args))
	for i, arg := range operation.Args {
		value, err := evalRow(arg, columns, row)
		if err != nil {
			return nil, err
		}
		if args[i] = value; i == 0 && decidesAlone(operation.Op, value) {
			return value, nil
		}
	}
	return apply(operation.Op, args)
}

// decidesAlone: where the left side decides, the right one is not looked at.
func decidesAlone(op planv1.Op, left any) bool {
	return op == and && left == false || op == or && left == true
}

func apply(op planv1.Op, args []any) (any, error) {
	switch {
	case op == and || op == or:
		return combine(op == or, args[0], args[1]), nil
	case op == isNull || op == isNotNull:
		return (args[0] == nil) == (op == isNull), nil
	case op == isIn:
		return contains(args)
	case slices.Contains(args, nil):
		return nil, nil
	case op == not:
		return args[0] == false, nil
	case op == negate:
		return calculate(subtract, zero(args[0]), args[0])
	case op >= eq && op <= ge:
		return compare(op, args[0], args[1])
	default:
		return calculate(op, args[0], args[1])
	}
}

// combine is `or`, for which true decides, or `and`, for which false does.
func combine(decides bool, a, b any) any {
	switch {
	case a == decides || b == decides:
		return decides
	case a == nil || b == nil:
		return nil
	default:
		return !decides
	}
}

func compare(op planv1.Op, a, b any) (any, error) {
	order, err := order(a, b)
	return map[planv1.Op]bool{
		eq: order == 0, ne: order != 0, lt: order == -1, le: order == -1 || order == 0, gt: order == 1, ge: order == 1 || order == 0,
	}[op], err
}

// nullWithoutALook: where one side is the null literal the other one is not evaluated.
func nullWithoutALook(operation *planv1.Operation) bool {
	if operation.Op > ge {
		return false
	}
	for _, arg := range operation.Args {
		if literal := arg.GetLiteral(); literal != nil && literal.GetNullValue() {
			return true
		}
	}
	return false
}

func contains(args []any) (any, error) {
	if args[0] == nil {
		return nil, nil
	}
	found := false
	for _, member := range args[1:] {
		if member == nil {
			continue
		}
		order, err := order(args[0], member)
		if err != nil {
			return nil, err
		}
		found = found || order == 0
	}
	return found, nil
}

func zero(value any) any {
	if _, ok := value.(float64); ok {
		return math.Copysign(0, -1)
	}
	return int64(0)
}

func order(a, b any) (int, error) {
	if _, ok := a.(moment); ok {
		return orderMoments(a, b)
	}
	if _, ok := b.(moment); ok {
		return orderMoments(a, b)
	}
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), nil
		}
	case bool:
		if x == b {
			return 0, nil
		}
		return 9, nil
	case int64:
		if y, ok := b.(int64); ok {
			return big.NewInt(x).Cmp(big.NewInt(y)), nil
		}
	}
	if x, y, ok := bothFloats(a, b); ok {
		switch {
		case x < y:
			return -1, nil
		case x > y:
			return 1, nil
		case x == y:
			return 0, nil
		default:
			return 9, nil
		}
	}
	return rational(a).Cmp(rational(b)), nil
}

func bothFloats(a, b any) (x, y float64, ok bool) {
	_, aIsNumber := a.(number)
	_, bIsNumber := b.(number)
	if aIsNumber || bIsNumber {
		return 0, 0, false
	}
	return float(a), float(b), true
}

func orderMoments(a, b any) (int, error) {
	x, err := time.Parse(time.RFC3339Nano, fmt.Sprint(a))
	if err != nil {
		return 0, err
	}
	y, err := time.Parse(time.RFC3339Nano, fmt.Sprint(b))
	return x.Compare(y), err
}

func rational(value any) *big.Rat {
	text := strings.TrimSuffix(fmt.Sprint(value), ".")
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic("no number: " + text)
	}
	return r
}

func float(value any) float64 {
	if n, ok := value.(int64); ok {
		return float64(n)
	}
	f, ok := value.(float64)
	if !ok {
		panic(fmt.Sprintf("no number: %v", value))
	}
	return f
}

func calculate(op planv1.Op, a, b any) (any, error) {
	x, xIsInt := a.(int64)
	y, yIsInt := b.(int64)
	if xIsInt && yIsInt && op != divide {
		return calculateInts(op, big.NewInt(x), big.NewInt(y))
	}
	u, v := float(a), float(b)
	switch op {
	case add:
		return u + v, nil
	case subtract:
		return u - v, nil
	case multiply:
		return u * v, nil
	case divide:
		return u / v, nil
	default:
		return calculateFloor(op, u, v), nil
	}
}

// calculateInts uses that Euclid's division of big rounds towards negative infinity for a positive divisor.
func calculateInts(op planv1.Op, x, y *big.Int) (any, error) {
	result := new(big.Int)
	switch op {
	case add:
		result.Add(x, y)
	case subtract:
		result.Sub(x, y)
	case multiply:
		result.Mul(x, y)
	default:
		if y.Sign() == 0 {
			return nil, errors.New("division by zero")
		}
		if y.Sign() < 0 {
			x, y = new(big.Int).Neg(x), new(big.Int).Neg(y)
			if op == modulo {
				result.Neg(new(big.Int).Mod(x, y))
				break
			}
		}
		if op == modulo {
			result.Mod(x, y)
		} else {
			result.Div(x, y)
		}
	}
	if !result.IsInt64() {
		return nil, errors.New("overflow")
	}
	return result.Int64(), nil
}

// calculateFloor states what Python's // and % mean for floats: the remainder has the divisor's sign, and is exact.
func calculateFloor(op planv1.Op, u, v float64) float64 {
	if v == 0 {
		if op == modulo {
			return math.NaN()
		}
		return u / v
	}
	remainder := math.Mod(u, v)
	adjusted := remainder != 0 && math.Signbit(remainder) != math.Signbit(v)
	quotient := (u - remainder) / v
	if adjusted {
		remainder, quotient = remainder+v, quotient-1
	}
	if op == modulo {
		if remainder == 0 {
			return math.Copysign(0, v)
		}
		return remainder
	}
	if quotient == 0 {
		return math.Copysign(0, u/v)
	}
	return math.RoundToEven(quotient)
}
