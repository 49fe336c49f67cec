package snapshot_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/pyudf/pyudf/engine/snapshot"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/pebblestate"
)

func openRoot(t *testing.T, dir string) *pebblestate.Root {
	t.Helper()
	root, err := pebblestate.Open(dir, pebblestate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := root.Close(); err != nil {
			t.Error(err)
		}
	})
	return root
}

// fill gives a store so many keys from one on, of 100 bytes.
func fill(t *testing.T, s state.Store, from, keys int) {
	t.Helper()
	var changes state.Changes
	for n := from; n < from+keys; n++ {
		changes.Set(binary.BigEndian.AppendUint64(nil, uint64(n)*0x9e3779b97f4a7c15), make([]byte, 92)) //nolint:gosec // any key will do
	}
	if err := s.Apply(&changes); err != nil {
		t.Fatal(err)
	}
}

func copyOf(t *testing.T, s *snapshot.Snapshots, store state.Store, offset int64) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "checkpoint")
	c, ok := store.(state.Checkpointer)
	if !ok {
		t.Fatal("no checkpoints")
	}
	if err := errors.Join(c.Checkpoint(dir), s.Take(t.Context(), "a", offset, dir), os.RemoveAll(dir)); err != nil {
		t.Fatal(err)
	}
}

func TestAStoreMovesToAnotherMachineAndItsTablesAreCopiedOnce(t *testing.T) {
	each(t, func(w *world) {
		s, one := w.open(snapshot.Config{}), openRoot(w.T, w.TempDir())
		store, err := one.Open("a")
		if err != nil {
			w.Fatal(err)
		}
		fill(w.T, store, 0, 50_000)
		copyOf(w.T, s, store, 1)
		before := len(w.keys("a/files/"))
		fill(w.T, store, 50_000, 10)
		copyOf(w.T, s, store, 2)
		if again := len(w.keys("a/files/")) - before; again > 4 { // a table, and what Pebble notes about it
			w.Errorf("%d files were copied for ten keys", again)
		}
		if err := store.Close(); err != nil {
			w.Fatal(err)
		}
		other := openRoot(w.T, w.TempDir())
		err = other.Install("a", func(dir string) error {
			found, err := s.Restore(w.Context(), "a", 2, dir, func(_, _ int64) {})
			if err == nil && !found {
				err = errors.New("no snapshot")
			}
			return err
		})
		if err != nil {
			w.Fatal(err)
		}
		if store, err = other.Open("a"); err != nil {
			w.Fatal(err)
		}
		keys := 0
		err = store.Scan(nil, func(_, _ []byte) error { keys++; return nil })
		if err := errors.Join(err, store.Close()); err != nil || keys != 50_010 {
			w.Errorf("%d keys moved: %v", keys, err)
		}
	})
}
