package memstate

import (
	"bytes"
	"fmt"
	"strings"
	"sync"

	"github.com/tidwall/btree"

	"github.com/pyudf/pyudf/engine/state"
)

// Root is stores in memory. A store that was closed is found again under its name, as long as its root is there.
type Root struct {
	mu     sync.Mutex // guards the fields below
	tables map[string]*table
	open   map[string]bool
}

// New returns a root without stores.
func New() *Root { return &Root{tables: map[string]*table{}, open: map[string]bool{}} }

// Open implements state.Root.
func (r *Root) Open(name string) (state.Store, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[name] {
		return nil, fmt.Errorf("the state store %q is open already: close it first", name)
	}
	if r.tables[name] == nil {
		r.tables[name] = &table{}
	}
	r.open[name] = true
	return &store{root: r, name: name, table: r.tables[name]}, nil
}

// Has implements state.Root.
func (r *Root) Has(name string) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tables[name] != nil, nil
}

// Close implements state.Root.
func (r *Root) Close() error { return nil }

type table struct {
	// mu is held while keys change, which one goroutine does, and while others copy them.
	mu   sync.Mutex
	keys btree.Map[string, []byte]
	size int64
}

// store is one opening of a table, which outlives it.
type store struct {
	*table
	root   *Root
	name   string
	closed bool
}

// Get implements state.Store.
func (s *store) Get(key []byte) (value []byte, ok bool, err error) {
	value, ok = s.keys.Get(string(key))
	return bytes.Clone(value), ok, nil
}

// Scan implements state.Store.
func (s *store) Scan(prefix []byte, visit func(key, value []byte) error) error {
	var err error
	s.keys.Ascend(string(prefix), func(key string, value []byte) bool {
		if !strings.HasPrefix(key, string(prefix)) {
			return false
		}
		err = visit([]byte(key), value)
		return err == nil
	})
	return err
}

// Apply implements state.Store.
func (s *store) Apply(changes *state.Changes) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for change := range changes.All() {
		switch change.Kind {
		case state.Set:
			s.set(string(change.Key), append([]byte{}, change.Value...))
		case state.Delete:
			s.remove(string(change.Key))
		case state.DeleteRange:
			for _, key := range s.within(change.Key, change.Value) {
				s.remove(key)
			}
		}
	}
	return nil
}

func (t *table) set(key string, value []byte) {
	old, replaced := t.keys.Set(key, value)
	if t.size += int64(len(value) - len(old)); !replaced {
		t.size += int64(len(key))
	}
}

func (t *table) remove(key string) {
	if old, ok := t.keys.Delete(key); ok {
		t.size -= int64(len(key) + len(old))
	}
}

func (t *table) within(from, to []byte) []string {
	var keys []string
	t.keys.Ascend(string(from), func(key string, _ []byte) bool {
		if to != nil && key >= string(to) {
			return false
		}
		keys = append(keys, key)
		return true
	})
	return keys
}

// Size implements state.Store.
func (s *store) Size() int64 { return s.size }

// Compact implements state.Store: memory is given back by itself.
func (s *store) Compact() error { return nil }

// Close implements state.Store. Closing twice is fine.
func (s *store) Close() error {
	s.root.mu.Lock()
	defer s.root.mu.Unlock()
	if !s.closed {
		s.closed, s.root.open[s.name] = true, false
	}
	return nil
}
