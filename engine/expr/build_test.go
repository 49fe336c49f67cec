package expr_test

import (
	"fmt"
	"testing"

	"github.com/pyudf/pyudf/engine/expr"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

func col(name string) *planv1.Expr {
	return &planv1.Expr{Node: &planv1.Expr_Column{Column: name}}
}

// lit returns the literal of a bool, int, float64, string or nil; an *Expr is returned as it is.
func lit(value any) *planv1.Expr {
	literal := &planv1.Literal{}
	switch v := value.(type) {
	case *planv1.Expr:
		return v
	case bool:
		literal.Value = &planv1.Literal_BoolValue{BoolValue: v}
	case int:
		literal.Value = &planv1.Literal_IntValue{IntValue: int64(v)}
	case int64:
		literal.Value = &planv1.Literal_IntValue{IntValue: v}
	case float64:
		literal.Value = &planv1.Literal_FloatValue{FloatValue: v}
	case string:
		literal.Value = &planv1.Literal_StringValue{StringValue: v}
	case nil:
		literal.Value = &planv1.Literal_NullValue{NullValue: true}
	default:
		panic(fmt.Sprintf("no literal of %T", value))
	}
	return &planv1.Expr{Node: &planv1.Expr_Literal{Literal: literal}}
}

// op returns an operation; arguments that are no expressions become literals.
func op(op planv1.Op, args ...any) *planv1.Expr {
	operation := &planv1.Operation{Op: op}
	for _, arg := range args {
		operation.Args = append(operation.Args, lit(arg))
	}
	return &planv1.Expr{Node: &planv1.Expr_Operation{Operation: operation}}
}

// column returns a column of Go values; nil is null.
func column(typ record.Type, values ...any) *record.Column {
	builder := record.NewBuilder(typ, len(values))
	for _, value := range values {
		switch v := value.(type) {
		case nil:
			builder.Null()
		case bool:
			builder.Bool(v)
		case int:
			builder.Int(int64(v))
		case int64:
			builder.Int(v)
		case float64:
			builder.Float(v)
		case string:
			builder.Text([]byte(v))
		default:
			panic(fmt.Sprintf("no column of %T", value))
		}
	}
	c := builder.Column()
	return &c
}

// values returns a column as Go values; null is nil.
func values(c record.Column) []any {
	out := make([]any, c.Rows)
	for i := range out {
		switch {
		case c.IsNull(i):
		case c.Type == record.Bool:
			out[i] = record.Bit(c.Bools, i)
		case c.Type == record.Int64:
			out[i] = c.Ints[i]
		case c.Type == record.Float64:
			out[i] = c.Floats[i]
		default:
			out[i] = string(c.Text.At(i))
		}
	}
	return out
}

// types returns the types of columns.
func types(columns map[string]*record.Column) map[string]record.Type {
	out := map[string]record.Type{}
	for name, c := range columns {
		out[name] = c.Type
	}
	return out
}

func compile(t testing.TB, e *planv1.Expr, known map[string]record.Type) *expr.Program {
	t.Helper()
	program, err := expr.Compile(e, known)
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	return program
}
