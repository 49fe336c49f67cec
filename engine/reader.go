package engine

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/step"
	"github.com/pyudf/pyudf/engine/task"
)

// reader reads one source in one goroutine: it hands batches to the tasks of their partitions, and commits.
//
// A commit closes an epoch: the tasks finish what they have, the sinks deliver it, then the positions are stored. No
// record is read meanwhile, so that every record before a stored position is delivered.
type reader struct {
	source  source.Source
	plan    *plan.Source
	program *step.Program
	outputs *task.Outputs
	// epochs says when to commit.
	epochs   epochs
	interval time.Duration
	// all is how many partitions the source has.
	all int
	// queue is the hop that the reader reads, if it is in the process; ahead are those that it fills.
	queue Queue
	ahead []Queue
	// now is the clock that ticks and idleness go by. Commits go by the real one.
	now     func() time.Time
	metrics *metrics.Set
	logger  *slog.Logger
	// flows opens the stateful half of a task; nil if the plan has none.
	flows func(p record.Partition) (*keyed.Flow, error)
	// closeState closes what a flow kept its state in.
	closeState func(p record.Partition) error
	// flush tells that windows which are open at the end of the input are closed.
	flush bool
	// live tells that the clock counts: partitions without records become idle.
	live bool

	tasks map[record.Partition]*owned
	// final are the positions that the last epoch ended with; they are stored when the sinks are closed.
	final []record.Position
	// assigned tells that the source gave partitions, or none, at least once.
	assigned  bool
	committed time.Time
	ticked    time.Time
	// abort ends the tasks.
	abort context.CancelFunc
}

// tick is how often tasks are told the time.
const tick = 100 * time.Millisecond

// run reads until ctx ends or every partition of a bounded source did; then it delivers everything, for the engine to
// store the final positions.
func (r *reader) run(ctx context.Context) error {
	// Work that is under way is finished after ctx ended, so tasks have a context of their own.
	working, abort := context.WithCancel(context.WithoutCancel(ctx))
	r.abort = abort
	r.tasks = map[record.Partition]*owned{}
	r.committed = time.Now()
	err := r.loop(ctx, working)
	stopped := errors.Is(err, context.Canceled) && ctx.Err() != nil
	if err == nil && r.flush && r.flows != nil {
		err = r.finish()
	}
	if err == nil || stopped {
		r.final, err = r.deliver(working, r.partitions())
	}
	if err == nil && r.flows != nil {
		err = r.flushSinks(working) // what the clock made them write, too
	}
	return err
}

// finish closes all windows of a bounded source.
func (r *reader) finish() error {
	for _, p := range r.partitions() {
		o := r.tasks[p]
		if err := o.task.Finish(); err != nil {
			return err
		}
		o.dirty = true
	}
	return nil
}

// stop ends the tasks, after the final commit.
func (r *reader) stop() error {
	if r.abort == nil {
		return nil // never ran
	}
	r.abort()
	var errs []error
	for p, o := range r.tasks {
		o.task.Stop()
		errs = append(errs, r.closeState(p))
	}
	r.tasks = nil
	return errors.Join(errs...)
}

func (r *reader) loop(ctx, working context.Context) error {
	for !r.finished() {
		if err := r.room(ctx); err != nil {
			return err
		}
		event, err := r.source.Poll(ctx)
		if err != nil {
			return err
		}
		if err := r.handle(working, event); err != nil {
			return err
		}
		r.tick()
		if err := r.epochs.pass(working, r); err != nil {
			return err
		}
	}
	return nil
}

// room waits while too much is ahead.
func (r *reader) room(ctx context.Context) error {
	for _, queue := range r.ahead {
		if err := queue.Room(ctx); err != nil {
			return err
		}
	}
	return nil
}

// tick tells the tasks the time, and those whose partitions are idle that they are.
func (r *reader) tick() {
	now := r.now()
	if r.flows == nil || now.Sub(r.ticked) < tick {
		return
	}
	r.ticked = now
	patience := time.Duration(r.plan.Time.GetIdleMs()) * time.Millisecond //nolint:gosec // ms of no human time overflow
	for _, o := range r.tasks {
		o.task.Tick(now.UnixMilli())
		since := o.quiet.Add(patience)
		if !r.live || patience == 0 || o.quiet.IsZero() || now.Before(since) {
			continue
		}
		passed, upTo := int64(0), since // the first call says that it is idle, the next how long it has been
		if !o.idle.IsZero() {
			passed, upTo = max(0, now.Sub(o.idle).Milliseconds()), now
		}
		if o.task.Idle(passed) {
			o.idle, o.dirty = upTo, true
		}
	}
}

// uncommitted is a commit that the source did not take. The records are delivered; the next commit covers them too.
type uncommitted struct{ err error }

func (u *uncommitted) Error() string {
	return "offsets were not committed, so the next run delivers some records again: " + u.err.Error()
}

func (u *uncommitted) Unwrap() error { return u.err }

// tryCommit commits, but goes on if the source could not store the positions just now.
func (r *reader) tryCommit(working context.Context, partitions []record.Partition) error {
	err := r.commit(working, partitions)
	if refused := new(uncommitted); errors.As(err, &refused) {
		r.refused(refused)
		return nil
	}
	return err
}

func (r *reader) refused(err error) {
	r.logger.Warn("offsets could not be committed, trying again later", "cause", errors.Unwrap(err))
}

// finished tells whether a bounded source gave everything.
func (r *reader) finished() bool {
	for _, o := range r.tasks {
		if !o.ended {
			return false
		}
	}
	return r.assigned && len(r.tasks) > 0
}

func (r *reader) handle(working context.Context, event source.Event) error {
	switch {
	case event.Records != nil:
		if r.plan.Hop == nil {
			r.metrics.RecordsIn.WithLabelValues(r.plan.Name).Add(float64(event.Records.Len()))
		}
		o := r.tasks[event.Records.Partition]
		o.quiet, o.idle, o.records = time.Time{}, time.Time{}, true
		return o.task.Add(event.Records)
	case event.Assigned != nil:
		return r.assign(working, event.Assigned)
	case event.Revoked != nil:
		return r.revoke(working, event.Revoked)
	case event.Lost != nil:
		return r.lose(event.Lost)
	case event.CaughtUp != nil:
		for _, p := range event.CaughtUp {
			if o := r.tasks[p]; o != nil && o.quiet.IsZero() {
				o.quiet = r.now()
			}
		}
	case event.Ended != nil:
		for _, p := range event.Ended {
			r.end(r.tasks[p])
		}
	case event.Idle:
		return r.failure()
	}
	return nil
}

// failure returns the error of a task that failed.
func (r *reader) failure() error {
	for _, o := range r.tasks {
		if err := o.task.Err(); err != nil {
			return err
		}
	}
	return nil
}

// end notes that a partition of a bounded run gave its last record. One that never had any holds back nothing.
func (r *reader) end(o *owned) {
	o.ended = true
	if r.flows != nil && r.plan.Hop == nil && !o.records && o.stored == 0 {
		o.task.Idle(0)
	}
}

// commit closes an epoch of some partitions.
func (r *reader) commit(working context.Context, partitions []record.Partition) error {
	began := time.Now()
	moved, err := r.deliver(working, partitions)
	if err == nil && len(moved) > 0 {
		err = r.store(working, moved)
		r.metrics.CommitSeconds.Observe(time.Since(began).Seconds())
	}
	r.committed = time.Now()
	return err
}

// deliver drains the tasks of partitions and has the sinks deliver everything. It returns the positions that moved
// since they were stored.
func (r *reader) deliver(working context.Context, partitions []record.Partition) ([]record.Position, error) {
	moved, err := r.drain(partitions)
	if err != nil || len(moved) == 0 {
		return nil, err
	}
	return moved, r.flushSinks(working)
}

// drain has tasks write everything, and returns the positions that moved since they were stored.
func (r *reader) drain(partitions []record.Partition) ([]record.Position, error) {
	var moved []record.Position
	for _, p := range partitions {
		o := r.tasks[p]
		if o == nil {
			continue
		}
		position, err := o.task.Drain()
		if err != nil {
			return nil, err
		}
		if position != o.stored || o.dirty {
			moved = append(moved, record.Position{Partition: p, Offset: position})
		}
	}
	return moved, nil
}

// store saves the state of tasks whose records are delivered, then commits their positions. The state leads: whoever has
// it goes on at the position that it reflects.
func (r *reader) store(ctx context.Context, positions []record.Position) error {
	if err := r.save(positions); err != nil {
		return err
	}
	return r.acknowledge(ctx, positions)
}

// save saves the state of tasks whose records are delivered.
func (r *reader) save(positions []record.Position) error {
	for _, position := range positions {
		if o := r.tasks[position.Partition]; o != nil {
			if err := o.task.Save(); err != nil {
				return err
			}
		}
	}
	return nil
}

// acknowledge commits positions whose state is saved.
func (r *reader) acknowledge(ctx context.Context, positions []record.Position) error {
	if len(positions) == 0 {
		return nil
	}
	if err := r.source.Commit(ctx, positions); err != nil {
		return &uncommitted{err}
	}
	for _, position := range positions {
		if o := r.tasks[position.Partition]; o != nil {
			o.stored, o.dirty = position.Offset, false
		}
	}
	r.metrics.Commits.Inc()
	return nil
}

func (r *reader) flushSinks(ctx context.Context) error {
	for _, s := range r.outputs.Sinks {
		if err := s.Flush(ctx); err != nil {
			return err
		}
	}
	return r.outputs.DeadLetters.Flush(ctx)
}
