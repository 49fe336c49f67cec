package expr

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Program is a compiled expression. It is immutable: several goroutines may evaluate it.
type Program struct {
	root  node
	typ   record.Type
	reads []Field
}

// Field is a field that an expression reads, and the type that it must be decoded as.
type Field struct {
	Name string
	Type record.Type
}

// Failure is a row that the expression has no value for.
type Failure struct {
	Row int
	Err error
}

// Compile prepares an expression. types are the fields whose types are known, by a schema or as earlier columns; those
// of the others are inferred from what the expression does with them. Its error is a sentence for the user.
func Compile(e *planv1.Expr, types map[string]record.Type) (*Program, error) {
	return compile(e, types, record.Unknown)
}

// CompileCondition prepares the condition of a where: as Compile, but the result must be a boolean.
func CompileCondition(e *planv1.Expr, types map[string]record.Type) (*Program, error) {
	return compile(e, types, record.Bool)
}

func compile(e *planv1.Expr, types map[string]record.Type, want record.Type) (*Program, error) {
	if err := check(e); err != nil {
		return nil, err
	}
	fields, err := infer(e, types, want)
	if err != nil {
		return nil, err
	}
	root, typ, err := build(e, fields)
	if err != nil {
		return nil, err
	}
	if typ == record.Unknown {
		root, typ = nulls{record.JSON}, record.JSON
		if want != record.Unknown {
			root, typ = nulls{want}, want
		}
	}
	if want != record.Unknown && typ != want {
		return nil, fmt.Errorf("the condition %s gives %s values where a condition must give true or false", describe(e), typ)
	}
	program := &Program{root: root, typ: typ}
	for name, typ := range fields {
		program.reads = append(program.reads, Field{name, typ})
	}
	slices.SortFunc(program.reads, func(a, b Field) int { return cmp.Compare(a.Name, b.Name) })
	return program, nil
}

// Reads returns the fields that Eval needs, sorted by name.
func (p *Program) Reads() []Field { return slices.Clone(p.reads) }

// Type returns the type of the result.
func (p *Program) Type() record.Type { return p.typ }

// Eval returns the value of the expression for each row, and the rows that have none, in order; the result is null
// there. REQUIRES: columns has each field of Reads, with its type and with rows values. The result may share memory with them.
func (p *Program) Eval(columns map[string]*record.Column, rows int) (record.Column, []Failure) {
	r := &run{columns: columns, rows: rows}
	result := r.expand(p.root.eval(r))
	if len(r.failures) == 0 {
		return result, nil
	}
	slices.SortStableFunc(r.failures, func(a, b Failure) int { return cmp.Compare(a.Row, b.Row) })
	failures := slices.CompactFunc(r.failures, func(a, b Failure) bool { return a.Row == b.Row })
	valid := validity{bits: result.Valid}
	valid.own(rows)
	for _, failure := range failures {
		record.ClearBit(valid.bits, failure.Row)
	}
	result.Valid = valid.bits
	return result, failures
}

// check returns an error unless e has the shape of an expression: a known node everywhere, with the right number of arguments.
func check(e *planv1.Expr) error {
	switch node := e.GetNode().(type) {
	case *planv1.Expr_Column:
		if node.Column == "" {
			return errors.New("a column of the expression has no name; give pu.col() the name of a field")
		}
		return nil
	case *planv1.Expr_Literal:
		if node.Literal.GetValue() == nil {
			return errors.New("a literal of the expression has no value")
		}
		return nil
	case *planv1.Expr_Operation:
		return checkOperation(node.Operation)
	default:
		return errors.New("the expression is empty or of a kind that this engine does not know; is the Python package newer than the engine?")
	}
}

func checkOperation(operation *planv1.Operation) error {
	args := operation.GetArgs()
	want := 2
	switch op := operation.GetOp(); op {
	case planv1.Op_OP_NEGATE, planv1.Op_OP_NOT, planv1.Op_OP_IS_NULL, planv1.Op_OP_IS_NOT_NULL:
		want = 1
	case planv1.Op_OP_IS_IN:
		want = max(1, len(args))
	default:
		if symbols[op] == "" {
			return fmt.Errorf("the expression uses operation %v, which this engine does not know; is the Python package newer than the engine?", op)
		}
	}
	if len(args) != want {
		return fmt.Errorf("operation %v has %d arguments where it takes %d", operation.GetOp(), len(args), want)
	}
	for i, arg := range args {
		if err := check(arg); err != nil {
			return err
		}
		if operation.GetOp() == planv1.Op_OP_IS_IN && i > 0 && arg.GetLiteral() == nil {
			return fmt.Errorf("is_in takes a list of plain values, not %s", describe(arg))
		}
	}
	return nil
}
