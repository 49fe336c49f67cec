package expr_test

import (
	"testing"

	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

func BenchmarkEval(b *testing.B) {
	const rows = 8192
	floats, ints, texts := record.NewBuilder(record.Float64, rows), record.NewBuilder(record.Int64, rows), record.NewBuilder(record.String, rows)
	for i := range rows {
		floats.Float(float64(i%97) * 1.5)
		if i%10 == 0 {
			ints.Null()
		} else {
			ints.Int(int64(i))
		}
		texts.Text([]byte([]string{"EWR", "JFK", "LGA"}[i%3]))
	}
	f, n, s := floats.Column(), ints.Column(), texts.Column()
	columns := map[string]*record.Column{"f": &f, "i": &n, "s": &s}
	for name, e := range map[string]*planv1.Expr{
		"float > literal":  op(gt, col("f"), 103),
		"int + int":        op(add, col("i"), col("i")),
		"int // literal":   op(floorDivide, col("i"), 7),
		"(f - 32) * 5 / 9": op(divide, op(multiply, op(subtract, col("f"), 32), 5), 9),
		"string equality":  op(eq, col("s"), "JFK"),
		"string is_in":     op(isIn, col("s"), "JFK", "LGA"),
		"and of two":       op(and, op(gt, col("f"), 50), op(lt, col("i"), 4000)),
	} {
		b.Run(name, func(b *testing.B) {
			program := compile(b, e, types(columns))
			b.ReportAllocs()
			for b.Loop() {
				program.Eval(columns, rows)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}
