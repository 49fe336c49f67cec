package plan_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// The functions of every app here: heat gives a value of two fields, slim gives records.
func functions() []*planv1.Function {
	return []*planv1.Function{
		{
			Id: "m:heat", Name: "heat", Input: planv1.Input_INPUT_COLUMNS, Output: planv1.Output_OUTPUT_COLUMN, ResultType: planv1.Type_TYPE_FLOAT64,
			Params: []*planv1.Param{{Name: "t", Type: planv1.Type_TYPE_FLOAT64}, {Name: "rh", Type: planv1.Type_TYPE_FLOAT64}},
		},
		{Id: "m:slim", Name: "slim", Kind: planv1.Kind_KIND_RECORD, Input: planv1.Input_INPUT_RECORDS, Output: planv1.Output_OUTPUT_RECORDS},
	}
}

// compile compiles an app whose steps each read the last one before that is no sink; step i stands on line i of
// heat.py, from 1.
func compile(steps ...*planv1.Step) (*plan.Plan, error) {
	proto := &planv1.Plan{App: "app", Functions: functions(), Sources: []*planv1.Source{{Id: "0", Kind: &planv1.Source_Topic{Topic: &planv1.Topic{Name: "in"}}}}}
	input := "0"
	for i, s := range steps {
		s.Input, s.Id = input, strconv.Itoa(i+1)
		if s.GetTo() == nil {
			input = s.GetId()
		}
		s.DefinedAt = &planv1.Position{File: "heat.py", Line: uint32(i + 1)}
		proto.Steps = append(proto.Steps, s)
	}
	return plan.Compile(proto)
}

func call(function string) *planv1.Call { return &planv1.Call{Function: "m:" + function} }

func mapBy(function string, schema ...*planv1.Field) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_Map{Map: &planv1.Map{Call: call(function), Schema: schema}}}
}

func withColumn(name string, value *planv1.Expr) *planv1.Step {
	return columns(&planv1.ColumnDef{Name: name, Value: &planv1.ColumnDef_Expr{Expr: value}})
}

func withCall(name, function string) *planv1.Step {
	return columns(&planv1.ColumnDef{Name: name, Value: &planv1.ColumnDef_Call{Call: call(function)}})
}

func columns(definitions ...*planv1.ColumnDef) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_WithColumns{WithColumns: &planv1.WithColumns{Columns: definitions}}}
}

func whereLess(left, right string) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_Where{Where: &planv1.Where{Condition: operation(planv1.Op_OP_LESS, left, right)}}}
}

func operation(op planv1.Op, fields ...string) *planv1.Expr {
	var args []*planv1.Expr
	for _, field := range fields {
		args = append(args, &planv1.Expr{Node: &planv1.Expr_Column{Column: field}})
	}
	return &planv1.Expr{Node: &planv1.Expr_Operation{Operation: &planv1.Operation{Op: op, Args: args}}}
}

func selects(fields ...string) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_Select{Select: &planv1.Select{Fields: fields}}}
}

func drops(fields ...string) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_Drop{Drop: &planv1.Drop{Fields: fields}}}
}

func to(topic string) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_To{To: &planv1.To{Kind: &planv1.To_Topic{Topic: &planv1.Topic{Name: topic}}}}}
}

func field(name string, t planv1.Type) *planv1.Field { return &planv1.Field{Name: name, Type: t} }

func TestFieldsOfMappedRecordsHaveTheTypesThatTheirFunctionDeclares(t *testing.T) {
	compiled, err := compile(
		mapBy("slim", field("low", planv1.Type_TYPE_INT64), field("high", planv1.Type_TYPE_INT64)),
		whereLess("low", "high"),
		withColumn("sum", operation(planv1.Op_OP_ADD, "low", "high")),
		to("out"),
	)
	if err != nil {
		t.Fatal(err)
	}
	mapped := compiled.Sources[0].Steps[0]
	where := mapped.Next[0]
	for _, read := range where.Where.Reads() {
		if read.Type != record.Int64 {
			t.Errorf("%s is read as %s, want int64", read.Name, read.Type)
		}
	}
	if got := where.Next[0].Columns[0].Expr.Type(); got != record.Int64 {
		t.Errorf("the sum is %s, want int64", got)
	}
	if want := []string{"high", "low", "sum"}; !slices.Equal(mapped.Map.Scan, want) {
		t.Errorf("the new records are scanned for %v, want %v", mapped.Map.Scan, want)
	}
	if len(compiled.Sources[0].Scan) > 0 {
		t.Errorf("the source is scanned for %v, which are fields of the new records", compiled.Sources[0].Scan)
	}
}

func TestFieldsThatNobodyDeclaredAreNotComparedWithEachOther(t *testing.T) {
	_, err := compile(mapBy("slim"), whereLess("low", "high"), to("out"))
	refused(t, "undeclared", err, "heat.py:2: nothing tells the type of field")
}

func TestWhatCannotRunIsRefusedWhereItIsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		steps []*planv1.Step
		want  string
	}{
		"a dropped field":           {[]*planv1.Step{drops("rh"), withCall("h", "heat"), to("out")}, `heat.py:2: heat(rh): there is no field "rh" any more here`},
		"a field not selected":      {[]*planv1.Step{selects("t", "at"), withCall("h", "heat"), to("out")}, `heat.py:2: heat(rh): there is no field "rh" any more here; the fields are at, t`},
		"dropped after select":      {[]*planv1.Step{selects("t", "rh", "at"), drops("rh"), withCall("h", "heat"), to("out")}, `heat.py:3: heat(rh): there is no field "rh" any more here; the fields are at, t`},
		"a computed field dropped":  {[]*planv1.Step{withCall("h", "heat"), drops("h"), selects("h"), to("out")}, `heat.py:3: there is no field "h" any more here`},
		"selected again":            {[]*planv1.Step{selects("t"), selects("rh"), to("out")}, `heat.py:2: there is no field "rh" any more here; the fields are t`},
		"a topic written twice":     {[]*planv1.Step{to("out"), to("out")}, `heat.py:2: "out" is written to twice; give each stream a topic of its own`},
		"map with a value":          {[]*planv1.Step{mapBy("heat"), to("out")}, "heat.py:1: map needs a function that returns records, heat returns a value: use with_columns"},
		"with_columns with records": {[]*planv1.Step{withCall("s", "slim"), to("out")}, `heat.py:1: column "s" needs a function that returns one value, slim returns records: use map`},
		"an app without a sink":     {[]*planv1.Step{selects("t")}, `the app "app" writes nothing: end a stream with .to("topic")`},
		"an unknown function":       {[]*planv1.Step{withCall("h", "nope"), to("out")}, `heat.py:1: the plan has no function "m:nope"`},
	} {
		_, err := compile(c.steps...)
		refused(t, name, err, c.want)
	}
}

func refused(t *testing.T, what string, err error, want string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%s: got %v, want %s", what, err, want)
	}
}
