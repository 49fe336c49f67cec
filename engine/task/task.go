package task

import (
	"context"

	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/step"
)

// Runner runs the steps of a plan on a batch. *step.Program is one.
type Runner interface {
	Run(ctx context.Context, batch *record.Batch) (*step.Outcome, error)
}

// Outputs are where outcomes go.
type Outputs struct {
	// Sinks are those of the plan, in its order, with their names.
	Sinks []sink.Sink
	Names []string
	// DeadLetters takes the records that steps could not handle.
	DeadLetters sink.Sink
	Metrics     *metrics.Set
}

// inFlight is how many batches of a partition are run at a time: while one is in a worker, the next is decoded and
// the one before is written.
const inFlight = 3

// Task is one partition at work. Start creates it; one goroutine calls its methods.
type Task struct {
	runner  Runner
	outputs *Outputs
	items   chan item
	stopped chan struct{}
	err     error // set before stopped is closed

	// What follows belongs to the task's own goroutine.
	pending  []*flight
	position int64
}

// item is a batch, or a request to finish everything before it.
type item struct {
	batch   *record.Batch
	drained chan<- int64
}

// flight is a batch on its way through the program.
type flight struct {
	batch   *record.Batch
	outcome *step.Outcome
	err     error
	done    chan struct{}
}

// Start starts a task whose next record has the offset position. When ctx ends it stops where it is.
func Start(ctx context.Context, position int64, runner Runner, outputs *Outputs) *Task {
	t := &Task{runner: runner, outputs: outputs, items: make(chan item, 1), stopped: make(chan struct{}), position: position}
	go func() {
		defer close(t.stopped)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		t.err = t.loop(ctx)
	}()
	return t
}

// Add gives the task its next batch. It waits while the task has enough, and returns the task's error if it failed.
func (t *Task) Add(batch *record.Batch) error { return t.put(item{batch: batch}) }

// Drain returns when every batch is written, with the offset of the next record. The task can go on afterwards.
func (t *Task) Drain() (int64, error) {
	drained := make(chan int64, 1)
	if err := t.put(item{drained: drained}); err != nil {
		return 0, err
	}
	select {
	case position := <-drained:
		return position, nil
	case <-t.stopped:
		return 0, t.err
	}
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

// Stop ends the task and waits for its goroutine. Batches that were not drained may be written or not.
func (t *Task) Stop() {
	close(t.items)
	<-t.stopped
}

func (t *Task) put(i item) error {
	if err := t.Err(); err != nil {
		return err // also if there is room for the item
	}
	select {
	case t.items <- i:
		return nil
	case <-t.stopped:
		return t.err
	}
}

func (t *Task) loop(ctx context.Context) error {
	for {
		items := t.items
		if len(t.pending) == inFlight {
			items = nil
		}
		select {
		case i, open := <-items:
			if !open {
				return nil
			}
			if err := t.take(ctx, i); err != nil {
				return err
			}
		case <-t.head():
			if err := t.finish(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (t *Task) take(ctx context.Context, i item) error {
	if i.batch != nil {
		t.begin(ctx, i.batch)
		return nil
	}
	for len(t.pending) > 0 {
		<-t.head()
		if err := t.finish(ctx); err != nil {
			return err
		}
	}
	i.drained <- t.position
	return nil
}

func (t *Task) begin(ctx context.Context, batch *record.Batch) {
	f := &flight{batch: batch, done: make(chan struct{})}
	t.pending = append(t.pending, f)
	go func() {
		defer close(f.done)
		f.outcome, f.err = t.runner.Run(ctx, batch)
	}()
}

// head returns what is closed when the oldest batch is through; nil, which blocks, if there is none.
func (t *Task) head() <-chan struct{} {
	if len(t.pending) == 0 {
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
	if err := t.outputs.write(ctx, f.batch, f.outcome); err != nil {
		return err
	}
	t.position = f.batch.Next()
	return nil
}
