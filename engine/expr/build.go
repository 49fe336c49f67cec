package expr

import (
	"fmt"
	"math"
	"strconv"

	"github.com/pyudf/pyudf/engine/eventtime"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// build compiles a checked expression. The null literal, and only it, is of type Unknown, with no node.
func build(e *planv1.Expr, fields map[string]record.Type) (node, record.Type, error) {
	switch n := e.GetNode().(type) {
	case *planv1.Expr_Column:
		return field(n.Column), fields[n.Column], nil
	case *planv1.Expr_Literal:
		return buildLiteral(n.Literal), literalType(n.Literal), nil
	}
	operation := e.GetOperation()
	op := operation.GetOp()
	if op == planv1.Op_OP_IS_IN {
		return buildMembership(e, fields)
	}
	sides := make([]side, len(operation.GetArgs()))
	for i, arg := range operation.GetArgs() {
		built, typ, err := build(arg, fields)
		if err != nil {
			return nil, record.Unknown, err
		}
		sides[i] = side{built, typ, arg}
	}
	switch {
	case isArithmetic(op):
		return buildArithmetic(e, op, sides)
	case isComparison(op):
		return buildComparison(e, op, sides[0], sides[1])
	case op == planv1.Op_OP_IS_NULL || op == planv1.Op_OP_IS_NOT_NULL:
		return buildNullTest(op, sides[0]), record.Bool, nil
	default:
		return buildLogic(e, op, sides)
	}
}

// side is a compiled argument of an operation.
type side struct {
	node node
	typ  record.Type
	expr *planv1.Expr
}

func buildLiteral(literal *planv1.Literal) node {
	switch value := literal.GetValue().(type) {
	case *planv1.Literal_BoolValue:
		return constantOf(record.Bool, func(b *record.Builder) { b.Bool(value.BoolValue) })
	case *planv1.Literal_IntValue:
		return constantOf(record.Int64, func(b *record.Builder) { b.Int(value.IntValue) })
	case *planv1.Literal_FloatValue:
		return constantOf(record.Float64, func(b *record.Builder) { b.Float(value.FloatValue) })
	case *planv1.Literal_StringValue:
		return constantOf(record.String, func(b *record.Builder) { b.Text([]byte(value.StringValue)) })
	default:
		return nil
	}
}

func buildArithmetic(e *planv1.Expr, op planv1.Op, sides []side) (node, record.Type, error) {
	result, isNull := record.Int64, false
	for _, s := range sides {
		switch s.typ {
		case record.Unknown:
			isNull = true
		case record.Int64:
		case record.Float64:
			result = record.Float64
		case record.Decimal:
			return nil, record.Unknown, fmt.Errorf("%s calculates with the decimal %s, which expressions cannot do without losing digits; "+
				"declare it as float64, or calculate in a function", describe(e), describe(s.expr))
		default:
			return nil, record.Unknown, fmt.Errorf("%s calculates with %s, which is %s; expressions calculate with numbers only, use a function for the rest",
				describe(e), describe(s.expr), withArticle(s.typ))
		}
	}
	if op == planv1.Op_OP_DIVIDE {
		result = record.Float64
	}
	if isNull {
		return nulls{result}, result, nil
	}
	if result == record.Int64 {
		return buildIntArithmetic(op, sides), result, nil
	}
	for i, s := range sides {
		sides[i].node = floatNode(s)
	}
	if op == planv1.Op_OP_NEGATE {
		return negateFloat{sides[0].node}, result, nil
	}
	return floatArithmetic{op, sides[0].node, sides[1].node}, result, nil
}

func buildIntArithmetic(op planv1.Op, sides []side) node {
	if op == planv1.Op_OP_NEGATE {
		return negateInt{sides[0].node}
	}
	return intArithmetic{op, intKernel(op), sides[0].node, sides[1].node}
}

func buildLogic(e *planv1.Expr, op planv1.Op, sides []side) (node, record.Type, error) {
	for i, s := range sides {
		if s.typ == record.Unknown {
			sides[i].node = nulls{record.Bool}
			continue
		}
		if s.typ != record.Bool {
			return nil, record.Unknown, fmt.Errorf("%s takes %s as true or false, but it is %s; compare it with something", describe(e), describe(s.expr), withArticle(s.typ))
		}
	}
	switch op {
	case planv1.Op_OP_NOT:
		return not{sides[0].node}, record.Bool, nil
	case planv1.Op_OP_AND:
		return logic{and, sides[0].node, sides[1].node}, record.Bool, nil
	default:
		return logic{or, sides[0].node, sides[1].node}, record.Bool, nil
	}
}

func buildNullTest(op planv1.Op, s side) node {
	operand := s.node
	if s.typ == record.Unknown {
		operand = nulls{record.JSON}
	}
	return nullTest{operand, op == planv1.Op_OP_IS_NULL}
}

func buildComparison(e *planv1.Expr, op planv1.Op, a, b side) (node, record.Type, error) {
	if a.typ == record.Unknown || b.typ == record.Unknown {
		return nulls{record.Bool}, record.Bool, nil
	}
	typ, err := commonType(e, a, b)
	if err != nil {
		return nil, record.Unknown, err
	}
	ordering := op != planv1.Op_OP_EQUAL && op != planv1.Op_OP_NOT_EQUAL
	if typ == record.Bool && ordering {
		return nil, record.Unknown, fmt.Errorf("%s orders booleans; only == and != compare them", describe(e))
	}
	left, err := convert(a, typ)
	if err != nil {
		return nil, record.Unknown, fmt.Errorf("%s: %w", describe(e), err)
	}
	right, err := convert(b, typ)
	if err != nil {
		return nil, record.Unknown, fmt.Errorf("%s: %w", describe(e), err)
	}
	return comparison{op, typ, left, right}, record.Bool, nil
}

// commonType returns the type as which two sides are compared.
func commonType(e *planv1.Expr, a, b side) (record.Type, error) {
	if a.typ == record.JSON || b.typ == record.JSON {
		json := a
		if b.typ == record.JSON {
			json = b
		}
		return record.Unknown, fmt.Errorf("%s compares %s, which is a JSON value of any kind; only is_null() and is_not_null() "+
			"work on it: declare its type with schema= at the source", describe(e), describe(json.expr))
	}
	isNumber := func(t record.Type) bool { return t == record.Int64 || t == record.Float64 }
	isText := func(s side, t record.Type) bool {
		return s.typ == record.String && (t == record.Decimal || t == record.Timestamp) && s.expr.GetLiteral() != nil
	}
	switch {
	case a.typ == b.typ:
		return a.typ, nil
	case isNumber(a.typ) && isNumber(b.typ):
		return record.Float64, nil
	case a.typ == record.Decimal && isNumber(b.typ), isText(b, a.typ):
		return a.typ, nil
	case b.typ == record.Decimal && isNumber(a.typ), isText(a, b.typ):
		return b.typ, nil
	default:
		return record.Unknown, fmt.Errorf("%s compares %s with %s, which are never equal; compare values of one type, or declare the field's type with schema= at the source",
			describe(e), withArticle(a.typ), withArticle(b.typ))
	}
}

// convert returns a side as a node of type typ. REQUIRES: commonType or an is_in chose the type.
func convert(s side, typ record.Type) (node, error) {
	switch {
	case s.typ == typ && s.expr.GetLiteral() == nil:
		return s.node, nil
	case typ == record.Float64:
		return floatNode(s), nil
	case typ == record.Decimal:
		return decimalNode(s)
	case typ == record.Timestamp:
		if _, err := eventtime.Parse([]byte(s.expr.GetLiteral().GetStringValue())); err != nil {
			return nil, err
		}
	}
	return s.node, nil
}

// floatNode returns a numeric side as floats.
func floatNode(s side) node {
	if s.typ == record.Float64 {
		return s.node
	}
	if value, ok := s.expr.GetLiteral().GetValue().(*planv1.Literal_IntValue); ok {
		return constantOf(record.Float64, func(b *record.Builder) { b.Float(float64(value.IntValue)) })
	}
	return toFloat{s.node}
}

// decimalNode returns a side as decimals. A float counts as its shortest digits: 0.1 is a tenth.
func decimalNode(s side) (node, error) {
	var digits []byte
	switch value := s.expr.GetLiteral().GetValue().(type) {
	case *planv1.Literal_IntValue:
		digits = strconv.AppendInt(nil, value.IntValue, 10)
	case *planv1.Literal_FloatValue:
		digits = appendFloatDigits(nil, value.FloatValue)
	case *planv1.Literal_StringValue:
		digits = []byte(value.StringValue)
	default:
		return toDecimal{s.node}, nil
	}
	if _, err := parseDecimal(digits); err != nil {
		return nil, err
	}
	return constantOf(record.Decimal, func(b *record.Builder) { b.Text(digits) }), nil
}

func appendFloatDigits(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	default:
		return strconv.AppendFloat(dst, v, 'g', -1, 64)
	}
}
