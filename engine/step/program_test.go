package step_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/step"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// python stands in for the workers: "double" doubles a float column and raises on 13; "twice" gives each record
// twice, none for {"skip":true}.
type python struct{ calls int }

func (p *python) Call(_ context.Context, f dispatch.Function, call *dispatch.Call) (*dispatch.Result, error) {
	p.calls++
	result := &dispatch.Result{Rows: call.Rows}
	if f.Name == "twice" {
		for row := range call.Rows {
			text := call.Records.At(row)
			if strings.Contains(string(text), "skip") {
				continue
			}
			for range 2 {
				result.Records.Append(text)
				result.Sources = append(result.Sources, int32(row))
			}
		}
		return result, nil
	}
	b := record.NewBuilder(record.Float64, call.Rows)
	for row, v := range call.Columns[0].Floats {
		if v == 13 {
			result.Failures = append(result.Failures, dispatch.Failure{Row: row, Exception: "ValueError", Message: "unlucky", Traceback: "line 3"})
		}
		if call.Columns[0].IsNull(row) {
			b.Null()
			continue
		}
		b.Float(2 * v)
	}
	column := b.Column()
	result.Column = &column
	return result, nil
}

func double(options ...func(*planv1.Function)) *planv1.Function {
	f := &planv1.Function{
		Id: "m:double", Name: "double", Kind: planv1.Kind_KIND_SCALAR, Input: planv1.Input_INPUT_COLUMNS,
		Params: []*planv1.Param{{Name: "x", Type: planv1.Type_TYPE_FLOAT64}},
		Output: planv1.Output_OUTPUT_COLUMN, ResultType: planv1.Type_TYPE_FLOAT64,
		OnNull: planv1.OnNull_ON_NULL_NULL, OnError: planv1.OnError_ON_ERROR_DLQ,
	}
	for _, option := range options {
		option(f)
	}
	return f
}

func twice() *planv1.Function {
	return &planv1.Function{Id: "m:twice", Name: "twice", Kind: planv1.Kind_KIND_RECORD, Input: planv1.Input_INPUT_RECORDS, Output: planv1.Output_OUTPUT_RECORDS}
}

func column(name string) *planv1.Expr { return &planv1.Expr{Node: &planv1.Expr_Column{Column: name}} }

func number(v float64) *planv1.Expr {
	return &planv1.Expr{Node: &planv1.Expr_Literal{Literal: &planv1.Literal{Value: &planv1.Literal_FloatValue{FloatValue: v}}}}
}

func op(op planv1.Op, args ...*planv1.Expr) *planv1.Expr {
	return &planv1.Expr{Node: &planv1.Expr_Operation{Operation: &planv1.Operation{Op: op, Args: args}}}
}

func withDouble(name string) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_WithColumns{WithColumns: &planv1.WithColumns{Columns: []*planv1.ColumnDef{{Name: name, Value: &planv1.ColumnDef_Call{Call: &planv1.Call{Function: "m:double"}}}}}}}
}

func where(e *planv1.Expr) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_Where{Where: &planv1.Where{Condition: e}}}
}

func mapTwice() *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_Map{Map: &planv1.Map{Call: &planv1.Call{Function: "m:twice"}}}}
}

func to(topic string) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_To{To: &planv1.To{Kind: &planv1.To_Topic{Topic: &planv1.Topic{Name: topic}}}}}
}

// program compiles steps, each reading the one before.
func program(t *testing.T, f *planv1.Function, steps ...*planv1.Step) *step.Program {
	t.Helper()
	p := &planv1.Plan{App: "app", Functions: []*planv1.Function{f, twice()}, Sources: []*planv1.Source{{Id: "0", Kind: &planv1.Source_Topic{Topic: &planv1.Topic{Name: "in"}}}}}
	for i, s := range steps {
		s.Input, s.Id = strconv.Itoa(i), strconv.Itoa(i+1)
		p.Steps = append(p.Steps, s)
	}
	compiled, err := plan.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	return step.New(compiled.Sources[0], &python{}, metrics.New(prometheus.NewRegistry()))
}

func batch(values ...string) *record.Batch {
	b := &record.Batch{Partition: record.Partition{Topic: "in"}}
	for i, value := range values {
		b.Offsets = append(b.Offsets, int64(i))
		b.Times = append(b.Times, int64(1000+i))
		b.Keys.Append(fmt.Appendf(nil, "k%d", i))
		if value == "tombstone" {
			b.Values.Append(nil)
		} else {
			b.Values.Append([]byte(value))
		}
	}
	return b
}

// run returns what a program writes, as key=value lines, and its dead letters as record:reason:message lines.
func run(t *testing.T, p *step.Program, b *record.Batch) (out, dead []string) {
	t.Helper()
	outcome, err := p.Run(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	for _, output := range outcome.Outputs {
		for i := range output.Messages.Len() {
			out = append(out, fmt.Sprintf("%s=%s", output.Messages.Keys.At(i), output.Messages.Values.At(i)))
		}
	}
	for _, letter := range outcome.Dead {
		dead = append(dead, fmt.Sprintf("%d:%s:%s", letter.Record, letter.Reason, letter.Message))
	}
	return out, dead
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant:\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestU1ARecordThatCannotBeHandledIsDeadAndItsNeighboursComeThrough(t *testing.T) {
	p := program(t, double(), withDouble("y"), to("out"))
	out, dead := run(t, p, batch(`{"x":1}`, `{"x":13}`, `not json`, `{"z":1}`, `{"x":"a"}`, "tombstone", `{"x":null}`, `{"x":2}`))
	expect(t, "out", out, `k0={"x":1,"y":2.0}`, `k6={"x":null,"y":null}`, `k7={"x":2,"y":4.0}`)
	expect(t, "dead", dead,
		`2:undecodable:unexpected 'n' at byte 0 where a value should be`,
		`5:undecodable:the value is null (a tombstone), a JSON object is needed`,
		`3:missing_field:missing field "x"`,
		`4:wrong_type:wrong type: a string ("a") where a number is needed in field "x"`,
		`1:raised:unlucky`)
}

func TestNullsAreHandledAsTheFunctionSays(t *testing.T) {
	null := batch(`{"x":null}`)
	for name, c := range map[string]struct {
		function *planv1.Function
		out      []string
		dead     []string
	}{
		"null":     {double(), []string{`k0={"x":null,"y":null}`}, nil},
		"call":     {double(func(f *planv1.Function) { f.OnNull = planv1.OnNull_ON_NULL_CALL }), []string{`k0={"x":null,"y":null}`}, nil},
		"dlq":      {double(func(f *planv1.Function) { f.OnNull = planv1.OnNull_ON_NULL_DLQ }), nil, []string{`0:null:field "x" is null; annotate the parameter as optional or choose another on_null`}},
		"optional": {double(func(f *planv1.Function) { f.OnNull = planv1.OnNull_ON_NULL_DLQ; f.Params[0].Nullable = true }), []string{`k0={"x":null,"y":null}`}, nil},
	} {
		out, dead := run(t, program(t, c.function, withDouble("y"), to("out")), null)
		expect(t, name+" out", out, c.out...)
		expect(t, name+" dead", dead, c.dead...)
	}
}

func TestADefaultStandsInForAMissingField(t *testing.T) {
	f := double(func(f *planv1.Function) {
		f.Params[0].DefaultValue = &planv1.Literal{Value: &planv1.Literal_IntValue{IntValue: 21}}
	})
	out, dead := run(t, program(t, f, withDouble("y"), to("out")), batch(`{}`, `{"x":1}`, `{"x":null}`))
	expect(t, "out", out, `k0={"y":42.0}`, `k1={"x":1,"y":2.0}`, `k2={"x":null,"y":null}`)
	expect(t, "dead", dead)
}

func TestADefaultStandsInForAFieldThatTheRecordsHaveLost(t *testing.T) {
	f := double(func(f *planv1.Function) {
		f.Params[0].DefaultValue = &planv1.Literal{Value: &planv1.Literal_FloatValue{FloatValue: 21}}
	})
	for name, lose := range map[string]*planv1.Step{
		"dropped":      {Op: &planv1.Step_Drop{Drop: &planv1.Drop{Fields: []string{"x"}}}},
		"not selected": {Op: &planv1.Step_Select{Select: &planv1.Select{Fields: []string{"z"}}}},
	} {
		out, dead := run(t, program(t, f, lose, withDouble("y"), to("out")), batch(`{"x":1,"z":2}`, `{"z":"a"}`))
		expect(t, name, out, `k0={"z":2,"y":42.0}`, `k1={"z":"a","y":42.0}`)
		expect(t, name, dead)
	}
}

func TestErrorsStopOrSkipWhereTheFunctionSaysSo(t *testing.T) {
	skip := double(func(f *planv1.Function) { f.OnError = planv1.OnError_ON_ERROR_SKIP })
	out, dead := run(t, program(t, skip, withDouble("y"), to("out")), batch(`{"x":13}`, `{"x":1}`))
	expect(t, "out", out, `k1={"x":1,"y":2.0}`)
	expect(t, "dead", dead)

	stop := double(func(f *planv1.Function) { f.OnError = planv1.OnError_ON_ERROR_STOP })
	_, err := program(t, stop, withDouble("y"), to("out")).Run(t.Context(), batch(`{"x":1}`, `{"x":13}`))
	var stopped *step.StopError
	if !errors.As(err, &stopped) || stopped.Offset != 1 || !strings.Contains(err.Error(), "ValueError: unlucky") {
		t.Error(err)
	}
}

func TestWhereKeepsOnlyWhatIsTrue(t *testing.T) {
	p := program(t, double(), where(op(planv1.Op_OP_GREATER, column("x"), number(1))), withDouble("y"), to("out"))
	out, dead := run(t, p, batch(`{"x":1}`, `{"x":2}`, `{"x":null}`, `{}`, `{"x":3}`))
	expect(t, "out", out, `k1={"x":2,"y":4.0}`, `k4={"x":3,"y":6.0}`)
	expect(t, "dead", dead)
}

func TestBytesThatNoStepTouchedStayAsTheyWere(t *testing.T) {
	value := `{"id": 12345678901234567890, "x":1.50, "d":0.1000000000000000055511151231257827, "s":"\u00e9", "n": [ 1, 2 ] }`
	out, _ := run(t, program(t, double(), to("out")), batch(value))
	expect(t, "passed", out, "k0="+value)
	out, _ = run(t, program(t, double(), withDouble("y"), to("out")), batch(value))
	expect(t, "with a column", out, "k0="+strings.TrimSuffix(value, "}")+`,"y":3.0}`)
	out, _ = run(t, program(t, double(), withDouble("x"), to("out")), batch(value))
	expect(t, "with a column replaced", out, `k0={"id":12345678901234567890,"x":3.0,"d":0.1000000000000000055511151231257827,"s":"\u00e9","n":[ 1, 2 ]}`)
	selected := &planv1.Step{Op: &planv1.Step_Select{Select: &planv1.Select{Fields: []string{"s", "y", "id", "none"}}}}
	out, _ = run(t, program(t, double(), withDouble("y"), selected, to("out")), batch(value))
	expect(t, "selected", out, `k0={"s":"\u00e9","y":3.0,"id":12345678901234567890}`)
	dropped := &planv1.Step{Op: &planv1.Step_Drop{Drop: &planv1.Drop{Fields: []string{"id", "d", "n"}}}}
	out, _ = run(t, program(t, double(), withDouble("y"), dropped, to("out")), batch(value))
	expect(t, "dropped", out, `k0={"x":1.50,"s":"\u00e9","y":3.0}`)
}

func TestU5RecordsOfAFlatMapKeepTheOrderAndTheKeyOfTheirRow(t *testing.T) {
	p := program(t, double(), mapTwice(), withDouble("y"), to("out"))
	out, dead := run(t, p, batch(`{"x":1}`, `{"skip":true}`, `{"x":13}`, `{"x":2}`))
	expect(t, "out", out, `k0={"x":1,"y":2.0}`, `k0={"x":1,"y":2.0}`, `k3={"x":2,"y":4.0}`, `k3={"x":2,"y":4.0}`)
	expect(t, "dead", dead, "2:raised:unlucky", "2:raised:unlucky")
}

func TestCSVLinesAreReadBySchema(t *testing.T) {
	p := &planv1.Plan{App: "app", Functions: []*planv1.Function{double()}, Sources: []*planv1.Source{{
		Id: "0", Kind: &planv1.Source_Topic{Topic: &planv1.Topic{Name: "in", Format: planv1.Format_FORMAT_CSV}},
		Schema: []*planv1.Field{{Name: "s", Type: planv1.Type_TYPE_STRING}, {Name: "x", Type: planv1.Type_TYPE_FLOAT64}},
	}}, Steps: []*planv1.Step{withDouble("y"), to("out")}}
	p.Steps[0].Input, p.Steps[0].Id, p.Steps[1].Input = "0", "1", "1"
	compiled, err := plan.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	out, dead := run(t, step.New(compiled.Sources[0], &python{}, metrics.New(prometheus.NewRegistry())), batch("a,1.50", "b", "tombstone", `"c,d",NA`))
	expect(t, "out", out, `k0={"s":"a","x":1.50,"y":3.0}`, `k3={"s":"c,d","x":null,"y":null}`)
	if len(dead) != 2 {
		t.Error(dead)
	}
}

// TestCutsNeverChangeTheOutput is the metamorphic test of the pure part: any cut of the input into batches gives the
// same records.
func TestCutsNeverChangeTheOutput(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	samples := []string{`{"x":1}`, `{"x":13}`, `{"x":null}`, `{}`, `junk`, `{"x":7,"y":0}`, `{"skip":1}`, `{"x":-2.5}`}
	for range 50 {
		var values []string
		for range 40 {
			values = append(values, samples[random.IntN(len(samples))])
		}
		p := program(t, double(), mapTwice(), where(op(planv1.Op_OP_LESS, column("x"), number(10))), withDouble("y"), to("out"))
		whole, deadWhole := run(t, p, batch(values...))
		var cut, deadCut []string
		for from := 0; from < len(values); {
			until := min(from+1+random.IntN(9), len(values))
			out, dead := run(t, p, piece(batch(values...), from, until))
			cut = append(cut, out...)
			for _, line := range dead {
				record, rest, _ := strings.Cut(line, ":")
				number, err := strconv.Atoi(record)
				if err != nil {
					t.Fatal(err)
				}
				deadCut = append(deadCut, fmt.Sprintf("%d:%s", from+number, rest))
			}
			from = until
		}
		slices.Sort(deadWhole)
		slices.Sort(deadCut)
		expect(t, "out", cut, whole...)
		expect(t, "dead", deadCut, deadWhole...)
	}
}

// piece returns some records of a batch as a batch.
func piece(b *record.Batch, from, until int) *record.Batch {
	return &record.Batch{
		Partition: b.Partition, Offsets: b.Offsets[from:until], Times: b.Times[from:until],
		Keys: b.Keys.Slice(from, until), Values: b.Values.Slice(from, until),
	}
}
