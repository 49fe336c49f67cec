package expr_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/engine/expr"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// FuzzCompile: whatever arrives as an expression is refused or can be evaluated, over no rows and over nulls.
func FuzzCompile(f *testing.F) {
	for _, e := range []*planv1.Expr{
		op(and, op(gt, col("x"), 3), op(isIn, col("s"), "a", nil)), op(floorDivide, col("i"), col("x")), op(lt, col("t"), "2013-01-01"),
		op(eq, col("d"), 1.5), op(not, op(isNull, col("j"))), op(negate, nil), op(isIn, col("d"), 1, "2e9", 0.5),
		{},
	} {
		data, err := proto.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	known := map[string]record.Type{
		"i": record.Int64, "s": record.String, "b": record.Bool, "d": record.Decimal, "t": record.Timestamp, "j": record.JSON,
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var e planv1.Expr
		if proto.Unmarshal(data, &e) != nil {
			return
		}
		_, _ = expr.CompileCondition(&e, nil)
		program, err := expr.Compile(&e, known)
		if err != nil {
			return
		}
		for _, rows := range []int{0, 9} {
			columns := map[string]*record.Column{}
			for _, field := range program.Reads() {
				columns[field.Name] = column(field.Type, make([]any, rows)...)
			}
			if result, _ := program.Eval(columns, rows); result.Rows != rows || result.Type != program.Type() {
				t.Errorf("%d rows of %v, want %d of %v", result.Rows, result.Type, rows, program.Type())
			}
		}
	})
}
