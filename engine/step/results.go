package step

import (
	"context"
	"slices"
	"strconv"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/key"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/window"
)

// Results runs the steps behind an aggregation on what its windows gave.
func (p *Program) Results(ctx context.Context, step *plan.Step, partition record.Partition, results *window.Results) (*Outcome, error) {
	a := step.Aggregate
	batch := &record.Batch{
		Partition: partition, Offsets: make([]int64, results.Len()), Times: slices.Clone(results.Times), Keys: bareKeys(&results.Keys), Headers: bounds(results),
	}
	made := resultFields(a, results, nil)
	in := &frame{batch: batch, rows: results.Len(), texts: empty(results.Len(), a.Scan), key: &results.Keys, made: made, taken: results.Retracted}
	run := run{program: p, ctx: ctx, outcome: &Outcome{Batch: batch, Times: results.Times}}
	in, err := run.valued(step, in, results)
	if err != nil {
		return nil, err
	}
	p.metrics.StepRows.WithLabelValues(step.Label, "out").Add(float64(in.rows))
	return run.finish(step.Next, in)
}

// valued has the user's functions among the aggregates give their values. Results for which one fails are dead; what is
// known of them without it is the dead letter's value.
func (r *run) valued(step *plan.Step, in *frame, results *window.Results) (*frame, error) {
	values := in.values()
	r.outcome.Batch.Values = values
	at := &place{step, in, map[int]bool{}}
	called := map[string]record.Column{}
	for i := range step.Aggregate.Columns {
		column := &step.Aggregate.Columns[i]
		if column.Call == nil {
			continue
		}
		contents := results.Columns[i]
		values, err := r.resultColumn(at, column.Call, &contents)
		if err != nil {
			return nil, err
		}
		called[column.Name] = values
	}
	if len(called) > 0 {
		whole := *in
		whole.made = resultFields(step.Aggregate, results, called)
		return whole.keep(at.others()), nil
	}
	whole := *in
	whole.written = &values
	return &whole, nil
}

// bounds returns headers that say which window a result is of that takes another one back: it has no value to say it.
func bounds(results *window.Results) [][]record.Header {
	var headers [][]record.Header
	for row, taken := range results.Retracted {
		if taken && headers == nil {
			headers = make([][]record.Header, results.Len())
		}
		if taken {
			headers[row] = []record.Header{
				{Key: "pyudf." + plan.FieldStart, Value: strconv.AppendInt(nil, results.Starts[row], 10)},
				{Key: "pyudf." + plan.FieldEnd, Value: strconv.AppendInt(nil, results.Ends[row], 10)},
			}
		}
	}
	return headers
}

// empty returns texts of objects without members.
func empty(rows int, names []string) *codec.Texts {
	values := &record.Arena{}
	values.Grow(rows, 2*rows)
	for range rows {
		values.Append([]byte("{}"))
	}
	return codec.Bare(values, names)
}

// resultFields returns the fields of results; called are the values that user's functions gave.
func resultFields(a *plan.Aggregate, results *window.Results, called map[string]record.Column) []field {
	made := keyFields(&a.Key, &results.Keys)
	if a.Bounds() {
		made = append(made, field{plan.FieldStart, ints(results.Starts)}, field{plan.FieldEnd, ints(results.Ends)})
	}
	if a.Revised() {
		finals := record.NewBuilder(record.Bool, len(results.Finals))
		for _, final := range results.Finals {
			finals.Bool(final)
		}
		made = append(made, field{plan.FieldRev, ints(results.Revs)}, field{plan.FieldFinal, finals.Column()})
	}
	for i := range a.Columns {
		name := a.Columns[i].Name
		if a.Columns[i].Call == nil {
			made = append(made, field{name, results.Columns[i]})
		} else if values, ok := called[name]; ok {
			made = append(made, field{name, values})
		}
	}
	return made
}

func ints(values []int64) record.Column {
	return record.Column{Type: record.Int64, Rows: len(values), Ints: values}
}

// keyFields returns the fields that make up the keys.
func keyFields(k *plan.Key, keys *record.Arena) []field {
	if len(k.Fields) == 0 {
		return nil
	}
	builders := make([]*record.Builder, len(k.Fields))
	for i, f := range k.Fields {
		builders[i] = record.NewBuilder(f.Type, keys.Len())
	}
	for row := range keys.Len() {
		values := [][]byte{nil}
		if len(k.Fields) > 1 {
			values = codec.Elements(key.Bytes(keys.At(row)))
		} else {
			values[0] = key.AppendValue(nil, keys.At(row))
		}
		for i, b := range builders {
			codec.Decode(b, k.Fields[i].Type, values[i])
		}
	}
	made := make([]field, len(builders))
	for i, f := range k.Fields {
		made[i] = field{f.Name, builders[i].Column()}
	}
	return made
}

// Describe returns results as messages, with the number of records that they stand for.
func Describe(a *plan.Aggregate, results *window.Results, records int64) record.Messages {
	made := append(resultFields(a, results, nil), field{"records", ints([]int64{records})})
	in := &frame{rows: results.Len(), texts: empty(results.Len(), append(slices.Clone(a.Scan), "records")), made: made}
	return record.Messages{Keys: bareKeys(&results.Keys), Values: in.values(), Times: results.Times}
}
