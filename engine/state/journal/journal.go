package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pyudf/pyudf/engine/state"
)

var errDamaged = errors.New("the journal of the state is damaged")

// name is the store that the journal is kept in. Those of tasks end with a number.
const name = "journal"

// Journal is a root whose stores change together. Any goroutine may open and close stores; Commit is called while nobody
// uses one. While it is open, no other process can open it.
type Journal struct {
	root  state.Root
	store state.Store

	mu sync.Mutex // guards what follows
	// open are the stores of the root that are open.
	open map[string]state.Store
	// waiting are the changes since the last commit, in their order.
	waiting []entry
	broken  error
}

// entry are changes of a store, as they are written.
type entry struct {
	store   string
	changes []byte
}

var _ state.Root = (*Journal)(nil)

// Open opens the journal of a root, and makes the changes that a crash left in it.
// REQUIRES: no store of the root is open in this process.
func Open(root state.Root) (*Journal, error) {
	store, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	if err := replay(root, store); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &Journal{root: root, store: store, open: map[string]state.Store{}}, nil
}

// lockPatience is how long Recover waits for another process that recovers just now.
const lockPatience = 3 * time.Second

// Recover makes the changes that a crash left in a root's journal, if there is one, for a run that has none.
// REQUIRES: no store of the root is open in this process.
func Recover(root state.Root) error {
	if there, err := root.Has(name); err != nil || !there {
		return err
	}
	store, err := patiently(root)
	if err != nil {
		return err
	}
	return errors.Join(replay(root, store), store.Close())
}

// patiently opens the journal, and waits for another process that has it, but not for ever: it may be one that runs.
func patiently(root state.Root) (state.Store, error) {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(lockPatience); ; <-again.C {
		store, err := root.Open(name)
		if err == nil || time.Now().After(deadline) {
			return store, err
		}
	}
}

// replay makes the changes that are in a journal, and forgets them.
func replay(root state.Root, journal state.Store) error {
	stores := map[string]state.Store{}
	err := journal.Scan(nil, func(key, value []byte) error {
		target, err := storeOf(key)
		if err == nil && stores[target] == nil {
			stores[target], err = root.Open(target)
		}
		if err != nil {
			return err
		}
		return redo(stores[target], value)
	})
	errs := []error{err}
	for _, store := range stores {
		if store != nil {
			errs = append(errs, store.Close())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("finish the commit that was under way when the run before ended: %w", err)
	}
	return forget(journal)
}

func redo(store state.Store, encoded []byte) error {
	var changes state.Changes
	if err := state.Decode(encoded, &changes); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return store.Apply(&changes)
}

// forget removes what is in a journal.
func forget(journal state.Store) error {
	var all state.Changes
	all.DeleteRange(nil, nil)
	return journal.Apply(&all)
}

// Has implements state.Root.
func (j *Journal) Has(name string) (bool, error) { return j.root.Has(name) }

// Open implements state.Root. What is applied to the store is there after the next Commit, not before.
func (j *Journal) Open(name string) (state.Store, error) {
	store, err := j.root.Open(name)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.open[name] = store
	return &journaled{Store: store, journal: j, name: name}, nil
}

// Install implements state.Installer, if the root does.
func (j *Journal) Install(name string, fill func(dir string) error) error {
	into, ok := j.root.(state.Installer)
	if !ok {
		return errors.New("the root takes no copies of stores")
	}
	return into.Install(name, fill)
}

// Commit makes all changes since the last one durable, or, after a crash, none. An error means that nothing more can be
// written.
func (j *Journal) Commit() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken == nil && len(j.waiting) > 0 {
		j.broken = j.commit()
	}
	return j.broken
}

func (j *Journal) commit() error {
	var batch state.Changes
	for i, e := range j.waiting {
		batch.Set(keyOf(i, e.store), e.changes)
	}
	if err := j.store.Apply(&batch); err != nil {
		return err
	}
	for _, e := range j.waiting {
		if err := j.redo(e); err != nil {
			return err
		}
	}
	j.waiting = nil
	return forget(j.store)
}

func (j *Journal) redo(e entry) error {
	if store := j.open[e.store]; store != nil {
		return redo(store, e.changes)
	}
	store, err := j.root.Open(e.store)
	if err != nil {
		return err
	}
	return errors.Join(redo(store, e.changes), store.Close())
}

// Close closes the journal, not its root. REQUIRES: its stores are closed.
func (j *Journal) Close() error { return j.store.Close() }

// keyOf returns the place of the i-th entry: entries are replayed in their order.
func keyOf(i int, store string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(i)), store...) //nolint:gosec // tasks are fewer
}

func storeOf(key []byte) (string, error) {
	if len(key) <= 4 {
		return "", errDamaged
	}
	return string(key[4:]), nil
}

// journaled is a store whose changes wait for the next commit.
type journaled struct {
	state.Store

	journal *Journal
	name    string
}

// Apply implements state.Store.
func (s *journaled) Apply(changes *state.Changes) error {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	s.journal.waiting = append(s.journal.waiting, entry{s.name, changes.Append(nil)})
	return s.journal.broken
}

// Checkpoint implements state.Checkpointer, if the store does.
func (s *journaled) Checkpoint(dir string) error {
	from, ok := s.Store.(state.Checkpointer)
	if !ok {
		return errors.New("the store cannot be copied")
	}
	return from.Checkpoint(dir)
}

// Close implements state.Store.
func (s *journaled) Close() error {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	delete(s.journal.open, s.name)
	return s.Store.Close()
}
