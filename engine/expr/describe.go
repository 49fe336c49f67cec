package expr

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// symbols are the operations with two sides, as Python writes them.
var symbols = map[planv1.Op]string{ //nolint:gochecknoglobals // a constant table
	planv1.Op_OP_ADD: "+", planv1.Op_OP_SUBTRACT: "-", planv1.Op_OP_MULTIPLY: "*", planv1.Op_OP_DIVIDE: "/",
	planv1.Op_OP_FLOOR_DIVIDE: "//", planv1.Op_OP_MODULO: "%",
	planv1.Op_OP_EQUAL: "==", planv1.Op_OP_NOT_EQUAL: "!=", planv1.Op_OP_LESS: "<", planv1.Op_OP_LESS_EQUAL: "<=",
	planv1.Op_OP_GREATER: ">", planv1.Op_OP_GREATER_EQUAL: ">=", planv1.Op_OP_AND: "&", planv1.Op_OP_OR: "|",
}

func withArticle(t record.Type) string {
	if t == record.Int64 {
		return "an int64"
	}
	return "a " + t.String()
}

// shownDepth is how deep an error shows an expression.
const shownDepth = 3

// Text writes a whole expression as the user wrote it.
func Text(e *planv1.Expr) string { return describeTo(e, math.MaxInt) }

// describe writes an expression as the user wrote it, for messages.
func describe(e *planv1.Expr) string { return describeTo(e, shownDepth) }

func describeTo(e *planv1.Expr, depth int) string {
	switch node := e.GetNode().(type) {
	case *planv1.Expr_Column:
		return fmt.Sprintf("col(%q)", node.Column)
	case *planv1.Expr_Literal:
		return describeLiteral(node.Literal)
	case *planv1.Expr_Operation:
		if depth == 0 {
			return "(...)"
		}
		return describeOperation(node.Operation, depth)
	default:
		return "?"
	}
}

func describeOperation(operation *planv1.Operation, depth int) string {
	args := make([]string, 0, len(operation.GetArgs()))
	for _, arg := range operation.GetArgs() {
		text := describeTo(arg, depth-1)
		if nested := arg.GetOperation(); nested != nil && symbols[nested.GetOp()] != "" && depth > 1 {
			text = "(" + text + ")"
		}
		args = append(args, text)
	}
	switch op := operation.GetOp(); op {
	case planv1.Op_OP_NEGATE:
		return "-" + args[0]
	case planv1.Op_OP_NOT:
		return "~" + args[0]
	case planv1.Op_OP_IS_NULL:
		return args[0] + ".is_null()"
	case planv1.Op_OP_IS_NOT_NULL:
		return args[0] + ".is_not_null()"
	case planv1.Op_OP_IS_IN:
		return args[0] + ".is_in([" + strings.Join(args[1:], ", ") + "])"
	default:
		return strings.Join(args, " "+symbols[op]+" ")
	}
}

func describeLiteral(literal *planv1.Literal) string {
	switch value := literal.GetValue().(type) {
	case *planv1.Literal_BoolValue:
		if value.BoolValue {
			return "True"
		}
		return "False"
	case *planv1.Literal_IntValue:
		return strconv.FormatInt(value.IntValue, 10)
	case *planv1.Literal_FloatValue:
		return strconv.FormatFloat(value.FloatValue, 'g', -1, 64)
	case *planv1.Literal_StringValue:
		return strconv.Quote(value.StringValue)
	default:
		return "None"
	}
}
