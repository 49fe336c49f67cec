package pebblestate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkpoint returns a directory with the checkpoint of a store that has one key.
func checkpoint(t *testing.T, root *Root, value string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "checkpoint")
	s := mustOpenStore(t, root, "source")
	if err := errors.Join(s.Apply(single("k", value)), s.Checkpoint(dir), s.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copying(from string) func(dir string) error {
	return func(dir string) error { return os.CopyFS(dir, os.DirFS(from)) }
}

func expectValue(t *testing.T, root *Root, name, want string) {
	t.Helper()
	s := mustOpenStore(t, root, name)
	value, _, err := s.Get([]byte("k"))
	if err := errors.Join(err, s.Close()); err != nil || string(value) != want {
		t.Errorf("%s has %q, want %q: %v", name, value, want, err)
	}
}

func TestACheckpointIsTablesAndNoLog(t *testing.T) {
	root := mustOpen(t, t.TempDir(), Config{})
	defer closeRoot(t, root)
	files, err := os.ReadDir(checkpoint(t, root, "1"))
	if err != nil {
		t.Fatal(err)
	}
	tables := 0
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file.Name(), ".sst") {
			tables++
		} else if info.Size() > 16<<10 || strings.HasSuffix(file.Name(), ".log") && info.Size() > 0 {
			t.Errorf("%s has %d bytes", file.Name(), info.Size())
		}
	}
	if tables != 1 {
		t.Errorf("%d tables among %v", tables, files)
	}
}

func TestAStoreIsAsItWasAfterACrashDuringAnInstall(t *testing.T) {
	dir := t.TempDir()
	root := mustOpen(t, dir, Config{})
	defer closeRoot(t, root)
	next := checkpoint(t, root, "new")
	s := mustOpenStore(t, root, "a")
	if err := errors.Join(s.Apply(single("k", "old")), s.Close()); err != nil {
		t.Fatal(err)
	}
	crashed := func(moves ...func() error) {
		t.Helper()
		for _, move := range moves {
			if err := move(); err != nil {
				t.Fatal(err)
			}
		}
	}
	place, fresh, old := filepath.Join(dir, "a"), root.beside("a", installing), root.beside("a", replaced)
	filled := func() error { return copying(next)(fresh) }
	aside := func() error { return os.Rename(place, old) }
	moved := func() error { return os.Rename(fresh, place) }

	crashed(filled)
	expectValue(t, root, "a", "old")
	crashed(filled, aside)
	if there, err := root.Has("a"); !there || err != nil {
		t.Errorf("a store that was being replaced is not there: %v", err)
	}
	expectValue(t, root, "a", "old")
	crashed(filled, aside, moved)
	expectValue(t, root, "a", "new")
	for _, left := range []string{fresh, old} {
		if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", left, err)
		}
	}
}

func TestAStoreOfAnotherProcessIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	one, other := mustOpen(t, dir, Config{}), mustOpen(t, dir, Config{})
	defer closeRoot(t, one)
	defer closeRoot(t, other)
	next := checkpoint(t, one, "new")
	held := mustOpenStore(t, other, "a")
	err := one.Install("a", copying(next))
	mention(t, err, filepath.Join(dir, "a"), "another process")
	if err := errors.Join(held.Apply(single("k", "old")), held.Close()); err != nil {
		t.Fatal(err)
	}
	expectValue(t, one, "a", "old")
}
