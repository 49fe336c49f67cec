package graph

import (
	"strconv"
	"strings"

	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// operator is an operation as Python writes it. A higher level binds tighter.
type operator struct {
	text  string
	level int
}

const (
	levelOr = iota + 1
	levelAnd
	levelNot
	levelCompare
	levelAdd
	levelMultiply
	levelNegate
	levelAtom
)

var operators = map[planv1.Op]operator{ //nolint:gochecknoglobals // a constant table
	planv1.Op_OP_ADD: {"+", levelAdd}, planv1.Op_OP_SUBTRACT: {"-", levelAdd},
	planv1.Op_OP_MULTIPLY: {"*", levelMultiply}, planv1.Op_OP_DIVIDE: {"/", levelMultiply},
	planv1.Op_OP_FLOOR_DIVIDE: {"//", levelMultiply}, planv1.Op_OP_MODULO: {"%", levelMultiply},
	planv1.Op_OP_EQUAL: {"==", levelCompare}, planv1.Op_OP_NOT_EQUAL: {"!=", levelCompare},
	planv1.Op_OP_LESS: {"<", levelCompare}, planv1.Op_OP_LESS_EQUAL: {"<=", levelCompare},
	planv1.Op_OP_GREATER: {">", levelCompare}, planv1.Op_OP_GREATER_EQUAL: {">=", levelCompare},
	planv1.Op_OP_AND: {"and", levelAnd}, planv1.Op_OP_OR: {"or", levelOr},
}

// expression writes an expression over bare field names, with no more parentheses than it needs.
func expression(e *planv1.Expr) string {
	text, _ := describe(e)
	return text
}

func describe(e *planv1.Expr) (text string, level int) {
	switch node := e.GetNode().(type) {
	case *planv1.Expr_Column:
		return node.Column, levelAtom
	case *planv1.Expr_Literal:
		return literal(node.Literal), levelAtom
	default:
		return operation(e.GetOperation())
	}
}

func operation(o *planv1.Operation) (text string, level int) {
	args := o.GetArgs()
	switch o.GetOp() {
	case planv1.Op_OP_NEGATE:
		return "-" + within(args[0], levelNegate), levelNegate
	case planv1.Op_OP_NOT:
		return "not " + within(args[0], levelNot), levelNot
	case planv1.Op_OP_IS_NULL:
		return within(args[0], levelAdd) + " is null", levelCompare
	case planv1.Op_OP_IS_NOT_NULL:
		return within(args[0], levelAdd) + " is not null", levelCompare
	case planv1.Op_OP_IS_IN:
		return within(args[0], levelAdd) + " in " + list(args[1:]), levelCompare
	default:
		return infix(o)
	}
}

func infix(o *planv1.Operation) (text string, level int) {
	args := o.GetArgs()
	operator, known := operators[o.GetOp()]
	if !known {
		return o.GetOp().String() + list(args), levelAtom
	}
	parts := make([]string, len(args))
	for i, arg := range args {
		parts[i] = within(arg, operator.level+tighter(i, operator))
	}
	return strings.Join(parts, " "+operator.text+" "), operator.level
}

// tighter is 1 where an argument of the operator's own level needs parentheses: right of a minus, and on both sides of
// a comparison, which Python would chain.
func tighter(position int, o operator) int {
	if o.level == levelCompare || (position > 0 && o.level >= levelAdd) {
		return 1
	}
	return 0
}

func within(e *planv1.Expr, level int) string {
	text, own := describe(e)
	if own < level {
		return "(" + text + ")"
	}
	return text
}

func list(args []*planv1.Expr) string {
	texts := make([]string, len(args))
	for i, arg := range args {
		texts[i] = expression(arg)
	}
	return "(" + strings.Join(texts, ", ") + ")"
}

func literal(l *planv1.Literal) string {
	switch value := l.GetValue().(type) {
	case *planv1.Literal_BoolValue:
		return strconv.FormatBool(value.BoolValue)
	case *planv1.Literal_IntValue:
		return strconv.FormatInt(value.IntValue, 10)
	case *planv1.Literal_FloatValue:
		return strconv.FormatFloat(value.FloatValue, 'g', -1, 64)
	case *planv1.Literal_StringValue:
		return strconv.Quote(value.StringValue)
	default:
		return "null"
	}
}
