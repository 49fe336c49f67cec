package engine

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pyudf/pyudf/engine/changelog"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/status"
)

// snapshots has copies of stores taken, one at a time, while their tasks go on.
type snapshots struct {
	to       Snapshots
	interval time.Duration
	// scratch is where copies lie until they are there.
	scratch string
	probe   func(point string)
	logger  *slog.Logger
	// one is held while a snapshot is copied.
	one    sync.Mutex
	cancel context.CancelFunc
	ctx    context.Context //nolint:containedctx // of copies that outlive the commit that began them
	copies sync.WaitGroup

	mu   sync.Mutex // guards what follows
	last map[string]time.Time
}

func newSnapshots(e *engine) *snapshots {
	ctx, cancel := context.WithCancel(context.Background())
	return &snapshots{
		to: e.config.Snapshots, interval: e.config.SnapshotInterval, scratch: e.config.Scratch, probe: e.probe, logger: e.config.Logger,
		ctx: ctx, cancel: cancel, last: map[string]time.Time{},
	}
}

// offer takes a snapshot of a store if one is due, and tells when it is there. The store is as it was committed last, and
// stays so until offer returns.
func (s *snapshots) offer(name string, store state.Store, taken func(status.Snapshot)) {
	from, ok := store.(state.Checkpointer)
	if !ok || !s.due(name) {
		return
	}
	at, err := changelog.At(store)
	if err != nil || at < 0 {
		return // nothing was logged yet
	}
	parent, err := os.MkdirTemp(s.scratch, "snapshot-")
	if err == nil {
		err = from.Checkpoint(filepath.Join(parent, "store"))
	}
	if err != nil {
		s.logger.Warn("no snapshot was taken", "store", name, "cause", err)
		return
	}
	s.copies.Go(func() {
		defer os.RemoveAll(parent) //nolint:errcheck // whoever has the directory next removes what is left
		s.one.Lock()
		defer s.one.Unlock()
		s.probe("snapshot")
		err := s.to.Take(s.ctx, name, at, filepath.Join(parent, "store"))
		switch {
		case err == nil:
			taken(status.Snapshot{Offset: at, Time: time.Now()})
		case s.ctx.Err() == nil:
			s.logger.Warn("a snapshot could not be written, trying again later", "store", name, "cause", err)
		}
	})
}

// due tells whether it is time for a snapshot, and counts from now if it is. The first is due an interval after the start.
func (s *snapshots) due(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	last, known := s.last[name]
	if known && now.Sub(last) < s.interval {
		return false
	}
	s.last[name] = now
	return known
}

// close gives up the copies that are under way.
func (s *snapshots) close() {
	s.cancel()
	s.copies.Wait()
}
