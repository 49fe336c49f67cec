package step

import (
	"context"
	"fmt"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/codec/csv"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
)

// Caller runs a call of a user function on some worker.
type Caller interface {
	Call(ctx context.Context, f dispatch.Function, call *dispatch.Call) (*dispatch.Result, error)
}

// Program is the steps below one source. It may be run by several goroutines at once.
type Program struct {
	source  *plan.Source
	csv     *csv.Schema // nil: values are JSON
	caller  Caller
	metrics *metrics.Set
	now     func() int64
}

// New returns the program of a source.
func New(source *plan.Source, caller Caller, set *metrics.Set) *Program {
	return &Program{source: source, csv: lines(source), caller: caller, metrics: set}
}

// At sets the clock that says what lies in the future, in ms since the epoch; without one nothing does.
func (p *Program) At(now func() int64) { p.now = now }

// Outcome is what became of a batch. Each record is in an output, was filtered out by a where or a map, is dead, or waits
// in Keyed.
type Outcome struct {
	// Batch is what Outputs, Dead and Keyed speak of: the batch itself, or the rows that it carried over a hop.
	Batch   *record.Batch
	Outputs []Output
	Dead    []DeadLetter
	// Keyed are the rows for steps that need all records of a key.
	Keyed []Keyed
	// Times are the records' event times, record.NoTime where there is none; nil unless the plan needs them.
	Times []int64
	// Blocks are what came over a hop, in order.
	Blocks []Block
}

// Output is messages for one sink of the plan.
type Output struct {
	Sink     int
	Step     *plan.Step
	Messages record.Messages
	// Origin is the record of the batch that each message comes from; nil: message i comes from record i.
	Origin []int32
}

// DeadLetter is a record that a step could not handle.
type DeadLetter struct {
	// Record is its index in the batch.
	Record int
	Step   string
	// Function is empty if no function was involved.
	Function string
	// Reason is one of the constants below.
	Reason    string
	Exception string
	Message   string
	Traceback string
}

// The reasons why a record is dead.
const (
	ReasonUndecodable = "undecodable"
	ReasonMissing     = "missing_field"
	ReasonWrongType   = "wrong_type"
	ReasonNull        = "null"
	ReasonExpression  = "expression"
	ReasonRaised      = "raised"
	ReasonRejected    = "rejected"
	ReasonNullKey     = "null_key"

	ReasonBadTimestamp = "bad_timestamp"
)

// StopError ends the run: a record failed in a step with on_error="stop".
type StopError struct {
	Partition record.Partition
	Offset    int64
	Letter    DeadLetter
}

func (e *StopError) Error() string {
	return fmt.Sprintf("%s: record %d of %s [%d]: %s: %s\n%s", e.Letter.Step, e.Offset, e.Partition.Topic, e.Partition.Index,
		e.Letter.Exception, e.Letter.Message, e.Letter.Traceback)
}

// Run runs the steps on a batch. An error says that the run cannot go on: nothing of the batch may be written.
func (p *Program) Run(ctx context.Context, batch *record.Batch) (*Outcome, error) {
	run := run{program: p, ctx: ctx, outcome: &Outcome{Batch: batch}}
	in, err := run.begin(batch)
	if err != nil {
		return nil, err
	}
	return run.finish(p.source.Steps, in)
}

// begin returns the rows of a batch that can be used.
func (r *run) begin(batch *record.Batch) (*frame, error) {
	if r.program.source.Hop != nil {
		return r.unpack(batch)
	}
	texts, failures := r.program.decode(batch)
	for _, failure := range failures {
		r.outcome.Dead = append(r.outcome.Dead, DeadLetter{Record: failure.Row, Step: "decode", Reason: ReasonUndecodable, Message: failure.Err.Error()})
	}
	in := &frame{batch: batch, rows: batch.Len(), texts: texts, bare: batch.Bare}
	in = in.keep(except(in.rows, failures))
	if r.program.source.Keyed {
		in = r.times(in)
	}
	return in, nil
}

func (r *run) finish(steps []*plan.Step, in *frame) (*Outcome, error) {
	if err := r.follow(steps, in); err != nil {
		return nil, err
	}
	for _, dead := range r.outcome.Dead {
		r.program.metrics.RecordsDead.WithLabelValues(dead.Step, dead.Reason).Inc()
	}
	return r.outcome, nil
}

// run is one batch on its way.
type run struct {
	program *Program
	ctx     context.Context //nolint:containedctx // lives as long as one call of Program.Run
	outcome *Outcome
}

func (r *run) follow(steps []*plan.Step, in *frame) error {
	for _, step := range steps {
		if in.rows == 0 {
			return nil
		}
		out, err := r.apply(step, in)
		if err != nil {
			return err
		}
		rows := r.program.metrics.StepRows
		rows.WithLabelValues(step.Label, "in").Add(float64(in.rows))
		if step.Sink == nil && out != nil {
			rows.WithLabelValues(step.Label, "out").Add(float64(out.rows))
			err = r.follow(step.Next, out)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) apply(step *plan.Step, in *frame) (*frame, error) {
	switch {
	case step.Columns != nil:
		return r.columns(step, in)
	case step.Where != nil:
		return r.where(step, in), nil
	case step.Select != nil:
		return in.selectOnly(step.Select), nil
	case step.Drop != nil:
		return in.drop(step.Drop), nil
	case step.Map != nil:
		return r.mapRecords(step, in)
	case step.KeyBy != nil:
		return r.keyBy(step, in)
	case step.Stateful != nil:
		return nil, r.stateful(step, in) // what follows reads the answer
	case step.Aggregate != nil:
		return nil, r.aggregate(step, in) // what follows reads the results
	default:
		r.to(step, in)
		return in, nil
	}
}

// except returns the rows that did not fail. Failures are in any order and may name a row twice.
func except(rows int, failures []codec.Failure) []int32 {
	failed := make([]bool, rows)
	for _, failure := range failures {
		failed[failure.Row] = true
	}
	return rowsWhere(rows, func(row int) bool { return !failed[row] })
}

func rowsWhere(rows int, keep func(row int) bool) []int32 {
	out := make([]int32, 0, rows)
	for row := range rows {
		if keep(row) {
			out = append(out, int32(row))
		}
	}
	return out
}
