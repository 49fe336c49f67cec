package keyed

import (
	"strconv"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/fold"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/step"
	"github.com/pyudf/pyudf/engine/window"
)

// accumulators returns empty columns for an aggregation, and the types of their results.
func accumulators(a *plan.Aggregate) ([]aggregate.Column, []record.Type, error) {
	var columns []aggregate.Column
	var results []record.Type
	for i := range a.Columns {
		c := &a.Columns[i]
		if c.Call != nil {
			columns, results = append(columns, fold.New(chunked(a, c.Call.Function))), append(results, record.JSON)
			continue
		}
		column, err := aggregate.New(c.Spec)
		if err != nil {
			return nil, nil, err
		}
		columns, results = append(columns, column), append(results, c.Spec.Result())
	}
	return columns, results, nil
}

// folds returns the columns that keep rows for users' functions, by their numbers.
func folds(columns []aggregate.Column) map[int]*fold.Column {
	out := map[int]*fold.Column{}
	for i, column := range columns {
		if f, ok := column.(*fold.Column); ok {
			out[i] = f
		}
	}
	return out
}

// chunked tells whether states of an aggregator can stand for its rows: where windows become one, states must too.
func chunked(a *plan.Aggregate, f *plan.Function) bool {
	return f.Aggregator && (f.Merges || a.Window.Kind == window.Aligned || a.Window.Kind == window.Global)
}

// late sends records that came too late to their topic, with the window that they missed.
func (f *Flow) late(n *node, in *rows, k *step.Keyed, late []window.Late, side *step.Outcome) {
	if len(late) == 0 {
		return
	}
	output := step.Output{Sink: n.step.Aggregate.Late.Index, Step: n.step}
	m := &output.Messages
	for _, l := range late {
		origin := k.OriginOf(l.Row)
		m.Keys.Append(in.Batch.Keys.At(origin))
		m.Values.Append(in.Batch.Values.At(origin))
		m.Times = append(m.Times, in.Batch.Times[origin])
		m.Headers = append(m.Headers, append(headersOf(in.Batch, origin), lateHeaders(n.step, l, in.Times[origin])...))
		output.Origin = append(output.Origin, int32(origin)) //nolint:gosec // a batch has fewer rows
	}
	f.config.Metrics.RecordsLate.WithLabelValues(n.step.Label).Add(float64(len(late)))
	side.Outputs = append(side.Outputs, output)
}

func headersOf(batch *record.Batch, row int) []record.Header {
	if batch.Headers == nil {
		return nil
	}
	return append([]record.Header{}, batch.Headers[row]...)
}

func lateHeaders(s *plan.Step, l window.Late, time int64) []record.Header {
	return []record.Header{
		{Key: "pyudf.step", Value: []byte(s.Label)},
		number("pyudf.window_start", l.Start),
		number("pyudf.window_end", l.End),
		number("pyudf.watermark", l.Watermark),
		number("pyudf.lateness_ms", l.Watermark-time),
	}
}

func number(name string, v int64) record.Header {
	return record.Header{Key: name, Value: strconv.AppendInt(nil, v, 10)}
}
