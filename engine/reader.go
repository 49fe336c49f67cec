package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pyudf/pyudf/engine/metrics"
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
	source   source.Source
	name     string
	program  *step.Program
	outputs  *task.Outputs
	interval time.Duration
	metrics  *metrics.Set
	logger   *slog.Logger

	tasks map[record.Partition]*owned
	// final are the positions that the last epoch ended with; they are stored when the sinks are closed.
	final []record.Position
	// assigned tells that the source gave partitions, or none, at least once.
	assigned  bool
	committed time.Time
}

// owned is a partition of this process.
type owned struct {
	task *task.Task
	// stored is the position of the last commit.
	stored int64
	ended  bool
}

// run reads until ctx ends or every partition of a bounded source did; then it delivers everything, for the engine to
// store the final positions.
func (r *reader) run(ctx context.Context) error {
	// Work that is under way is finished after ctx ended, so tasks have a context of their own.
	working, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	r.tasks = map[record.Partition]*owned{}
	r.committed = time.Now()
	err := r.loop(ctx, working)
	if err == nil || errors.Is(err, context.Canceled) && ctx.Err() != nil {
		r.final, err = r.deliver(working, r.partitions())
	}
	abort()
	for _, o := range r.tasks {
		o.task.Stop()
	}
	return err
}

func (r *reader) loop(ctx, working context.Context) error {
	for !r.finished() {
		event, err := r.source.Poll(ctx)
		if err != nil {
			return err
		}
		if err := r.handle(working, event); err != nil {
			return err
		}
		if time.Since(r.committed) >= r.interval {
			if err := r.tryCommit(working, r.partitions()); err != nil {
				return err
			}
		}
	}
	return nil
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
		r.logger.Warn("offsets could not be committed, trying again later", "cause", refused.err)
		return nil
	}
	return err
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
		r.metrics.RecordsIn.WithLabelValues(r.name).Add(float64(event.Records.Len()))
		return r.tasks[event.Records.Partition].task.Add(event.Records)
	case event.Assigned != nil:
		r.assign(working, event.Assigned)
	case event.Revoked != nil:
		return r.revoke(working, event.Revoked)
	case event.Lost != nil:
		r.logger.Warn("partitions were lost to another process, what is under way is dropped", "partitions", len(event.Lost))
		return r.release(event.Lost)
	case event.Ended != nil:
		for _, p := range event.Ended {
			r.tasks[p].ended = true
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

func (r *reader) assign(working context.Context, positions []record.Position) {
	r.assigned = true
	for _, p := range positions {
		r.tasks[p.Partition] = &owned{task: task.Start(working, p.Offset, r.program, r.outputs), stored: p.Offset}
	}
	if len(positions) > 0 {
		r.logger.Debug("partitions assigned", "new", len(positions), "owned", len(r.tasks))
	}
}

// revoke finishes and commits partitions, then gives them up.
func (r *reader) revoke(working context.Context, partitions []record.Partition) error {
	if err := r.tryCommit(working, partitions); err != nil {
		return err
	}
	return r.release(partitions)
}

func (r *reader) release(partitions []record.Partition) error {
	for _, p := range partitions {
		if o := r.tasks[p]; o != nil {
			o.task.Stop()
			delete(r.tasks, p)
		}
	}
	if err := r.source.Release(partitions); err != nil {
		return fmt.Errorf("give up partitions of %s: %w", r.name, err)
	}
	return nil
}

func (r *reader) partitions() []record.Partition {
	var all []record.Partition
	for p := range r.tasks {
		all = append(all, p)
	}
	return all
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
		if position != o.stored {
			moved = append(moved, record.Position{Partition: p, Offset: position})
		}
	}
	if len(moved) == 0 {
		return nil, nil
	}
	return moved, r.flush(working)
}

// store commits positions whose records are delivered.
func (r *reader) store(ctx context.Context, positions []record.Position) error {
	if len(positions) == 0 {
		return nil
	}
	if err := r.source.Commit(ctx, positions); err != nil {
		return &uncommitted{err}
	}
	for _, position := range positions {
		if o := r.tasks[position.Partition]; o != nil {
			o.stored = position.Offset
		}
	}
	r.metrics.Commits.Inc()
	return nil
}

// insist stores positions and, if they are refused, tries again for a while.
func (r *reader) insist(ctx context.Context, positions []record.Position) error {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	enough := time.NewTimer(stopTimeout)
	defer enough.Stop()
	for {
		err := r.store(ctx, positions)
		if err == nil {
			return nil
		}
		r.logger.Debug("offsets could not be committed, trying again", "cause", err)
		select {
		case <-again.C:
		case <-enough.C:
			return err
		}
	}
}

func (r *reader) flush(ctx context.Context) error {
	for _, s := range r.outputs.Sinks {
		if err := s.Flush(ctx); err != nil {
			return err
		}
	}
	return r.outputs.DeadLetters.Flush(ctx)
}
