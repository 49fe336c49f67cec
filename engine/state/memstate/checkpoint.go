package memstate

import (
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tidwall/btree"

	"github.com/pyudf/pyudf/engine/state"
)

var (
	_ state.Installer    = (*Root)(nil)
	_ state.Checkpointer = (*store)(nil)
)

// file is the only one of a checkpoint. It has each key and its value as an entry, in the order of the keys.
const file = "keys"

// entry is a key as it is kept in a checkpoint.
type entry struct {
	Key   string
	Value []byte
}

// Checkpoint implements state.Checkpointer.
func (s *store) Checkpoint(dir string) error {
	s.mu.Lock()
	keys := s.keys.Copy()
	s.mu.Unlock()
	if err := os.Mkdir(dir, 0o750); err != nil {
		return fmt.Errorf("make a checkpoint of the state store %q: %w", s.name, err)
	}
	var entries []entry
	keys.Scan(func(key string, value []byte) bool {
		entries = append(entries, entry{key, value})
		return true
	})
	out, err := os.Create(filepath.Join(dir, file)) //nolint:gosec // where the caller wants it
	if err != nil {
		return fmt.Errorf("make a checkpoint of the state store %q: %w", s.name, err)
	}
	return errors.Join(gob.NewEncoder(out).Encode(entries), out.Close())
}

// Install implements state.Installer.
func (r *Root) Install(name string, fill func(dir string) error) error {
	dir, err := os.MkdirTemp("", "memstate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it lies where the system clears up
	if err := fill(dir); err != nil {
		return err
	}
	filled, err := read(filepath.Join(dir, file))
	if err != nil {
		return fmt.Errorf("install the state store %q: %w", name, err)
	}
	return r.replace(name, filled)
}

func read(path string) (*table, error) {
	in, err := os.Open(path) //nolint:gosec // named by ourselves
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // only read
	var entries []entry
	if err := gob.NewDecoder(in).Decode(&entries); err != nil {
		return nil, fmt.Errorf("%s is no checkpoint: %w", path, err)
	}
	t := &table{keys: btree.Map[string, []byte]{}}
	for _, e := range entries {
		t.set(e.Key, append([]byte{}, e.Value...))
	}
	return t, nil
}

// replace makes a table that of a store.
func (r *Root) replace(name string, by *table) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[name] {
		return fmt.Errorf("the state store %q is open: close it first", name)
	}
	r.tables[name] = by
	return nil
}
