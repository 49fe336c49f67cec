package statetest

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/pyudf/pyudf/engine/state"
)

// checkpointed returns a new directory with a checkpoint of the store.
func checkpointed(t *testing.T, s state.Store) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "checkpoint")
	if err := checkpointer(t, s).Checkpoint(dir); err != nil {
		t.Fatalf("checkpoint: %v", err)
	}
	return dir
}

func checkpointer(t *testing.T, s state.Store) state.Checkpointer {
	t.Helper()
	c, ok := s.(state.Checkpointer)
	if !ok {
		t.Fatalf("%T is no Checkpointer", s)
	}
	return c
}

// copied returns what fills a store with a copy of a checkpoint.
func copied(from string) func(dir string) error {
	return func(dir string) error { return os.CopyFS(dir, os.DirFS(from)) }
}

func installer(t *testing.T, root state.Root) state.Installer {
	t.Helper()
	i, ok := root.(state.Installer)
	if !ok {
		t.Fatalf("%T is no Installer", root)
	}
	return i
}

func install(t *testing.T, root state.Root, name string, fill func(dir string) error) {
	t.Helper()
	if err := installer(t, root).Install(name, fill); err != nil {
		t.Fatalf("install: %v", err)
	}
}

func checkpointIsWhatWasApplied(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	first := checkpointed(t, s)
	set(t, s, "a", "1", "", "no key", "\xff", "")
	second := checkpointed(t, s)
	set(t, s, "a", "2", "b", "2")
	apply(t, s, func(c *state.Changes) { c.DeleteRange([]byte("\xff"), nil) })
	third := checkpointed(t, s)
	scanned(t, s, "", "", "no key", "a", "2", "b", "2")
	for dir, want := range map[string][]string{
		first:  nil,
		second: {"", "no key", "a", "1", "\xff", ""},
		third:  {"", "no key", "a", "2", "b", "2"},
	} {
		install(t, root, "copy", copied(dir))
		c := opened(t, root, "copy")
		scanned(t, c, "", want...)
		closed(t, c)
	}
}

// checkpointHasWholeBatches takes checkpoints in another goroutine than that which applies batches.
func checkpointHasWholeBatches(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	c, dirs, failed, parent := checkpointer(t, s), make(chan string), make(chan error, 1), t.TempDir()
	go func() {
		defer close(dirs)
		for n := range 4 {
			dir := filepath.Join(parent, strconv.Itoa(n))
			if err := c.Checkpoint(dir); err != nil {
				failed <- err
				return
			}
			dirs <- dir
		}
	}()
	var taken []string
	for n := uint64(0); ; n++ {
		apply(t, s, func(c *state.Changes) {
			for key := range 50 {
				c.Set([]byte{byte(key)}, binary.BigEndian.AppendUint64(make([]byte, 500), n))
			}
		})
		select {
		case dir, more := <-dirs:
			if more {
				taken = append(taken, dir)
				continue
			}
		default:
			continue
		}
		break
	}
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
	for _, dir := range taken {
		sameBatch(t, root, dir)
	}
}

// sameBatch expects that all values of a checkpoint are of one batch.
func sameBatch(t *testing.T, root state.Root, dir string) {
	t.Helper()
	install(t, root, "copy", copied(dir))
	c := opened(t, root, "copy")
	defer closed(t, c)
	values, keys := map[string]bool{}, 0
	err := c.Scan(nil, func(_, value []byte) error {
		values[string(value)], keys = true, keys+1
		return nil
	})
	if err != nil || len(values) > 1 || keys != 50 && keys != 0 {
		t.Errorf("%d keys with values of %d batches: %v", keys, len(values), err)
	}
}

func checkpointNeedsItsDirectory(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	set(t, s, "a", "1")
	if err := checkpointer(t, s).Checkpoint(t.TempDir()); err == nil {
		t.Error("a checkpoint was put into a directory that was there")
	}
	present(t, s, "a", "1")
}

func installedIsTheCheckpoint(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	set(t, s, "a", "1")
	dir := checkpointed(t, s)
	set(t, s, "b", "2")
	closed(t, s)
	has(t, root, "new", false)
	for _, name := range []string{"a", "new", "new"} {
		install(t, root, name, copied(dir))
		has(t, root, name, true)
		c := opened(t, root, name)
		scanned(t, c, "", "a", "1")
		set(t, c, "c", "3")
		scanned(t, c, "", "a", "1", "c", "3")
		closed(t, c)
		c = opened(t, root, name)
		scanned(t, c, "", "a", "1", "c", "3")
		closed(t, c)
	}
}

func installFails(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	set(t, s, "a", "1")
	dir := checkpointed(t, s)
	set(t, s, "b", "2")
	closed(t, s)
	torn := errors.New("torn")
	for _, name := range []string{"a", "new"} {
		err := installer(t, root).Install(name, func(into string) error {
			return errors.Join(copied(dir)(into), torn)
		})
		if !errors.Is(err, torn) {
			t.Errorf("install returned %v, want %v", err, torn)
		}
	}
	has(t, root, "new", false)
	scanned(t, opened(t, root, "a"), "", "a", "1", "b", "2")
	scanned(t, opened(t, root, "new"), "")
}

func openIsLeftAlone(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	set(t, s, "a", "1")
	dir := checkpointed(t, s)
	if err := installer(t, root).Install("a", copied(dir)); err == nil {
		t.Error("a store was replaced while it was open")
	}
	set(t, s, "b", "2")
	scanned(t, s, "", "a", "1", "b", "2")
	closed(t, s)
	scanned(t, opened(t, root, "a"), "", "a", "1", "b", "2")
}
