package task

import (
	"context"
	"fmt"
	"strconv"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/step"
)

// write hands the outcome of a batch to the sinks. What a sink rejects becomes a dead letter.
func (o *Outputs) write(ctx context.Context, outcome *step.Outcome) error {
	dead := outcome.Dead
	for i := range outcome.Outputs {
		output := &outcome.Outputs[i]
		o.Written.Add(int64(len(output.Messages.Keys.Data) + len(output.Messages.Values.Data)))
		rejected, err := o.Sinks[output.Sink].Write(ctx, &output.Messages)
		if err != nil {
			return err
		}
		for _, r := range rejected {
			if outcome.Batch.Len() == 0 { // what the engine itself wrote
				return fmt.Errorf("%s cannot be written: %w", o.Names[output.Sink], r.Err)
			}
			dead = append(dead, o.rejected(output, r))
		}
		o.Metrics.RecordsOut.WithLabelValues(o.Names[output.Sink]).Add(float64(output.Messages.Len() - len(rejected)))
	}
	if len(dead) == 0 {
		return nil
	}
	return o.bury(ctx, Letters(outcome.Batch, dead))
}

func (o *Outputs) rejected(output *step.Output, r sink.Rejected) step.DeadLetter {
	o.Metrics.RecordsDead.WithLabelValues(output.Step.Label, step.ReasonRejected).Inc()
	origin := r.Index
	if output.Origin != nil {
		origin = int(output.Origin[r.Index])
	}
	return step.DeadLetter{Record: origin, Step: output.Step.Label, Reason: step.ReasonRejected, Message: r.Err.Error()}
}

// bury writes dead letters. One that is too large even for that goes without its value.
func (o *Outputs) bury(ctx context.Context, letters *record.Messages) error {
	o.Written.Add(int64(len(letters.Values.Data)))
	rejected, err := o.DeadLetters.Write(ctx, letters)
	if err != nil || len(rejected) == 0 {
		return err
	}
	short := &record.Messages{}
	for _, r := range rejected {
		short.Keys.Append(letters.Keys.At(r.Index))
		short.Values.Append(nil)
		short.Times = append(short.Times, letters.Times[r.Index])
		size := strconv.Itoa(len(letters.Values.At(r.Index)))
		short.Headers = append(short.Headers, append(letters.Headers[r.Index], text("pyudf.value_dropped", size+" bytes: "+r.Err.Error())))
	}
	again, err := o.DeadLetters.Write(ctx, short)
	if err == nil && len(again) > 0 {
		err = fmt.Errorf("a dead letter cannot be written even without its value: %w", again[0].Err)
	}
	return err
}

// Letters returns the messages for dead records: key, value and time as they came, and what happened in headers.
func Letters(batch *record.Batch, dead []step.DeadLetter) *record.Messages {
	m := &record.Messages{}
	for _, d := range dead {
		m.Keys.Append(batch.Keys.At(d.Record))
		m.Values.Append(batch.Values.At(d.Record))
		m.Times = append(m.Times, batch.Times[d.Record])
		var headers []record.Header
		if batch.Headers != nil {
			headers = append(headers, batch.Headers[d.Record]...)
		}
		headers = append(headers,
			text("pyudf.topic", batch.Partition.Topic),
			text("pyudf.partition", strconv.Itoa(int(batch.Partition.Index))),
			text("pyudf.offset", strconv.FormatInt(batch.Offsets[d.Record], 10)),
			text("pyudf.step", d.Step),
			text("pyudf.reason", d.Reason),
			text("pyudf.message", d.Message),
		)
		for _, optional := range []record.Header{text("pyudf.function", d.Function), text("pyudf.exception", d.Exception), text("pyudf.traceback", d.Traceback)} {
			if len(optional.Value) > 0 {
				headers = append(headers, optional)
			}
		}
		m.Headers = append(m.Headers, headers)
	}
	return m
}

func text(key, value string) record.Header { return record.Header{Key: key, Value: []byte(value)} }
