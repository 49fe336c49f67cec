package engine

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/pyudf/pyudf/engine/changelog"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state"
)

// seal notes in the stores that they have all of their changelogs, behind the mark of the last transaction too: the next run
// need not look for more. REQUIRES: everything is committed.
func (e *engine) seal(ctx context.Context) error {
	if e.journal != nil || e.config.Changelogs == nil || !e.config.Changelogs.Marks {
		return nil
	}
	var group errgroup.Group
	for _, r := range e.readers {
		if r.changelog == nil {
			continue
		}
		for _, o := range r.tasks {
			group.Go(func() error { return e.sealStore(ctx, r, o) })
		}
	}
	return group.Wait()
}

// sealStore leaves a store as it is if there is more than that mark: somebody else may have written it, or it is not there yet.
func (e *engine) sealStore(ctx context.Context, r *reader, o *owned) error {
	at, err := changelog.At(o.store)
	if err != nil || at < 0 || o.whole {
		return err
	}
	_, end, err := e.config.Changelogs.Log.Bounds(ctx, record.Partition{Topic: e.config.Changelogs.Topic(r.plan), Index: o.partition.Index})
	if err != nil || end != at+1 {
		return nil //nolint:nilerr // the next run finds out
	}
	var sealed state.Changes
	changelog.Mark(&sealed, end)
	return o.store.Apply(&sealed)
}
