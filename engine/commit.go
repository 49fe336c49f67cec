package engine

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pyudf/pyudf/engine/changelog"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/status"
)

// reached is how far a reader came since its last commit. Its tasks are drained.
type reached struct {
	reader    *reader
	positions []record.Position
	// last tells that the run came to its end, and that the next one begins anew.
	last bool
}

// commit closes an epoch: what changed of the state goes to the changelogs, everything that was written becomes visible
// together with the positions, and only then the state is stored. A crash in between loses nothing: the changelog has what a
// store lacks.
func (e *engine) commit(ctx context.Context, outlet Outlet, epoch []reached) error {
	began := time.Now()
	e.probe("begin")
	for _, part := range epoch {
		if err := part.reader.log(part); err != nil {
			return err
		}
	}
	e.probe("produce")
	reads := readsOf(epoch)
	if err := outlet.Deliver(ctx, reads); err != nil {
		return err
	}
	e.probe("committed")
	for _, part := range epoch {
		if err := part.reader.apply(part.positions); err != nil {
			return err
		}
	}
	if e.journal != nil {
		if err := e.journal.Commit(); err != nil {
			return fmt.Errorf("save the state of all stages: %w", err)
		}
	}
	e.probe("applied")
	if err := outlet.Acknowledge(ctx, reads); err != nil {
		return &uncommitted{err}
	}
	took := time.Since(began)
	for _, part := range epoch {
		e.config.Metrics.EpochBytes.Observe(float64(part.reader.outputs.Written.Load()))
		part.reader.settle(part.positions, status.LastCommit{Time: time.Now(), Duration: took.Milliseconds()})
	}
	e.config.Metrics.Commits.Inc()
	e.config.Metrics.CommitSeconds.Observe(took.Seconds())
	return nil
}

func readsOf(epoch []reached) []sink.Read {
	var reads []sink.Read
	for _, part := range epoch {
		if len(part.positions) > 0 {
			reads = append(reads, sink.Read{Source: part.reader.source, Positions: part.positions})
		}
	}
	return reads
}

// log writes what changed of the state since the last epoch to the changelog.
func (r *reader) log(epoch reached) error {
	return r.each(epoch.positions, func(o *owned) error {
		return o.task.Changes(func(ctx context.Context, changes *state.Changes) error {
			o.changes = changes
			r.sign(changes, epoch)
			if r.changelog == nil {
				return nil
			}
			logged := changes
			if o.whole {
				all, err := wholeOf(o.store, changes)
				if err != nil {
					return err
				}
				logged = all
			}
			messages := o.writer.Epoch(logged, o.partition.Index, time.Now().UnixMilli())
			o.logged = int64(len(messages.Values.Data))
			r.outputs.Written.Add(o.logged)
			rejected, err := r.changelog.Write(ctx, messages)
			if err == nil && len(rejected) > 0 {
				err = fmt.Errorf("the changelog of %s [%d] does not take a record: %w", o.partition.Topic, o.partition.Index, rejected[0].Err)
			}
			return err
		})
	})
}

// wholeOf returns everything that is in a store, and changes behind it, for a changelog that knows nothing of the store.
func wholeOf(store state.Store, changes *state.Changes) (*state.Changes, error) {
	all := &state.Changes{}
	all.DeleteRange(nil, nil)
	err := store.Scan(nil, func(key, value []byte) error {
		if !changelog.Own(key) && string(key) != imported {
			all.Set(key, value)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for change := range changes.All() {
		switch change.Kind {
		case state.Set:
			all.Set(change.Key, change.Value)
		case state.Delete:
			all.Delete(change.Key)
		case state.DeleteRange:
			all.DeleteRange(change.Key, change.Value)
		}
	}
	return all, nil
}

// apply stores the state of an epoch whose changelog is delivered.
func (r *reader) apply(positions []record.Position) error {
	return r.each(positions, func(o *owned) error {
		if o.changes == nil {
			return nil
		}
		if r.changelog != nil {
			if next := r.changelog.Next(o.partition.Index); next >= 0 {
				changelog.Mark(o.changes, next)
			}
			if o.whole {
				o.changes.Delete([]byte(imported))
				o.whole = false
			}
		}
		o.changes = nil
		r.probe("apply")
		return o.task.Apply()
	})
}

// each does something for the tasks of partitions, side by side.
func (r *reader) each(positions []record.Position, do func(*owned) error) error {
	if !r.stateful {
		return nil
	}
	var group errgroup.Group
	for _, position := range positions {
		if o := r.tasks[position.Partition]; o != nil {
			group.Go(func() error { return do(o) })
		}
	}
	return group.Wait()
}

// settle notes what is committed, and has snapshots taken that are due.
func (r *reader) settle(positions []record.Position, commit status.LastCommit) {
	r.outputs.Written.Store(0)
	for _, position := range positions {
		o := r.tasks[position.Partition]
		if o == nil {
			continue
		}
		o.stored, o.dirty = position.Offset, false
		if o.store != nil && r.snapshots != nil {
			r.snapshots.offer(o.name, o.store, func(s status.Snapshot) {
				r.tell(r.plan, o.partition.Index, func(t *status.Task) { t.Snapshot = s })
			})
		}
		r.show(o, commit)
	}
}
