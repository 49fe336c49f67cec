package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/journal"
	"github.com/pyudf/pyudf/engine/state/memstate"
)

// stores are the open stores of the tasks. A source asks for one before the task is there, to know where to go on.
type stores struct {
	root state.Root
	// memory is for files that every run reads from their start, and what comes of them.
	memory state.Root
	logger *slog.Logger
	mu     sync.Mutex // guards named; it is held while none of them is
	named  map[string]*stored
}

// stored is a store of a name. It has a lock of its own, as a store takes long to open while others are at work.
type stored struct {
	mu    sync.Mutex  // guards store, and is held while it is opened, closed and looked into
	store state.Store // nil: it is not open
}

func newStores(root state.Root, logger *slog.Logger) *stores {
	return &stores{root: root, memory: memstate.New(), logger: logger, named: map[string]*stored{}}
}

// openStores opens where tasks keep their state, and finishes a commit that a run before did not come to finish.
func (e *engine) openStores() (err error) {
	if !e.together() {
		e.stores = newStores(e.config.State, e.config.Logger)
		err = journal.Recover(e.config.State)
	} else if e.journal, err = journal.Open(e.config.State); err == nil {
		e.stores = newStores(e.journal, e.config.Logger)
	}
	if err != nil {
		return err
	}
	return e.checkOrphans()
}

// closeStores closes what is open still.
func (e *engine) closeStores() {
	if e.stores != nil {
		e.stores.closeAll()
	}
	if e.journal != nil {
		if err := e.journal.Close(); err != nil {
			e.config.Logger.Warn("the journal of the state did not close cleanly", "error", err)
		}
	}
}

// of returns what there is of a name.
func (s *stores) of(name string) *stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named[name] == nil {
		s.named[name] = &stored{}
	}
	return s.named[name]
}

// get returns the store of a task below a root, and opens it if it is not open. Several stores can be opened at the same time.
func (s *stores) get(root state.Root, name string) (store state.Store, err error) {
	n := s.of(name)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.store == nil {
		if store, err = root.Open(name); err != nil {
			return nil, err
		}
		n.store = store
	}
	return n.store, nil
}

// await is get, which waits while another process has the store.
func (s *stores) await(ctx context.Context, root state.Root, name string) (state.Store, error) {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for said := false; ; {
		store, err := s.get(root, name)
		if !errors.Is(err, state.ErrHeld) {
			return store, err
		}
		if !said {
			s.logger.Warn("waiting for the state that goes with a partition", "cause", err)
			said = true
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, err
		}
	}
}

// look lets see what is in a store. One that cannot be opened, as another process has it, is passed over.
func (s *stores) look(root state.Root, name string, see func(state.Store) error) error {
	n := s.of(name)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.store != nil {
		return see(n.store)
	}
	store, err := root.Open(name)
	if err != nil {
		return nil // whoever has it looks
	}
	return errors.Join(see(store), store.Close())
}

// names returns the names of all stores that were ever asked for.
func (s *stores) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.named))
}

// copyTo puts a copy of each open store below a directory, under its name.
func (s *stores) copyTo(ctx context.Context, dir string) error {
	for _, name := range s.names() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := s.of(name).copyTo(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("copy the state %s: %w", name, err)
		}
	}
	return nil
}

func (n *stored) copyTo(dir string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if from, ok := n.store.(state.Checkpointer); ok {
		return from.Checkpoint(dir)
	}
	return nil
}

// close closes the store of a task, if it is open.
func (s *stores) close(name string) error {
	n := s.of(name)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.store == nil {
		return nil
	}
	store := n.store
	n.store = nil
	return store.Close()
}

func (s *stores) closeAll() {
	for _, name := range s.names() {
		_ = s.close(name) // the run has ended with an error of its own, or closed them before
	}
}

// storeName returns the name of a task's store: that of a directory.
func storeName(from *plan.Source, p record.Partition) string {
	return storePrefix(from) + strconv.Itoa(int(p.Index))
}

func storePrefix(from *plan.Source) string {
	kind := "topic-"
	if from.Hop != nil {
		kind = "stage-"
	} else if from.Proto.GetFile() != nil {
		kind = "file-"
	}
	return kind + from.Slug() + "-"
}

// rootOf returns where a source's tasks keep their state.
func (e *engine) rootOf(from *plan.Source) state.Root {
	if !e.lasts(from) {
		return e.stores.memory
	}
	return e.stores.root
}

// spread returns over how many partitions the keys of a stage's state are spread, 0 if it has none. Only a single node
// looks, as the state of the first partition may belong to another process.
func (e *engine) spread(from *plan.Source) (int, error) {
	if e.journal == nil {
		return 0, nil
	}
	store, err := e.stores.get(e.rootOf(from), storeName(from, record.Partition{}))
	if err != nil {
		return 0, err
	}
	return keyed.Spread(store)
}

// checkSpread refuses a hop with another number of partitions than the state behind it has, before anything is sent there.
// State that another process holds is for that to check.
func (e *engine) checkSpread(from *plan.Source, partitions int) error {
	var group errgroup.Group
	for i := range partitions {
		name := storeName(from, record.Partition{Index: int32(i)}) //nolint:gosec // topics have fewer partitions
		group.Go(func() error {
			if has, err := e.rootOf(from).Has(name); err != nil || !has {
				return err
			}
			return e.stores.look(e.rootOf(from), name, func(store state.Store) error {
				return keyed.CheckSpread(store, from.Name, partitions)
			})
		})
	}
	return group.Wait()
}

// resume returns where the partitions of a stage go on, as far as is known on this machine: where its state is, or where it
// was committed if that is further.
func (e *engine) resume(from *plan.Source) source.Resume {
	return func(p record.Partition, committed int64) (int64, error) {
		if !e.lasts(from) {
			return committed, nil
		}
		position := int64(-1)
		err := e.stores.look(e.rootOf(from), storeName(from, p), func(store state.Store) (err error) {
			position, err = keyed.Position(store)
			return err
		})
		return max(position, committed), err
	}
}
