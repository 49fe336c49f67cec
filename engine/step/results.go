package step

import (
	"context"
	"slices"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/key"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/window"
)

// Results runs the steps behind an aggregation on what its windows gave.
func (p *Program) Results(ctx context.Context, step *plan.Step, partition record.Partition, results *window.Results) (*Outcome, error) {
	a := step.Aggregate
	batch := &record.Batch{Partition: partition, Offsets: make([]int64, results.Len()), Times: results.Times, Keys: bareKeys(&results.Keys)}
	in := &frame{batch: batch, rows: results.Len(), texts: empty(results.Len(), a.Scan), key: &results.Keys, made: resultFields(a, results), taken: results.Retracted}
	batch.Values = in.values()
	run := run{program: p, ctx: ctx, outcome: &Outcome{Batch: batch, Times: results.Times}}
	rows := p.metrics.StepRows
	rows.WithLabelValues(step.Label, "out").Add(float64(in.rows))
	return run.finish(step.Next, in)
}

// empty returns texts of objects without members.
func empty(rows int, names []string) *codec.Texts {
	values := &record.Arena{}
	values.Grow(rows, 2*rows)
	for range rows {
		values.Append([]byte("{}"))
	}
	texts, _ := codec.Scan(values, names)
	return texts
}

func resultFields(a *plan.Aggregate, results *window.Results) []field {
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
		made = append(made, field{a.Columns[i].Name, results.Columns[i].Column()})
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
	made := append(resultFields(a, results), field{"records", ints([]int64{records})})
	in := &frame{rows: results.Len(), texts: empty(results.Len(), append(slices.Clone(a.Scan), "records")), made: made}
	return record.Messages{Keys: bareKeys(&results.Keys), Values: in.values(), Times: results.Times}
}
