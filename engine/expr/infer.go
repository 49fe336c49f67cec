package expr

import (
	"fmt"

	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// exactFloat is the size from which on a float64 does not hold every integer.
const exactFloat = 1 << 53

// evidence is what the uses of a field say about its type.
type evidence struct {
	typ record.Type
	// use is the use that said so, for messages.
	use string
}

// inference finds the types of fields that nobody declared. Each pass over the expression can only make the evidence
// more exact, so that the passes come to an end.
type inference struct {
	known map[string]record.Type
	found map[string]evidence
	// compared are fields that must have a type, as they are compared with something.
	compared map[string]string
	// order has the fields in the order that the expression reads them.
	order   []string
	changed bool
}

// infer returns the types of all fields that a checked expression reads; want is what the whole must give, if not Unknown.
func infer(e *planv1.Expr, types map[string]record.Type, want record.Type) (map[string]record.Type, error) {
	in := &inference{known: types, found: map[string]evidence{}, compared: map[string]string{}}
	if want != record.Unknown {
		if err := in.demand(e, want, "used as a condition"); err != nil {
			return nil, err
		}
	}
	for in.changed = true; in.changed; {
		in.changed, in.order = false, in.order[:0]
		if _, err := in.visit(e); err != nil {
			return nil, err
		}
	}
	fields := make(map[string]record.Type, len(in.order))
	for _, name := range in.order {
		typ := in.typeOf(name)
		if use, compared := in.compared[name]; typ == record.Unknown && compared {
			return nil, fmt.Errorf("nothing tells the type of field %q in %s; declare it with schema= at the source", name, use)
		}
		if typ == record.Unknown {
			typ = record.JSON
		}
		fields[name] = typ
	}
	return fields, nil
}

func (in *inference) typeOf(name string) record.Type {
	if typ := in.known[name]; typ != record.Unknown {
		return typ
	}
	return in.found[name].typ
}

// demand records that e must be of a type. Only a field that nobody declared can follow; others are left to build.
func (in *inference) demand(e *planv1.Expr, typ record.Type, use string) error {
	column, ok := e.GetNode().(*planv1.Expr_Column)
	if !ok || in.known[column.Column] != record.Unknown {
		return nil
	}
	before := in.found[column.Column]
	if before.typ == record.Unknown {
		in.found[column.Column], in.changed = evidence{typ, use}, true
		return nil
	}
	unified := unify(before.typ, typ)
	if unified == record.Unknown {
		return fmt.Errorf("field %q is both %s (%s) and %s (%s); declare its type with schema= at the source, or compare it with one type",
			column.Column, before.use, before.typ, use, typ)
	}
	if unified != before.typ {
		in.found[column.Column], in.changed = evidence{unified, use}, true
	}
	return nil
}

// unify returns the type that serves both uses, or Unknown.
func unify(a, b record.Type) record.Type {
	if a == b {
		return a
	}
	for _, order := range [][]record.Type{
		{record.Float64, record.Int64, record.Decimal},
		{record.String, record.Decimal},
		{record.String, record.Timestamp},
	} {
		at, bt := indexOf(order, a), indexOf(order, b)
		if at >= 0 && bt >= 0 {
			return order[max(at, bt)]
		}
	}
	return record.Unknown
}

func indexOf(types []record.Type, t record.Type) int {
	for i, typ := range types {
		if typ == t {
			return i
		}
	}
	return -1
}

// visit collects evidence below e and returns e's type as far as it is known.
func (in *inference) visit(e *planv1.Expr) (record.Type, error) {
	switch node := e.GetNode().(type) {
	case *planv1.Expr_Column:
		in.order = append(in.order, node.Column)
		return in.typeOf(node.Column), nil
	case *planv1.Expr_Literal:
		return literalType(node.Literal), nil
	}
	operation := e.GetOperation()
	types := make([]record.Type, len(operation.GetArgs()))
	for i, arg := range operation.GetArgs() {
		typ, err := in.visit(arg)
		if err != nil {
			return record.Unknown, err
		}
		types[i] = typ
	}
	return in.visitOperation(e, operation, types)
}

func (in *inference) visitOperation(e *planv1.Expr, operation *planv1.Operation, types []record.Type) (record.Type, error) {
	args := operation.GetArgs()
	switch op := operation.GetOp(); {
	case isArithmetic(op):
		return in.arithmetic(e, args, types, op)
	case isComparison(op):
		return record.Bool, in.comparison(e, args, types)
	case op == planv1.Op_OP_AND || op == planv1.Op_OP_OR || op == planv1.Op_OP_NOT:
		for _, arg := range args {
			if err := in.demand(arg, record.Bool, "used as a condition"); err != nil {
				return record.Unknown, err
			}
		}
	case op == planv1.Op_OP_IS_IN:
		for i, literal := range args[1:] {
			if types[i+1] == record.Unknown {
				continue
			}
			if err := in.demand(args[0], counterpart(literal, types[i+1]), "looked up in "+describe(e)); err != nil {
				return record.Unknown, err
			}
		}
	}
	return record.Bool, nil
}

func (in *inference) arithmetic(e *planv1.Expr, args []*planv1.Expr, types []record.Type, op planv1.Op) (record.Type, error) {
	result := record.Int64
	for i, arg := range args {
		number := record.Float64
		if len(args) == 2 && types[1-i] == record.Int64 {
			number = counterpart(args[1-i], record.Int64)
		}
		if err := in.demand(arg, number, "a number in "+describe(e)); err != nil {
			return record.Unknown, err
		}
		typ := types[i]
		if typ == record.Unknown && arg.GetLiteral() == nil {
			typ = number
		}
		if typ == record.Float64 {
			result = record.Float64
		}
	}
	if op == planv1.Op_OP_DIVIDE {
		result = record.Float64
	}
	return result, nil
}

func (in *inference) comparison(e *planv1.Expr, args []*planv1.Expr, types []record.Type) error {
	for i, arg := range args {
		other := types[1-i]
		if column, ok := arg.GetNode().(*planv1.Expr_Column); ok {
			in.compared[column.Column] = describe(e)
		}
		if other == record.Unknown || other == record.JSON {
			continue
		}
		if err := in.demand(arg, counterpart(args[1-i], other), "compared with "+withArticle(other)+" in "+describe(e)); err != nil {
			return err
		}
	}
	return nil
}

// counterpart returns the type of a field that meets e, which is of type typ: the same, but for integers a float64,
// which takes 1.5 as well, unless e is an integer that a float64 cannot hold.
func counterpart(e *planv1.Expr, typ record.Type) record.Type {
	if typ != record.Int64 {
		return typ
	}
	if value, ok := e.GetLiteral().GetValue().(*planv1.Literal_IntValue); ok && (value.IntValue > exactFloat || value.IntValue < -exactFloat) {
		return record.Int64
	}
	return record.Float64
}

func literalType(literal *planv1.Literal) record.Type {
	switch literal.GetValue().(type) {
	case *planv1.Literal_BoolValue:
		return record.Bool
	case *planv1.Literal_IntValue:
		return record.Int64
	case *planv1.Literal_FloatValue:
		return record.Float64
	case *planv1.Literal_StringValue:
		return record.String
	default:
		return record.Unknown
	}
}

func isArithmetic(op planv1.Op) bool { return op >= planv1.Op_OP_ADD && op <= planv1.Op_OP_NEGATE }

func isComparison(op planv1.Op) bool {
	return op >= planv1.Op_OP_EQUAL && op <= planv1.Op_OP_GREATER_EQUAL
}
