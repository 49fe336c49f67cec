package expr_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

const (
	add         = planv1.Op_OP_ADD
	subtract    = planv1.Op_OP_SUBTRACT
	multiply    = planv1.Op_OP_MULTIPLY
	divide      = planv1.Op_OP_DIVIDE
	floorDivide = planv1.Op_OP_FLOOR_DIVIDE
	modulo      = planv1.Op_OP_MODULO
	negate      = planv1.Op_OP_NEGATE
	eq          = planv1.Op_OP_EQUAL
	ne          = planv1.Op_OP_NOT_EQUAL
	lt          = planv1.Op_OP_LESS
	le          = planv1.Op_OP_LESS_EQUAL
	gt          = planv1.Op_OP_GREATER
	ge          = planv1.Op_OP_GREATER_EQUAL
	and         = planv1.Op_OP_AND
	or          = planv1.Op_OP_OR
	not         = planv1.Op_OP_NOT
	isNull      = planv1.Op_OP_IS_NULL
	isNotNull   = planv1.Op_OP_IS_NOT_NULL
	isIn        = planv1.Op_OP_IS_IN
)

var (
	inf = math.Inf(1) //nolint:gochecknoglobals // Go has no constant for it
	nan = math.NaN()  //nolint:gochecknoglobals // Go has no constant for it
)

// failed stands for a row that fails.
type failed string

// sample are columns of 4 rows of each type; c is the second operand.
func sample() map[string]*record.Column {
	return map[string]*record.Column{
		"i": column(record.Int64, 7, -7, nil, 0), "i2": column(record.Int64, 2, 2, 2, 0),
		"f": column(record.Float64, 7.5, -7.5, nil, nan), "f2": column(record.Float64, 2.0, -0.5, 1.0, 0.0),
		"s": column(record.String, "a", "b", nil, ""), "s2": column(record.String, "b", "b", "b", "a"),
		"b": column(record.Bool, true, false, nil, true), "b2": column(record.Bool, true, true, false, nil),
		"d": column(record.Decimal, "1.10", "-3e2", nil, "100000000000000000000000.1"), "d2": column(record.Decimal, "1.1", "1", "1", "100000000000000000000000"),
		"t":  column(record.Timestamp, "2013-01-01T06:00:00Z", "2013-01-01T01:00:00-05:00", nil, "2012-12-31"),
		"t2": column(record.Timestamp, "2013-01-01T06:00:00Z", "2013-01-01T06:00:00Z", "2013-01-01T06:00:00Z", "2013-01-01T06:00:00Z"),
		"j":  column(record.JSON, "1", "{}", nil, `"x"`),
	}
}

func TestOperationsGiveWhatPythonAndSQLGive(t *testing.T) {
	max64, min64 := int64(math.MaxInt64), int64(math.MinInt64)
	for _, test := range []struct {
		expr *planv1.Expr
		want []any
	}{
		{op(add, col("i"), col("i2")), []any{9, -5, nil, 0}},
		{op(subtract, col("i"), 1), []any{6, -8, nil, -1}},
		{op(multiply, 3, col("i")), []any{21, -21, nil, 0}},
		{op(divide, col("i"), col("i2")), []any{3.5, -3.5, nil, nan}},
		{op(divide, col("i2"), 0), []any{inf, inf, inf, nan}},
		{op(floorDivide, col("i"), col("i2")), []any{3, -4, nil, failed("0 // 0: integer division by zero")}},
		{op(modulo, col("i"), col("i2")), []any{1, 1, nil, failed("0 % 0: integer division by zero")}},
		{op(modulo, col("i"), -2), []any{-1, -1, nil, 0}},
		{op(floorDivide, col("i"), -2), []any{-4, 3, nil, 0}},
		{op(floorDivide, 12, op(multiply, col("i"), 0)), []any{failed("12 // 0"), failed("12 // 0"), nil, failed("12 // 0")}},
		{op(negate, col("i")), []any{-7, 7, nil, 0}},
		{op(add, col("i"), max64), []any{failed("7 + 9223372036854775807: the result does not fit a 64-bit integer"), max64 - 7, nil, max64}},
		{op(subtract, col("i"), min64), []any{failed("does not fit"), max64 - 6, nil, failed("does not fit")}},
		{op(multiply, col("i"), min64), []any{failed("does not fit"), failed("does not fit"), nil, 0}},
		{op(multiply, -1, op(add, col("i2"), min64)), []any{max64 - 1, max64 - 1, max64 - 1, failed("does not fit")}},
		{op(negate, op(add, col("i2"), min64)), []any{max64 - 1, max64 - 1, max64 - 1, failed("-(-9223372036854775808)")}},
		{op(floorDivide, op(add, col("i2"), min64), -1), []any{max64 - 1, max64 - 1, max64 - 1, failed("does not fit")}},
		{op(modulo, op(add, col("i2"), min64), -1), []any{0, 0, 0, 0}},
		{op(negate, 5), []any{-5, -5, -5, -5}},

		{op(add, col("f"), col("f2")), []any{9.5, -8.0, nil, nan}},
		{op(add, col("f"), col("i")), []any{14.5, -14.5, nil, nan}},
		{op(subtract, col("i"), 0.5), []any{6.5, -7.5, nil, -0.5}},
		{op(multiply, col("f"), 2), []any{15.0, -15.0, nil, nan}},
		{op(divide, 1, col("f2")), []any{0.5, -2.0, 1.0, inf}},
		{op(divide, -1.0, col("f2")), []any{-0.5, 2.0, -1.0, -inf}},
		{op(floorDivide, col("f"), 2), []any{3.0, -4.0, nil, nan}},
		{op(modulo, col("f"), 2), []any{1.5, 0.5, nil, nan}},
		{op(modulo, col("f"), -2.0), []any{-0.5, -1.5, nil, nan}},
		{op(floorDivide, 1.0, col("f2")), []any{0.0, -2.0, 1.0, inf}},
		{op(modulo, 1.0, col("f2")), []any{1.0, math.Copysign(0, -1), 0.0, nan}},
		{op(negate, col("f2")), []any{-2.0, 0.5, -1.0, math.Copysign(0, -1)}},

		{op(eq, col("i"), 7), []any{true, false, nil, false}},
		{op(ne, col("i"), col("i2")), []any{true, true, nil, false}},
		{op(lt, col("i"), col("i2")), []any{false, true, nil, false}},
		{op(le, col("i"), 0), []any{false, true, nil, true}},
		{op(gt, col("i"), -7), []any{true, false, nil, true}},
		{op(ge, 0, col("i")), []any{false, true, nil, true}},
		{op(eq, col("i"), 7.0), []any{true, false, nil, false}},
		{op(lt, col("i"), 7.5), []any{true, true, nil, true}},
		{op(eq, col("f"), col("f")), []any{true, true, nil, false}},
		{op(ne, col("f"), col("f")), []any{false, false, nil, true}},
		{op(lt, col("f"), 100), []any{true, true, nil, false}},
		{op(le, col("f"), 100), []any{true, true, nil, false}},
		{op(gt, col("f"), -7.5), []any{true, false, nil, false}},
		{op(ge, col("f"), -7.5), []any{true, true, nil, false}},
		{op(gt, op(divide, col("i2"), 0), 1e308), []any{true, true, true, false}},
		{op(eq, col("f"), nil), []any{nil, nil, nil, nil}},

		{op(eq, col("s"), "a"), []any{true, false, nil, false}},
		{op(ne, col("s"), col("s2")), []any{true, false, nil, true}},
		{op(lt, col("s"), col("s2")), []any{true, false, nil, true}},
		{op(le, col("s"), col("s2")), []any{true, true, nil, true}},
		{op(gt, col("s"), "a"), []any{false, true, nil, false}},
		{op(ge, "a", col("s")), []any{true, false, nil, true}},

		{op(eq, col("b"), col("b2")), []any{true, false, nil, nil}},
		{op(ne, col("b"), true), []any{false, true, nil, false}},

		{op(eq, col("d"), col("d2")), []any{true, false, nil, false}},
		{op(gt, col("d"), col("d2")), []any{false, false, nil, true}},
		{op(eq, col("d"), 1.1), []any{true, false, nil, false}},
		{op(lt, col("d"), 1), []any{false, true, nil, false}},
		{op(ge, col("d"), "1.10"), []any{true, false, nil, true}},
		{op(lt, col("d"), col("i")), []any{true, true, nil, false}},
		{op(ne, col("f2"), col("d2")), []any{true, true, false, true}},

		{op(eq, col("t"), col("t2")), []any{true, true, nil, false}},
		{op(lt, col("t"), col("t2")), []any{false, false, nil, true}},
		{op(ge, col("t"), "2013-01-01"), []any{true, true, nil, false}},
		{op(gt, "2013-01-01T06:00:00.001Z", col("t")), []any{true, true, nil, true}},

		{op(and, col("b"), col("b2")), []any{true, false, false, nil}},
		{op(or, col("b"), col("b2")), []any{true, true, nil, true}},
		{op(and, col("b2"), col("b")), []any{true, false, false, nil}},
		{op(or, col("b2"), col("b")), []any{true, true, nil, true}},
		{op(not, col("b")), []any{false, true, nil, false}},
		{op(and, col("b"), nil), []any{nil, false, nil, nil}},
		{op(or, nil, col("b")), []any{true, nil, nil, true}},
		{op(and, col("b"), true), []any{true, false, nil, true}},
		{op(not, nil), []any{nil, nil, nil, nil}},
		{op(not, false), []any{true, true, true, true}},

		{op(isNull, col("i")), []any{false, false, true, false}},
		{op(isNotNull, col("j")), []any{true, true, false, true}},
		{op(isNull, col("s2")), []any{false, false, false, false}},
		{op(isNull, nil), []any{true, true, true, true}},
		{op(isNotNull, 3), []any{true, true, true, true}},
		{op(isNull, op(add, col("i"), nil)), []any{true, true, true, true}},

		{op(isIn, col("i"), 0, 7, nil), []any{true, false, nil, true}},
		{op(isIn, col("i"), 0.0, 7.5), []any{false, false, nil, true}},
		{op(isIn, col("f"), -7.5, nan), []any{false, true, nil, false}},
		{op(isIn, col("s"), "a", "", "zz"), []any{true, false, nil, true}},
		{op(isIn, col("b"), false), []any{false, true, nil, false}},
		{op(isIn, col("d"), 1.1, -300, "5"), []any{true, true, nil, false}},
		{op(isIn, col("t"), "2012-12-31T00:00:00Z", nil), []any{false, false, nil, true}},
		{op(isIn, col("i")), []any{false, false, nil, false}},
		{op(isIn, col("i"), nil), []any{false, false, nil, false}},
		{op(isIn, nil, 1), []any{nil, nil, nil, nil}},
		{op(isIn, 3, 1, 3), []any{true, true, true, true}},
		{op(isIn, true, false), []any{false, false, false, false}},

		{col("s"), []any{"a", "b", nil, ""}},
		{lit("x"), []any{"x", "x", "x", "x"}},
		{lit(true), []any{true, true, true, true}},
		{lit(nil), []any{nil, nil, nil, nil}},
		{op(add, 1, 2.5), []any{3.5, 3.5, 3.5, 3.5}},
	} {
		t.Run(fmt.Sprint(test.expr), func(t *testing.T) { check(t, test.expr, sample(), test.want) })
	}
}

// check evaluates e over columns of len(want) rows.
func check(t *testing.T, e *planv1.Expr, columns map[string]*record.Column, want []any) {
	t.Helper()
	program := compile(t, e, types(columns))
	got, failures := program.Eval(columns, len(want))
	if got.Type != program.Type() || got.Rows != len(want) {
		t.Errorf("%d rows of %v, want %d of %v", got.Rows, got.Type, len(want), program.Type())
	}
	for row, value := range values(got) {
		if reason, fails := want[row].(failed); fails {
			if len(failures) == 0 || failures[0].Row != row || !strings.Contains(failures[0].Err.Error(), string(reason)) || value != nil {
				t.Fatalf("row %d: got %v with failures %v, want failure %q", row, value, failures, reason)
			}
			failures = failures[1:]
			continue
		}
		if !same(value, want[row]) {
			t.Errorf("row %d: got %v (%T), want %v (%T)", row, value, value, want[row], want[row])
		}
	}
	if len(failures) > 0 {
		t.Errorf("unexpected failures: %v", failures)
	}
}

// same compares values, floats bit by bit except that all NaN are the same.
func same(got, want any) bool {
	if n, ok := want.(int); ok {
		want = int64(n)
	}
	x, ok := got.(float64)
	y, ok2 := want.(float64)
	if !ok || !ok2 {
		return got == want
	}
	return math.Float64bits(x) == math.Float64bits(y) || x != x && y != y
}

func TestOneBadRowFailsAlone(t *testing.T) {
	columns := map[string]*record.Column{
		"n": column(record.Int64, 1, 0, 2, 0, nil), "t": column(record.Timestamp, "2013-01-01", "2013-01-01", "soon", "never", nil),
		"d": column(record.Decimal, "1", "1.", "x", "1e", nil),
	}
	check(t, op(floorDivide, 10, col("n")), columns, []any{10, failed("10 // 0"), 5, failed("10 // 0"), nil})
	check(t, op(eq, col("t"), col("t")), columns, []any{true, true, failed(`"soon" is not ISO 8601`), failed(`"never"`), nil})
	check(t, op(gt, col("d"), 0), columns, []any{true, true, failed(`"x" is not a decimal number`), failed(`"1e"`), nil})
	check(t, op(isIn, col("t"), "2013-01-01"), columns, []any{true, true, failed(`"soon"`), failed(`"never"`), nil})
	two := op(add, op(floorDivide, 10, col("n")), op(modulo, 10, col("n")))
	check(t, two, columns, []any{10, failed("10 // 0"), 5, failed("10 // 0"), nil})
	check(t, op(isNull, op(floorDivide, 10, col("n"))), columns, []any{false, failed("10 // 0"), false, failed("10 // 0"), true})
}

func TestAGuardedDivisionDoesNotFail(t *testing.T) {
	columns := map[string]*record.Column{"n": column(record.Int64, 1, 0, nil, 5)}
	division := op(gt, op(floorDivide, 10, col("n")), 3)
	check(t, op(and, op(ne, col("n"), 0), division), columns, []any{true, false, nil, false})
	check(t, op(or, op(eq, col("n"), 0), division), columns, []any{true, true, nil, false})
	check(t, op(and, division, op(ne, col("n"), 0)), columns, []any{true, failed("10 // 0"), nil, false})
	check(t, op(or, op(ne, col("n"), 0), division), columns, []any{true, failed("10 // 0"), nil, true})
}

func TestDecimalsCompareByTheirExactValue(t *testing.T) {
	columns := map[string]*record.Column{
		"x": column(record.Decimal, "1.0", "-0", "1e1000000000000", "0.1", "12e-1", "NaN", "Infinity", "-Infinity", "-2", "0.0010"),
		"y": column(record.Decimal, "1", "0e5", "1e999999999999", "0.10000000000000000000000000001", "1.2", "NaN", "1e99999999999999999999", "-9", "-1", "1E-3"),
	}
	check(t, op(eq, col("x"), col("y")), columns, []any{true, true, false, false, true, false, false, false, false, true})
	check(t, op(lt, col("x"), col("y")), columns, []any{false, false, false, true, false, false, false, true, true, false})
	check(t, op(ge, col("x"), col("y")), columns, []any{true, true, true, false, true, false, true, false, false, true})
	check(t, op(ne, col("x"), col("y")), columns, []any{false, false, true, true, false, true, true, true, true, false})
}

func TestEvalTakesAnyNumberOfRows(t *testing.T) {
	for rows := range 20 {
		builder := record.NewBuilder(record.Int64, rows)
		want := make([]any, rows)
		for i := range rows {
			builder.Int(int64(i))
			want[i] = i%3 == 0
			if i%5 == 0 {
				want[i] = true
			}
		}
		n := builder.Column()
		three := op(eq, op(modulo, col("n"), 3), 0)
		check(t, op(or, three, op(eq, op(modulo, col("n"), 5), 0)), map[string]*record.Column{"n": &n}, want)
	}
}

func TestEvalLeavesItsInputsAlone(t *testing.T) {
	n, m := column(record.Int64, 1, 0, nil), column(record.Int64, 1, nil, 2)
	valid := string(n.Valid)
	program := compile(t, op(floorDivide, 10, col("n")), map[string]record.Type{"n": record.Int64})
	if _, failures := program.Eval(map[string]*record.Column{"n": n}, 3); len(failures) != 1 {
		t.Fatalf("failures: %v", failures)
	}
	program = compile(t, op(add, col("n"), col("m")), map[string]record.Type{"n": record.Int64, "m": record.Int64})
	program.Eval(map[string]*record.Column{"n": n, "m": m}, 3)
	if string(n.Valid) != valid || n.IsNull(1) {
		t.Error("the column's nulls changed")
	}
}

func TestEvalTakesBitmapsWithPadding(t *testing.T) {
	a, b := column(record.Int64, 1, nil), column(record.Int64, nil, 2)
	a.Valid = append(a.Valid, 0, 0, 0)
	program := compile(t, op(add, col("a"), col("b")), map[string]record.Type{"a": record.Int64, "b": record.Int64})
	for range 2 {
		got, _ := program.Eval(map[string]*record.Column{"a": a, "b": b}, 2)
		if !got.IsNull(0) || !got.IsNull(1) {
			t.Errorf("got %v", values(got))
		}
		a, b = b, a
	}
}
