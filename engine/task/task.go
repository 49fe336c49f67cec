package task

import (
	"context"
	"iter"
	"sync/atomic"

	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/step"
)

// Runner runs the steps of a plan on a batch. *step.Program is one.
type Runner interface {
	Run(ctx context.Context, batch *record.Batch) (*step.Outcome, error)
}

// Flow is the half of a program that needs all records of a key in order. *keyed.Flow is one.
type Flow interface {
	// Take takes the outcome of the next batch. It gives what is to be written, one after the other, as all that follow.
	Take(ctx context.Context, outcome *step.Outcome) iter.Seq2[*step.Outcome, error]
	// Tick, Idle, Commit and Finish give what is to be written because of the clock, at a commit and at the end.
	Tick(ctx context.Context, now int64) iter.Seq2[*step.Outcome, error]
	Idle(ctx context.Context, ms int64) iter.Seq2[*step.Outcome, error]
	Commit(ctx context.Context) iter.Seq2[*step.Outcome, error]
	Finish(ctx context.Context) iter.Seq2[*step.Outcome, error]
	// Changes returns what changed of the state since the last Apply, with the position that it reflects. Apply stores it.
	Changes(position int64) *state.Changes
	Apply() error
	// Bytes is how much of the state waits for Apply.
	Bytes() int
}

// Outputs are where outcomes go.
type Outputs struct {
	// Sinks are those of the plan, in its order, with their names.
	Sinks []sink.Sink
	Names []string
	// DeadLetters takes the records that steps could not handle.
	DeadLetters sink.Sink
	Metrics     *metrics.Set
	// Written counts the bytes of keys and values; whoever delivers them sets it back.
	Written atomic.Int64
}

// inFlight is how many batches of a partition are run at a time: while one is in a worker, the next is decoded and
// the one before is written.
const inFlight = 3

// waiting is how many batches or other things wait for a task: a tick and the word that its partition is idle both fit.
const waiting = 2

// Task is one partition at work. Start creates it; one goroutine calls its methods.
type Task struct {
	config Config
	items  chan item
	// urgent is for what does not wait for batches.
	urgent chan item
	// stop is closed when the task is to end, stopped when it has.
	stop    chan struct{}
	stopped chan struct{}
	err     error // set before stopped is closed

	// waits is how much of the state waits to be stored, unwritten how many batches are not written.
	waits, unwritten atomic.Int64

	// What follows belongs to the task's own goroutine.
	pending  []*flight
	position int64
	// wrote tells that the clock had the flow write something since the last Drain: its state goes with that.
	wrote bool
	// held tells that nothing is written, whatever is ready.
	held bool
}

// Config is what a task works with.
type Config struct {
	// Position is the offset of the task's next record.
	Position int64
	Runner   Runner
	// Flow is nil for a program that keeps nothing from batch to batch.
	Flow    Flow
	Outputs *Outputs
}

// item is a batch, or something to do: when everything before it is written, or between any two batches.
type item struct {
	batch   *record.Batch
	do      func(ctx context.Context) error
	between bool
}

// flight is a batch on its way through the program.
type flight struct {
	batch   *record.Batch
	outcome *step.Outcome
	err     error
	done    chan struct{}
}

// Start starts a task. When ctx ends it stops where it is.
func Start(ctx context.Context, config Config) *Task {
	t := &Task{config: config, items: make(chan item, waiting), urgent: make(chan item), stop: make(chan struct{}), stopped: make(chan struct{}), position: config.Position}
	go func() {
		defer close(t.stopped)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		t.err = t.loop(ctx)
	}()
	return t
}

// Add gives the task its next batch. It waits while the task has enough, and returns the task's error if it failed.
func (t *Task) Add(batch *record.Batch) error {
	t.unwritten.Add(1)
	return t.put(t.items, item{batch: batch})
}

// Busy tells whether batches are not written yet.
func (t *Task) Busy() bool { return t.unwritten.Load() > 0 }

// Reached is how far a task is.
type Reached struct {
	// Position is the offset of the next record.
	Position int64
	// Wrote tells that the clock had something written, whether or not there were records.
	Wrote bool
}

// Drain returns when every batch is written, and what is to be written at a commit. The task can go on afterwards.
func (t *Task) Drain() (reached Reached, err error) {
	err = t.await(t.items, func(ctx context.Context) error { return t.reach(ctx, &reached) })
	return reached, err
}

// Hold returns when the batch that is being written is, and what is to be written at a commit. Those behind it go on through
// the program, and wait there until Release.
func (t *Task) Hold() (reached Reached, err error) {
	err = t.await(t.urgent, func(ctx context.Context) error {
		t.held = true
		return t.reach(ctx, &reached)
	})
	return reached, err
}

// Release ends a Hold.
func (t *Task) Release() error {
	return t.await(t.urgent, func(context.Context) error {
		t.held = false
		return nil
	})
}

func (t *Task) reach(ctx context.Context, reached *Reached) error {
	if t.config.Flow != nil {
		if err := t.write(ctx, t.config.Flow.Commit(ctx)); err != nil {
			return err
		}
	}
	*reached = Reached{t.position, t.wrote}
	t.wrote = false
	return nil
}

// Changes hands what changed of the state since the last Apply to a function, in the task's goroutine. REQUIRES: nothing
// was added since Drain, or the task is held.
func (t *Task) Changes(take func(ctx context.Context, changes *state.Changes) error) error {
	if t.config.Flow == nil {
		return nil
	}
	return t.await(t.urgent, func(ctx context.Context) error { return take(ctx, t.config.Flow.Changes(t.position)) })
}

// Apply stores what Changes handed out. REQUIRES: it, and what Drain wrote, is delivered.
func (t *Task) Apply() error {
	if t.config.Flow == nil {
		return nil
	}
	return t.await(t.urgent, func(context.Context) error {
		t.waits.Store(0)
		return t.config.Flow.Apply()
	})
}

// Waits returns how many bytes of the state wait to be stored.
func (t *Task) Waits() int64 { return t.waits.Load() }

// Finish writes what is to be written at the end of all input.
func (t *Task) Finish() error {
	return t.await(t.items, func(ctx context.Context) error { return t.write(ctx, t.config.Flow.Finish(ctx)) })
}

// Tick tells the time in ms, if the task has room for it. It does not wait for batches that are under way.
func (t *Task) Tick(now int64) {
	t.offer(item{between: true, do: func(ctx context.Context) error {
		return t.byClock(ctx, t.config.Flow.Tick(ctx, now))
	}})
}

// Idle tells that the partition has had no records for a while, if the task has nothing else to do: it returns false if
// it has. The time is how many ms passed since the last call.
func (t *Task) Idle(ms int64) bool {
	return t.offer(item{do: func(ctx context.Context) error {
		return t.byClock(ctx, t.config.Flow.Idle(ctx, ms))
	}})
}

func (t *Task) offer(i item) bool {
	select {
	case t.items <- i:
		return true
	default:
		return false
	}
}

// await has the task do something and returns when it is done, with its error: that is known before the task has ended of it.
func (t *Task) await(by chan<- item, do func(ctx context.Context) error) error {
	done := make(chan error, 1)
	err := t.put(by, item{do: func(ctx context.Context) error {
		err := do(ctx)
		done <- err
		return err
	}})
	if err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-t.stopped:
		return t.err
	}
}

// write writes what the flow gives.
func (t *Task) write(ctx context.Context, outcomes iter.Seq2[*step.Outcome, error]) error {
	for outcome, err := range outcomes {
		if err == nil {
			err = t.config.Outputs.write(ctx, outcome)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// byClock writes what the flow gives because time passed.
func (t *Task) byClock(ctx context.Context, outcomes iter.Seq2[*step.Outcome, error]) error {
	return t.write(ctx, func(yield func(*step.Outcome, error) bool) {
		for outcome, err := range outcomes {
			t.wrote = true
			if !yield(outcome, err) {
				return
			}
		}
	})
}

// Err returns the error of a task that failed, nil of one that works.
func (t *Task) Err() error {
	select {
	case <-t.stopped:
		return t.err
	default:
		return nil
	}
}

// Stop ends the task and waits for its goroutine. Batches that were not drained may be written or not; if the task is held
// they are not.
func (t *Task) Stop() {
	close(t.stop)
	<-t.stopped
}

func (t *Task) put(by chan<- item, i item) error {
	if err := t.Err(); err != nil {
		return err // also if there is room for the item
	}
	select {
	case by <- i:
		return nil
	case <-t.stopped:
		return t.err
	}
}

func (t *Task) loop(ctx context.Context) error {
	for {
		if ended, err := t.turn(ctx); ended || err != nil {
			return err
		}
	}
}

// turn does one thing. If there are several to do, what is urgent comes first, and batches go into the program before others
// that are through are written.
func (t *Task) turn(ctx context.Context) (ended bool, err error) {
	items := t.items
	if len(t.pending) == inFlight || t.held {
		items = nil
	}
	select {
	case i := <-t.urgent:
		return false, i.do(ctx)
	default:
	}
	select {
	case i := <-items:
		return false, t.take(ctx, i)
	default:
	}
	select {
	case i := <-t.urgent:
		return false, i.do(ctx)
	case i := <-items:
		return false, t.take(ctx, i)
	case <-t.head():
		return false, t.finish(ctx)
	case <-t.stop:
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (t *Task) take(ctx context.Context, i item) error {
	if i.batch != nil {
		t.begin(ctx, i.batch)
		return nil
	}
	for len(t.pending) > 0 && !i.between {
		<-t.head()
		if err := t.finish(ctx); err != nil {
			return err
		}
	}
	return i.do(ctx)
}

func (t *Task) begin(ctx context.Context, batch *record.Batch) {
	f := &flight{batch: batch, done: make(chan struct{})}
	t.pending = append(t.pending, f)
	go func() {
		defer close(f.done)
		f.outcome, f.err = t.config.Runner.Run(ctx, batch)
	}()
}

// head returns what is closed when the oldest batch is through; nil, which blocks, if there is none or the task is held.
func (t *Task) head() <-chan struct{} {
	if len(t.pending) == 0 || t.held {
		return nil
	}
	return t.pending[0].done
}

// finish writes the outcome of the oldest batch. REQUIRES: it is done.
func (t *Task) finish(ctx context.Context) error {
	f := t.pending[0]
	t.pending = t.pending[1:]
	if f.err != nil {
		return f.err
	}
	var err error
	if t.config.Flow == nil {
		err = t.config.Outputs.write(ctx, f.outcome)
	} else {
		err = t.write(ctx, t.config.Flow.Take(ctx, f.outcome))
		t.waits.Store(int64(t.config.Flow.Bytes()))
	}
	t.position = f.batch.Next()
	t.unwritten.Add(-1)
	return err
}
