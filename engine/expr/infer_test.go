package expr_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/expr"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

func TestFieldsThatNobodyDeclaredGetTheTypeOfTheirUse(t *testing.T) {
	const big = 1<<53 + 1
	known := map[string]record.Type{
		"i": record.Int64, "f": record.Float64, "s": record.String, "t": record.Timestamp, "d": record.Decimal, "open": record.Unknown,
	}
	x, y := col("x"), col("y")
	for _, test := range []struct {
		expr *planv1.Expr
		want map[string]record.Type
	}{
		{op(gt, x, 103), map[string]record.Type{"x": record.Float64}},
		{op(gt, 1.5, x), map[string]record.Type{"x": record.Float64}},
		{op(eq, x, big), map[string]record.Type{"x": record.Int64}},
		{op(add, x, -big), map[string]record.Type{"x": record.Int64}},
		{op(and, op(gt, x, 3), op(ne, x, big)), map[string]record.Type{"x": record.Int64}},
		{op(add, x, y), map[string]record.Type{"x": record.Float64, "y": record.Float64}},
		{op(negate, x), map[string]record.Type{"x": record.Float64}},
		{op(eq, x, "a"), map[string]record.Type{"x": record.String}},
		{op(eq, x, true), map[string]record.Type{"x": record.Bool}},
		{op(not, x), map[string]record.Type{"x": record.Bool}},
		{op(and, x, op(gt, y, 1)), map[string]record.Type{"x": record.Bool, "y": record.Float64}},
		{op(isIn, x, "a", nil), map[string]record.Type{"x": record.String}},
		{op(isIn, x, 1, 2), map[string]record.Type{"x": record.Float64}},
		{op(isIn, x, 1, big), map[string]record.Type{"x": record.Int64}},
		{op(isIn, x, nil), map[string]record.Type{"x": record.JSON}},
		{op(isNull, x), map[string]record.Type{"x": record.JSON}},
		{op(or, op(isNull, x), op(gt, x, 3)), map[string]record.Type{"x": record.Float64}},
		{x, map[string]record.Type{"x": record.JSON}},
		{op(gt, col("open"), 3), map[string]record.Type{"open": record.Float64}},
		{op(lt, x, col("i")), map[string]record.Type{"x": record.Float64, "i": record.Int64}},
		{op(lt, x, col("s")), map[string]record.Type{"x": record.String, "s": record.String}},
		{op(lt, x, col("t")), map[string]record.Type{"x": record.Timestamp, "t": record.Timestamp}},
		{op(or, op(lt, x, "2013-01-01"), op(lt, x, col("t"))), map[string]record.Type{"x": record.Timestamp, "t": record.Timestamp}},
		{op(lt, x, col("d")), map[string]record.Type{"x": record.Decimal, "d": record.Decimal}},
		{op(eq, x, op(gt, y, 1)), map[string]record.Type{"x": record.Bool, "y": record.Float64}},
		{op(and, op(eq, x, y), op(eq, y, "a")), map[string]record.Type{"x": record.String, "y": record.String}},
		{op(gt, op(add, x, 1), y), map[string]record.Type{"x": record.Float64, "y": record.Float64}},
	} {
		t.Run(fmt.Sprint(test.expr), func(t *testing.T) {
			reads := compile(t, test.expr, known).Reads()
			got := map[string]record.Type{}
			for _, field := range reads {
				got[field.Name] = field.Type
			}
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("reads %v, want %v", got, test.want)
			}
			if !slices.IsSortedFunc(reads, func(a, b expr.Field) int { return strings.Compare(a.Name, b.Name) }) {
				t.Errorf("not sorted by name: %v", reads)
			}
		})
	}
}

func TestTheResultHasTheTypeThatTheOperationsGive(t *testing.T) {
	known := map[string]record.Type{"i": record.Int64, "f": record.Float64, "s": record.String}
	for _, test := range []struct {
		expr *planv1.Expr
		want record.Type
	}{
		{op(add, col("i"), 1), record.Int64},
		{op(divide, col("i"), 1), record.Float64},
		{op(add, col("i"), 1.0), record.Float64},
		{op(modulo, col("f"), 2), record.Float64},
		{op(negate, col("i")), record.Int64},
		{op(negate, nil), record.Int64},
		{op(add, col("i"), nil), record.Int64},
		{op(eq, col("i"), nil), record.Bool},
		{op(isNull, col("s")), record.Bool},
		{col("s"), record.String},
		{lit(2.5), record.Float64},
		{lit(nil), record.JSON},
	} {
		if got := compile(t, test.expr, known).Type(); got != test.want {
			t.Errorf("%v: type %v, want %v", test.expr, got, test.want)
		}
	}
}

func TestWhatCannotBeCompiledIsRefusedWithASentence(t *testing.T) {
	known := map[string]record.Type{
		"i": record.Int64, "s": record.String, "b": record.Bool, "d": record.Decimal, "t": record.Timestamp, "j": record.JSON,
	}
	x := col("x")
	for _, test := range []struct {
		expr *planv1.Expr
		want string
	}{
		{op(eq, x, col("y")), `nothing tells the type of field "x" in col("x") == col("y"); declare it with schema=`},
		{op(eq, x, nil), `nothing tells the type of field "x"`},
		{op(or, op(eq, x, "a"), op(gt, x, 3)), `field "x" is both compared with a string in col("x") == "a" (string) and compared with an int64 in col("x") > 3 (float64); declare its type with schema=`},
		{op(isIn, x, "a", 1), `field "x" is both looked up in`},
		{op(and, x, op(gt, x, 3)), `field "x" is both compared with`},
		{op(add, x, "a"), `col("x") + "a" calculates with "a", which is a string; expressions calculate with numbers only`},
		{op(add, col("b"), 1), `calculates with col("b"), which is a bool`},
		{op(add, col("d"), 1), `col("d") + 1 calculates with the decimal col("d")`},
		{op(add, col("j"), 1), `which is a json`},
		{op(eq, col("s"), 1), `col("s") == 1 compares a string with an int64`},
		{op(isIn, col("i"), "a"), `compares an int64 with a string`},
		{op(lt, col("b"), true), `orders booleans`},
		{op(eq, col("j"), 1), `col("j"), which is a JSON value of any kind`},
		{op(isIn, col("j"), 1), `JSON value`},
		{op(and, col("i"), true), `takes col("i") as true or false, but it is an int64`},
		{op(lt, col("t"), "soon"), `"soon" is not ISO 8601`},
		{op(isIn, col("t"), "soon"), `"soon" is not ISO 8601`},
		{op(lt, col("t"), col("s")), `compares a timestamp with a string`},
		{op(lt, col("d"), "a lot"), `"a lot" is not a decimal`},
		{op(isIn, col("i"), col("s")), `is_in takes a list of plain values, not col("s")`},
		{op(add, 1), `has 1 arguments where it takes 2`},
		{op(not, true, true), `has 2 arguments where it takes 1`},
		{op(isIn), `has 0 arguments`},
		{op(0, 1, 2), `which this engine does not know`},
		{op(99, 1, 2), `which this engine does not know`},
		{col(""), `has no name`},
		{&planv1.Expr{}, `the expression is empty`},
		{nil, `the expression is empty`},
		{op(add, 1, &planv1.Expr{}), `the expression is empty`},
		{&planv1.Expr{Node: &planv1.Expr_Literal{}}, `literal of the expression has no value`},
	} {
		t.Run(fmt.Sprint(test.expr), func(t *testing.T) {
			_, err := expr.Compile(test.expr, known)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestAConditionMustBeABoolean(t *testing.T) {
	known := map[string]record.Type{"i": record.Int64, "b": record.Bool}
	for _, good := range []*planv1.Expr{col("b"), col("x"), op(gt, col("i"), 3), lit(true), lit(nil), op(isNull, col("i"))} {
		program, err := expr.CompileCondition(good, known)
		if err != nil || program.Type() != record.Bool {
			t.Errorf("%v: %v", good, err)
		}
	}
	for _, bad := range []*planv1.Expr{col("i"), lit(3), op(add, col("x"), 1)} {
		if _, err := expr.CompileCondition(bad, known); err == nil || !strings.Contains(err.Error(), "must give true or false") {
			t.Errorf("%v: got %v", bad, err)
		}
	}
}

func TestNegationOfANullLiteralInsideAComparisonIsNull(t *testing.T) {
	check(t, op(gt, op(negate, nil), 3), nil, []any{nil, nil})
}
