package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pyudf/pyudf/engine/changelog"
	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/state"
)

// arrival is a partition on its way: its state is brought here in a goroutine of its own, so that it holds up no other.
type arrival struct {
	cancel context.CancelFunc
	done   chan struct{}
	// What follows is set when done is closed.
	restored
	err error
}

// restored is what a partition begins with.
type restored struct {
	// position is that of the state, or the committed one; -1: there is neither.
	position int64
	flow     *keyed.Flow
	name     string
	store    state.Store
	// whole tells that the changelog knows nothing of the store.
	whole bool
}

// restore finds out where a partition goes on, and makes its state what was committed.
func (e *engine) restore(ctx context.Context, r *reader, p record.Partition) (restored, error) {
	committed, err := r.source.Committed(ctx, p)
	if err != nil || !r.stateful {
		return restored{position: committed}, err
	}
	out := restored{name: storeName(r.plan, p)}
	fresh := e.config.ResetState && e.past.first(out.name)
	if out.store, err = e.stores.await(ctx, e.rootOf(r.plan), out.name); err != nil {
		return out, err
	}
	stateless := wasStateless(r.source, p)
	if stateless {
		err = e.clear(out.store)
	}
	if err == nil && e.logged(r.plan) {
		out.whole, err = e.brought(ctx, r.plan, p, &out, fresh || stateless)
	}
	if err != nil {
		return out, err
	}
	if out.flow, err = e.flow(r, p, out.store); err != nil {
		return out, err
	}
	if out.position = committed; !stateless {
		out.position, err = e.position(out.store, p, committed)
	}
	if err == nil && r.identity != "" {
		err = e.recall(r, out)
	}
	return out, err
}

// noteStateless is stored with the positions of a source whose tasks keep nothing. A version of the app that keeps something
// there begins with nothing at such a position, whatever an older one has left.
const noteStateless = "stateless"

// wasStateless tells that the tasks which stored the position of a partition kept nothing.
func wasStateless(from source.Source, p record.Partition) bool {
	noter, ok := from.(source.Noter)
	return ok && noter.Noted(p) == noteStateless
}

// clear removes everything from a store.
func (e *engine) clear(store state.Store) error {
	var all state.Changes
	all.DeleteRange(nil, nil)
	if e.journal == nil {
		return store.Apply(&all)
	}
	e.bringing.Lock()
	defer e.bringing.Unlock()
	return errors.Join(store.Apply(&all), e.journal.Commit())
}

// position returns where a partition goes on: state leads over what is committed, as the one who has it knows what it reflects.
func (e *engine) position(store state.Store, p record.Partition, committed int64) (int64, error) {
	position, err := keyed.Position(store)
	if err != nil || position >= 0 {
		if err == nil && committed >= 0 && position != committed {
			e.config.Logger.Info("going on where the state is, which is not what the group has committed", "topic", p.Topic, "partition", p.Index,
				"position", position, "committed", committed)
		}
		return position, err
	}
	// State without a position has taken its rows within a process, and nothing from here.
	if saved, err := keyed.Saved(store); err != nil || saved {
		return committed, err
	}
	if committed > 0 && !e.config.ResetState && !e.config.BeginAnew {
		return 0, fmt.Errorf("%w: %s [%d] was read up to offset %d; name the --state-dir or the --snapshots of the run before, "+
			"or begin with empty windows there by --reset-state, or from the start with another --group",
			errNoState, p.Topic, p.Index, committed)
	}
	return committed, nil
}

var errNoState = errors.New("the state that goes with the group's offsets is not here")

// imported is the key that marks a store which was imported by hand: its changelog knows nothing of what is in it.
const imported = "aimport"

// brought is bring, whatever the store is part of: where all stores change together, what is brought is there at once.
func (e *engine) brought(ctx context.Context, from *plan.Source, p record.Partition, to *restored, fresh bool) (whole bool, err error) {
	if e.journal == nil {
		return e.bring(ctx, from, p, to, fresh)
	}
	e.bringing.Lock()
	defer e.bringing.Unlock()
	if whole, err = e.bring(ctx, from, p, to, fresh); err == nil {
		err = e.journal.Commit()
	}
	return whole, err
}

// bring makes a store what its changelog says. whole tells that the store is to be written to the changelog as it is.
func (e *engine) bring(ctx context.Context, from *plan.Source, p record.Partition, to *restored, fresh bool) (whole bool, err error) {
	if _, marked, err := to.store.Get([]byte(imported)); err != nil || marked || fresh {
		return true, err
	}
	whole, err = e.catchUp(ctx, from, p, to)
	if errors.Is(err, changelog.ErrGap) {
		e.config.Logger.Info("records of a changelog were deleted while state was restored from it, so a newer snapshot is looked for",
			"store", to.name, "cause", err)
		whole, err = e.catchUp(ctx, from, p, to)
	}
	return whole, err
}

// catchUp has a store go on from what is on this machine if that is not too old, else from a snapshot, to the end of its
// changelog. whole is as bring has it.
func (e *engine) catchUp(ctx context.Context, from *plan.Source, p record.Partition, to *restored) (whole bool, err error) {
	log := record.Partition{Topic: e.config.Changelogs.Topic(from), Index: p.Index}
	low, end, err := e.config.Changelogs.Log.Bounds(ctx, log)
	if err != nil {
		return false, err
	}
	at, err := changelog.At(to.store)
	if err != nil {
		return false, err
	}
	if at < 0 && end == 0 { // state of a time before there was a changelog, or none
		return keyed.Saved(to.store)
	}
	if at < low {
		at, err = e.replace(ctx, from, to, log, low)
	}
	if err != nil {
		return false, err
	}
	began, told := time.Now(), e.restoring(from, p, max(at, low), end)
	result, err := changelog.Restore(ctx, e.config.Changelogs.Log, changelog.RestoreConfig{
		Partition: log, Store: to.store, From: at, Progress: told,
	})
	if err == nil && result.Records > 0 {
		e.config.Logger.Info("state was restored from its changelog", "store", to.name, "records", result.Records, "bytes", result.Bytes,
			"seconds", time.Since(began).Seconds())
	}
	return false, err
}

// replace has a store begin anew from its newest snapshot or, if there is none, from the start of its changelog, if that is
// still there. It returns up to where the store is complete.
func (e *engine) replace(ctx context.Context, from *plan.Source, to *restored, log record.Partition, low int64) (at int64, err error) {
	found, err := e.download(ctx, from, to, log, low)
	if err != nil {
		return -1, err
	}
	if found {
		return changelog.At(to.store)
	}
	if low > 0 {
		return -1, fmt.Errorf("%w: %s [%d] begins at offset %d, and what is on this machine is older; name the --snapshots of the run before, "+
			"or begin with empty windows by --reset-state", errNoState, log.Topic, log.Index, low)
	}
	var all state.Changes
	all.DeleteRange(nil, nil)
	return -1, to.store.Apply(&all)
}

// download replaces a store by its newest snapshot, if there is one that its changelog reaches back to.
func (e *engine) download(ctx context.Context, from *plan.Source, to *restored, log record.Partition, low int64) (found bool, err error) {
	root, ok := e.rootOf(from).(state.Installer)
	if !ok || e.config.Snapshots == nil {
		return false, nil
	}
	if err := e.stores.close(to.name); err != nil {
		return false, err
	}
	began := time.Now()
	err = root.Install(to.name, func(dir string) (err error) {
		found, err = e.config.Snapshots.Restore(ctx, to.name, low, dir, e.downloading(from, log.Index))
		if err == nil && !found {
			err = errNoSnapshot
		}
		return err
	})
	if err != nil && !errors.Is(err, errNoSnapshot) {
		return false, fmt.Errorf("bring the snapshot of %s here: %w", to.name, err)
	}
	if to.store, err = e.stores.await(ctx, e.rootOf(from), to.name); err == nil && found {
		e.config.Logger.Info("state was restored from a snapshot", "store", to.name, "bytes", to.store.Size(), "seconds", time.Since(began).Seconds())
	}
	return found, err
}

var errNoSnapshot = errors.New("there is no snapshot")

// flow opens the stateful half of a task.
func (e *engine) flow(r *reader, p record.Partition, store state.Store) (*keyed.Flow, error) {
	config := keyed.Config{
		Source: r.plan, Partition: p, Program: r.program, Store: store, Metrics: e.config.Metrics, FirstHop: len(e.plan.Sinks),
		Targets: make([]int, len(e.plan.Hops)),
	}
	for i, s := range e.plan.Sources {
		if s.Hop != nil {
			config.Targets[s.Hop.Index] = e.partitions[i]
		}
		if r.plan.Hop != nil && s.Feeds(r.plan.Hop) {
			config.Inputs = e.partitions[i]
		}
		if r.plan.Hop != nil && s == r.plan {
			config.Spread, config.InProcess = e.partitions[i], r.queue != nil
		}
	}
	flow, _, err := keyed.Open(config)
	return flow, err
}
