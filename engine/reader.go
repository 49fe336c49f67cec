package engine

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/status"
	"github.com/pyudf/pyudf/engine/step"
	"github.com/pyudf/pyudf/engine/task"
)

// reader reads one source in one goroutine: it hands batches to the tasks of their partitions, and commits.
//
// A commit closes an epoch: the tasks finish what they have, then all of it is delivered with the positions. No record is
// read meanwhile, so that every record before a stored position is delivered.
type reader struct {
	source  source.Source
	plan    *plan.Source
	program *step.Program
	outputs *task.Outputs
	// outlet is what the outputs, and the changelog, are delivered with. changelog is nil if there is none.
	outlet    Outlet
	changelog sink.Log
	snapshots *snapshots
	// epochs says when to commit; close commits.
	epochs   epochs
	close    func(ctx context.Context, outlet Outlet, epoch []reached) error
	interval time.Duration
	// all is how many partitions the source has.
	all int
	// queue is the hop that the reader reads, if it is in the process; ahead are those that it fills. into is the other end
	// of the hop, wherever it leads through.
	queue Queue
	ahead []Queue
	into  sink.Sink
	// now is the clock that ticks and idleness go by. Commits go by the real one.
	now     func() time.Time
	metrics *metrics.Set
	logger  *slog.Logger
	// restore finds out where a partition goes on, and brings its state here if the plan has any.
	restore func(ctx context.Context, p record.Partition) (restored, error)
	// closeState closes what a task kept its state in.
	closeState func(p record.Partition) error
	// stateful tells that tasks keep something from batch to batch.
	stateful bool
	// probe is told the points of a commit; tell and forget what people see of a task.
	probe  func(point string)
	tell   func(from *plan.Source, index int32, change func(*status.Task))
	forget func(from *plan.Source, index int32)
	// flush tells that windows which are open at the end of the input are closed.
	flush bool
	// lockstep tells that every epoch has everything that was read.
	lockstep bool
	// identity is what tells the file that is read from others, if runs go on with it; empty: they do not. runID is the run's id.
	// anew tells that a run behind one that came to its end begins anew.
	identity, runID string
	anew            bool
	// through tells that everything was read and finished, and that the next run begins anew.
	through bool
	// live tells that the clock counts: partitions without records become idle.
	live bool
	// begun is called when the partitions that the source gave first are at work.
	begun func()

	tasks map[record.Partition]*owned
	// arriving are partitions whose state is not here yet.
	arriving map[record.Partition]*arrival
	// final are the positions that the last epoch ended with, if they are stored when the sinks are closed.
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

// run reads until ctx ends or every partition of a bounded source did; then everything is finished and committed, or left
// for the engine to commit when the sinks are closed.
func (r *reader) run(ctx context.Context) error {
	// Work that is under way is finished after ctx ended, so tasks have a context of their own.
	working, abort := context.WithCancel(context.WithoutCancel(ctx))
	r.abort = abort
	r.tasks, r.arriving = map[record.Partition]*owned{}, map[record.Partition]*arrival{}
	r.committed = time.Now()
	err := r.loop(ctx, working)
	ended := err == nil
	if !ended && (!errors.Is(err, context.Canceled) || ctx.Err() == nil) {
		return err
	}
	if err := r.workOff(working); err != nil {
		return err
	}
	if ended && r.flush && r.stateful {
		if err := r.finish(); err != nil {
			return err
		}
	}
	r.through = ended && r.anew
	return r.epochs.end(working, r)
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
	for p, a := range r.arriving {
		<-a.done
		errs = append(errs, r.closeState(p))
	}
	for p, o := range r.tasks {
		o.task.Stop()
		errs = append(errs, r.closeState(p))
	}
	r.tasks, r.arriving = nil, nil
	return errors.Join(errs...)
}

// loop does one thing after the other. Partitions begin last: what their tasks were told is done by the time of the next commit.
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
		if err := r.begin(working); err != nil {
			return err
		}
		if r.assigned && len(r.arriving) == 0 {
			r.begun()
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
	if !r.stateful || now.Sub(r.ticked) < tick {
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

// tryCommit closes an epoch, but goes on if the source could not store the positions just now.
func (r *reader) tryCommit(working context.Context) error {
	return errors.Join(r.hold(working), r.goOn())
}

// finished tells whether a bounded source gave everything.
func (r *reader) finished() bool {
	for _, o := range r.tasks {
		if !o.ended {
			return false
		}
	}
	return r.assigned && len(r.tasks) > 0 && len(r.arriving) == 0
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
	if r.stateful && r.plan.Hop == nil && !o.records && o.stored == 0 {
		o.task.Idle(0)
	}
}

// hold closes an epoch with what is written, and lets nothing more be written until goOn. Batches that are in workers go on
// meanwhile, and are part of the next epoch.
func (r *reader) hold(working context.Context) error {
	moved, err := r.pause()
	if err == nil {
		err = r.commitAt(working, moved)
	}
	r.committed = time.Now()
	if refused := new(uncommitted); errors.As(err, &refused) {
		r.logger.Warn("offsets could not be committed, trying again later", "cause", errors.Unwrap(refused))
		return nil
	}
	return err
}

// pause lets nothing more be written until goOn, and returns the positions that moved since they were stored.
func (r *reader) pause() ([]record.Position, error) {
	if r.lockstep {
		return r.drain()
	}
	return r.reach((*task.Task).Hold)
}

// workOff returns when the batches that were read are written. It commits meanwhile, as they may take long.
func (r *reader) workOff(working context.Context) error {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for r.busy() {
		select {
		case <-look.C:
		case <-working.Done():
			return working.Err()
		}
		if err := r.failure(); err != nil {
			return err
		}
		if err := r.epochs.pass(working, r); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) busy() bool {
	for _, o := range r.tasks {
		if o.task.Busy() {
			return true
		}
	}
	return false
}

// goOn ends a hold.
func (r *reader) goOn() error {
	var errs []error
	for _, o := range r.tasks {
		errs = append(errs, o.task.Release())
	}
	return errors.Join(errs...)
}

// finishEpoch closes an epoch with everything that was read.
func (r *reader) finishEpoch(working context.Context) error {
	moved, err := r.drain()
	if err != nil {
		return err
	}
	return r.commitAt(working, moved)
}

func (r *reader) commitAt(working context.Context, moved []record.Position) error {
	if len(moved) == 0 && r.outputs.Written.Load() == 0 {
		return nil
	}
	return r.close(working, r.outlet, []reached{{reader: r, positions: moved, last: r.through}})
}

// drain has tasks write everything, and returns the positions that moved since they were stored.
func (r *reader) drain() ([]record.Position, error) { return r.reach((*task.Task).Drain) }

func (r *reader) reach(how func(*task.Task) (task.Reached, error)) ([]record.Position, error) {
	var moved []record.Position
	for _, p := range r.partitions() {
		o := r.tasks[p]
		reached, err := how(o.task)
		if err != nil {
			return nil, err
		}
		if reached.Position != o.stored || o.dirty || reached.Wrote {
			o.dirty = true // until it is stored
			moved = append(moved, record.Position{Partition: p, Offset: reached.Position})
		}
	}
	return moved, nil
}

// full tells whether the open epoch has so much that it is closed before its time.
func (r *reader) full() bool {
	size := r.outputs.Written.Load()
	for _, o := range r.tasks {
		size += o.task.Waits()
	}
	return size > maxEpochBytes
}

// maxEpochBytes bounds what an epoch holds: what it takes in memory, and what is done again after a crash.
const maxEpochBytes = 64 << 20
