package engine

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

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
	// memory is for what is read from its start again in every run: files, and what comes of them.
	memory state.Root
	mu     sync.Mutex
	open   map[string]state.Store // guarded by mu
}

func newStores(root state.Root) *stores {
	return &stores{root: root, memory: memstate.New(), open: map[string]state.Store{}}
}

// openStores opens where tasks keep their state, and finishes a commit that a run before did not come to finish.
func (e *engine) openStores() (err error) {
	if !e.config.SingleNode || len(e.plan.Hops) == 0 {
		e.stores = newStores(e.config.State)
		return journal.Recover(e.config.State)
	}
	if e.journal, err = journal.Open(e.config.State); err == nil {
		e.stores = newStores(e.journal)
	}
	return err
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

// get returns the store of a task below a root, and opens it if it is not open.
func (s *stores) get(root state.Root, name string) (state.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if store := s.open[name]; store != nil {
		return store, nil
	}
	store, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	s.open[name] = store
	return store, nil
}

// look lets see what is in a store. One that cannot be opened, as another process has it, is passed over.
func (s *stores) look(root state.Root, name string, see func(state.Store) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if store := s.open[name]; store != nil {
		return see(store)
	}
	store, err := root.Open(name)
	if err != nil {
		return nil // whoever has it looks
	}
	return errors.Join(see(store), store.Close())
}

// close closes the store of a task, if it is open.
func (s *stores) close(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	store := s.open[name]
	delete(s.open, name)
	if store == nil {
		return nil
	}
	return store.Close()
}

func (s *stores) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, store := range s.open {
		_ = store.Close() // the run has ended with an error of its own, or closed them before
		delete(s.open, name)
	}
}

// storeName returns the name of a task's store: that of a directory.
func storeName(from *plan.Source, p record.Partition) string {
	kind := "topic-"
	if from.Hop != nil {
		kind = "stage-"
	} else if from.Proto.GetFile() != nil {
		kind = "file-"
	}
	return kind + strings.ReplaceAll(filepath.ToSlash(from.Name), "/", "_") + "-" + strconv.Itoa(int(p.Index))
}

// rootOf returns where a source's tasks keep their state.
func (e *engine) rootOf(from *plan.Source) state.Root {
	if e.fromFiles(from) {
		return e.stores.memory
	}
	return e.stores.root
}

// fromFiles tells whether records come from a file in the end.
func (e *engine) fromFiles(from *plan.Source) bool {
	if from.Hop != nil {
		return e.fromFiles(e.feeder(from.Hop))
	}
	return from.Proto.GetFile() != nil
}

// flow opens the stateful half of a task.
func (e *engine) flow(r *reader, p record.Partition) (*keyed.Flow, error) {
	store, err := e.stores.get(e.rootOf(r.plan), storeName(r.plan, p))
	if err != nil {
		return nil, err
	}
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
	for i := range partitions {
		name := storeName(from, record.Partition{Index: int32(i)}) //nolint:gosec // topics have fewer partitions
		has, err := e.rootOf(from).Has(name)
		if err != nil {
			return err
		}
		if !has {
			continue
		}
		err = e.stores.look(e.rootOf(from), name, func(store state.Store) error {
			return keyed.CheckSpread(store, from.Name, partitions)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// resume returns where the partitions of a source go on: where their state is.
func (e *engine) resume(from *plan.Source) source.Resume {
	if !from.Stateful() || e.fromFiles(from) {
		return func(_ record.Partition, committed int64) (int64, error) { return committed, nil }
	}
	return func(p record.Partition, committed int64) (int64, error) {
		store, err := e.stores.get(e.rootOf(from), storeName(from, p))
		if err != nil {
			return 0, err
		}
		position, err := keyed.Position(store)
		if err != nil || position >= 0 {
			return position, err
		}
		// State without a position has taken its rows within a process, and nothing from here.
		if saved, err := keyed.Saved(store); err != nil || saved {
			return committed, err
		}
		if committed > 0 && !e.config.ResetState {
			return 0, fmt.Errorf("%w: %s [%d] was read up to offset %d; name the --state-dir of the run before, or begin with empty windows there by --reset-state, or from the start with another --group",
				errNoState, p.Topic, p.Index, committed)
		}
		return committed, nil
	}
}

var errNoState = errors.New("the state that goes with the group's offsets is not here")
