package pebblestate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"

	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/statetest"
)

func TestPebbleKeepsThePromisesOfAStore(t *testing.T) {
	statetest.Suite(t, func(t *testing.T) state.Root {
		before := goleak.IgnoreCurrent()
		t.Cleanup(func() { goleak.VerifyNone(t, before) })
		return mustOpen(t, t.TempDir(), Config{MemtableBytes: 256 << 10})
	})
}

func TestProcessesShareADirectoryButNoStore(t *testing.T) {
	dir := t.TempDir()
	one, other := mustOpen(t, dir, Config{}), mustOpen(t, dir, Config{})
	defer closeRoot(t, one)
	defer closeRoot(t, other)
	first := mustOpenStore(t, one, "a")
	second := mustOpenStore(t, other, "b")
	_, err := other.Open("a")
	mention(t, err, filepath.Join(dir, "a"), "another process", "stop it")
	if err := errors.Join(first.Close(), second.Close()); err != nil {
		t.Fatal(err)
	}
	if err := mustOpenStore(t, other, "a").Close(); err != nil {
		t.Fatal(err)
	}
}

func TestForgetRemovesAllStoresOrNone(t *testing.T) {
	dir := t.TempDir()
	one, other := mustOpen(t, dir, Config{}), mustOpen(t, dir, Config{})
	defer closeRoot(t, one)
	defer closeRoot(t, other)
	for _, name := range []string{"a", "b"} {
		s := mustOpenStore(t, one, name)
		if err := errors.Join(s.Apply(single("k", name)), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	held := mustOpenStore(t, other, "b")
	mention(t, one.Forget(), filepath.Join(dir, "b"), "another process")
	if value, ok, err := held.Get([]byte("k")); !ok || string(value) != "b" || err != nil {
		t.Errorf("the store in use has %q: %v", value, err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	expectKeys(t, one, "a", 1)
	if err := one.Forget(); err != nil {
		t.Fatal(err)
	}
	expectKeys(t, one, "a", 0)
	expectKeys(t, one, "b", 0)
}

func expectKeys(t *testing.T, root *Root, name string, want int) {
	t.Helper()
	s := mustOpenStore(t, root, name)
	defer s.Close() //nolint:errcheck // it was only read
	got := 0
	if err := s.Scan(nil, func(_, _ []byte) error { got++; return nil }); err != nil || got != want {
		t.Errorf("%s has %d keys (%v), want %d", name, got, err, want)
	}
}

func TestADirectoryThatCannotBeWrittenIsRefusedByName(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(file, Config{})
	mention(t, err, file, "cannot be written", "choose another")

	dir := t.TempDir()
	readOnly := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpLock {
			return &os.PathError{Op: "open", Path: op.Path, Err: syscall.EROFS}
		}
		return nil
	}))
	root := mustOpen(t, dir, Config{disk: readOnly})
	defer closeRoot(t, root)
	_, err = root.Open("a")
	mention(t, err, filepath.Join(dir, "a"), "cannot be written", "read-only")
}

func TestNamesThatAreNoDirectoriesAreRefused(t *testing.T) {
	root := mustOpen(t, t.TempDir(), Config{})
	defer closeRoot(t, root)
	for _, name := range []string{"", ".", "..", "a/b", ".hidden", strings.Repeat("x", 300)} {
		_, err := root.Open(name)
		mention(t, err, "name of a state store")
	}
}

func TestAStoreOfAnotherLayoutIsRefused(t *testing.T) {
	for name, mark := range map[string]func(*pebble.DB) error{
		"is of the version": func(db *pebble.DB) error { return db.Set([]byte{layoutKey}, []byte("pyudf state 99"), nil) },
		"holds something else": func(db *pebble.DB) error {
			return errors.Join(db.Delete([]byte{layoutKey}, nil), db.Set([]byte("k"), nil, nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			root := mustOpen(t, dir, Config{})
			defer closeRoot(t, root)
			s := mustOpenStore(t, root, "a")
			if err := errors.Join(mark(s.db), s.Close()); err != nil {
				t.Fatal(err)
			}
			_, err := root.Open("a")
			mention(t, err, filepath.Join(dir, "a"), name, layout, "remove the directory")
		})
	}
}

// smallDisk has the room that a test gives it.
type smallDisk struct {
	vfs.FS
	left *uint64
}

func (d smallDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: *d.left}, nil
}

func TestADiskThatFillsIsNoticedBeforeItIsFull(t *testing.T) {
	left := uint64(1 << 30)
	dir := t.TempDir()
	root := mustOpen(t, dir, Config{disk: smallDisk{vfs.Default, &left}})
	defer closeRoot(t, root)
	s := mustOpenStore(t, root, "a")
	if err := s.Apply(single("k", "1")); err != nil {
		t.Fatal(err)
	}
	left = 1 << 20
	mention(t, s.Apply(single("k", "2")), dir, "full", "1 MB are left", "make room")
	_, err := root.Open("b")
	mention(t, err, dir, "full", "make room")
	left = 1 << 30
	if err := s.Apply(single("l", "3")); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if value, _, err := s.Get([]byte("k")); err != nil || string(value) != "1" {
		t.Errorf("k is %q, %v", value, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestALogThatCannotBeWrittenIsAnErrorAndNothingMoreIsWritten(t *testing.T) {
	broken := false
	dir := t.TempDir()
	failing := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken && op.Kind == errorfs.OpFileWrite && filepath.Ext(op.Path) == ".log" {
			return syscall.ENOSPC
		}
		return nil
	}))
	root := mustOpen(t, dir, Config{disk: failing})
	s := mustOpenStore(t, root, "a")
	if err := s.Apply(single("k", "1")); err != nil {
		t.Fatal(err)
	}
	broken = true
	mention(t, s.Apply(single("k", "2")), dir, "no space left", "start again")
	broken = false
	mention(t, s.Apply(single("k", "3")), dir, "no space left")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func single(key, value string) *state.Changes {
	changes := &state.Changes{}
	changes.Set([]byte(key), []byte(value))
	return changes
}

func mention(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v does not mention %q", err, word)
		}
	}
}

func mustOpen(t testing.TB, dir string, config Config) *Root {
	t.Helper()
	root, err := Open(dir, config)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func mustOpenStore(t testing.TB, root *Root, name string) *store {
	t.Helper()
	opened, err := root.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := opened.(*store)
	if !ok {
		t.Fatalf("opened a %T", opened)
	}
	return s
}

func closeRoot(t testing.TB, root *Root) {
	t.Helper()
	if err := root.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}
