package step

import (
	"context"
	"fmt"
	"slices"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/key"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
)

// stateful gathers what a function with states needs of the rows.
func (r *run) stateful(step *plan.Step, in *frame) error {
	at := &place{step, in, map[int]bool{}}
	keys := r.keysOf(at, &step.Stateful.Key)
	request, sent, err := r.request(at, &step.Stateful.Call)
	if err != nil {
		return err
	}
	keep := at.others()
	out := in.keep(keep)
	if out != in { // rows are called for by their numbers among those that are left
		position := make([]int32, in.rows)
		for i, row := range keep {
			position[row] = int32(i) //nolint:gosec // a batch has fewer rows
		}
		sent = compose(position, sent)
		keys = take(keys, keep)
	}
	k := Keyed{Step: step, Keys: *take(keys, sent), Origin: compose(out.origin, sent), Request: request, frame: out, sent: sent}
	r.outcome.Keyed = append(r.outcome.Keyed, k)
	return nil
}

// Answer is what a function with states gave for the rows of a Keyed, and its timers for their keys.
type Answer struct {
	// Column is a value a row; else Records are those that came of the rows and timers, in their order.
	Column  record.Column
	Records record.Arena
	// Sources are the rows that records come from; a timer is len(rows) + its number in Fired.
	Sources []int32
	// Failures are rows, or timers with such a number.
	Failures []dispatch.Failure
	Fired    []Firing
}

// Firing is a timer that was due. Watermark is what stood before.
type Firing struct {
	Key       []byte
	Function  *plan.Function
	Time      int64
	Watermark int64
}

// Answered runs the steps behind a function with states on what it gave. The outcome's batch is that of the rows, with a
// row for each firing behind them; times are those of the rows before.
func (p *Program) Answered(ctx context.Context, in *Outcome, k *Keyed, a *Answer) (*Outcome, error) {
	r := &run{program: p, ctx: ctx, outcome: &Outcome{Batch: in.Batch, Times: in.Times, Blocks: in.Blocks}}
	frame := k.frame
	if frame == nil { // timers alone
		frame = noRows(in.Batch)
	}
	if len(a.Fired) > 0 {
		frame = r.extend(in, frame, a.Fired)
	}
	at := &place{k.Step, frame, map[int]bool{}}
	sent := slices.Clone(k.sent)
	for i := range a.Fired {
		sent = append(sent, int32(frame.rows-len(a.Fired)+i)) //nolint:gosec // a batch has fewer rows
	}
	if err := r.buryFailures(at, k.Step.Stateful.Call.Function, a.Failures, sent); err != nil {
		return nil, err
	}
	if k.Step.Stateful.Column != "" {
		values := spread(&a.Column, k.sent, frame.rows)
		return r.finishKept(k.Step, frame.with([]field{{k.Step.Stateful.Column, values}}).keep(at.others()))
	}
	out, err := frame.replaced(k.Step, &a.Records, compose(sent, a.Sources), k.Step.Stateful.Scan)
	if err != nil {
		return nil, err
	}
	out.key = &record.Arena{}
	for _, source := range a.Sources {
		if int(source) < len(k.sent) {
			out.key.Append(k.Keys.At(int(source)))
		} else {
			out.key.Append(a.Fired[int(source)-len(k.sent)].Key)
		}
	}
	return r.finishKept(k.Step, out)
}

func noRows(batch *record.Batch) *frame {
	texts, _ := codec.Scan(&record.Arena{}, nil)
	return &frame{batch: batch, texts: texts}
}

// Keep calls a function for rows of keys, with what is kept for them.
func (p *Program) Keep(ctx context.Context, f *plan.Function, call *dispatch.Call) (*dispatch.Result, error) {
	return p.caller.Call(ctx, dispatched(f, dispatch.ActionNone), call)
}

func (r *run) finishKept(step *plan.Step, out *frame) (*Outcome, error) {
	r.program.metrics.StepRows.WithLabelValues(step.Label, "out").Add(float64(out.rows))
	return r.finish(step.Next, out)
}

// extend returns the rows with one for each firing behind them.
func (r *run) extend(in *Outcome, f *frame, fired []Firing) *frame {
	batch := *in.Batch
	out := *f
	out.written = nil
	out.batch, out.origin = &batch, make([]int32, f.rows)
	for row := range f.rows {
		out.origin[row] = int32(f.originOf(row)) //nolint:gosec // a batch has fewer rows
	}
	batch.Keys, batch.Values = own(&batch.Keys), own(&batch.Values)
	batch.Offsets, batch.Times = slices.Clone(batch.Offsets), slices.Clone(batch.Times)
	if batch.Headers != nil {
		batch.Headers = append(slices.Clone(batch.Headers), make([][]record.Header, len(fired))...)
	}
	r.outcome.Times = slices.Clone(in.Times)
	for _, firing := range fired {
		out.origin = append(out.origin, int32(batch.Len())) //nolint:gosec // a batch has fewer rows
		batch.Keys.Append(key.Bytes(firing.Key))
		batch.Values.Append(nil)
		batch.Offsets = append(batch.Offsets, 0)
		batch.Times = append(batch.Times, firing.Time)
		r.outcome.Times = append(r.outcome.Times, firing.Time)
	}
	out.rows += len(fired)
	r.outcome.Batch = &batch
	return &out
}

// own returns an arena to which more can be appended without harm to others that share its bytes.
func own(a *record.Arena) record.Arena {
	return record.Arena{Data: slices.Clip(a.Data), Ends: slices.Clip(a.Ends), Null: slices.Clip(a.Null)}
}

// replaced returns the frame of records that came of rows.
func (f *frame) replaced(step *plan.Step, records *record.Arena, rows []int32, scan []string) (*frame, error) {
	texts, failures := codec.Scan(records, scan)
	if len(failures) > 0 {
		return nil, fmt.Errorf("%s gave a record that is no JSON object, which its worker should have refused: %w", step.Label, failures[0].Err)
	}
	return &frame{batch: f.batch, rows: records.Len(), origin: compose(f.origin, rows), texts: texts}, nil
}
