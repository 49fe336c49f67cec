package graph

import (
	"testing"

	"google.golang.org/protobuf/encoding/prototext"

	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

func TestExpressionsHaveTheParenthesesThatTheyNeed(t *testing.T) {
	const a, b, c = `args{column:"a"} `, `args{column:"b"} `, `args{column:"c"} `
	for proto, want := range map[string]string{
		`operation{op:OP_MULTIPLY args{operation{op:OP_ADD ` + a + b + `}} ` + c + `}`:                         "(a + b) * c",
		`operation{op:OP_ADD args{operation{op:OP_MULTIPLY ` + a + b + `}} ` + c + `}`:                         "a * b + c",
		`operation{op:OP_SUBTRACT ` + a + `args{operation{op:OP_SUBTRACT ` + b + c + `}}}`:                     "a - (b - c)",
		`operation{op:OP_SUBTRACT args{operation{op:OP_SUBTRACT ` + a + b + `}} ` + c + `}`:                    "a - b - c",
		`operation{op:OP_EQUAL args{operation{op:OP_LESS ` + a + b + `}} ` + c + `}`:                           "(a < b) == c",
		`operation{op:OP_AND args{operation{op:OP_OR ` + a + b + `}} args{operation{op:OP_NOT ` + c + `}}}`:    "(a or b) and not c",
		`operation{op:OP_NEGATE args{operation{op:OP_ADD ` + a + b + `}}}`:                                     "-(a + b)",
		`operation{op:OP_IS_NULL args{operation{op:OP_MODULO ` + a + b + `}}}`:                                 "a % b is null",
		`operation{op:OP_IS_NOT_NULL ` + a + `}`:                                                               "a is not null",
		`operation{op:OP_IS_IN ` + a + `args{literal{string_value:"x"}} args{literal{int_value:-1}}}`:          `a in ("x", -1)`,
		`operation{op:OP_EQUAL ` + a + `args{literal{float_value:0.5}}}`:                                       "a == 0.5",
		`operation{op:OP_OR args{literal{bool_value:true}} args{operation{op:OP_FLOOR_DIVIDE ` + a + b + `}}}`: "true or a // b",
		`literal{null_value:true}`: "null",
	} {
		var e planv1.Expr
		if err := prototext.Unmarshal([]byte(proto), &e); err != nil {
			t.Fatalf("%s: %v", proto, err)
		}
		if got := expression(&e); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
