package statetest

import (
	"slices"
	"testing"

	"github.com/pyudf/pyudf/engine/state"
)

// reader is a store or an overlay.
type reader interface {
	Get(key []byte) (value []byte, ok bool, err error)
	Scan(prefix []byte, visit func(key, value []byte) error) error
}

func opened(t *testing.T, root state.Root, name string) state.Store {
	t.Helper()
	s, err := root.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func closed(t *testing.T, s state.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func apply(t *testing.T, s state.Store, fill func(*state.Changes)) {
	t.Helper()
	var changes state.Changes
	fill(&changes)
	if err := s.Apply(&changes); err != nil {
		t.Fatalf("apply: %v", err)
	}
}

func set(t *testing.T, s state.Store, pairs ...string) {
	t.Helper()
	apply(t, s, func(c *state.Changes) {
		for pair := range slices.Chunk(pairs, 2) {
			c.Set([]byte(pair[0]), []byte(pair[1]))
		}
	})
}

func commit(t *testing.T, o *state.Overlay) {
	t.Helper()
	if err := o.Commit(); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

func present(t *testing.T, r reader, key, want string) {
	t.Helper()
	value, ok, err := r.Get([]byte(key))
	if err != nil || !ok || string(value) != want {
		t.Errorf("%q has %q, %v, %v, want %q", key, value, ok, err, want)
	}
}

func absent(t *testing.T, r reader, key string) {
	t.Helper()
	if value, ok, err := r.Get([]byte(key)); err != nil || ok {
		t.Errorf("%q has %q, %v, should not be there", key, value, err)
	}
}

// scanned expects keys and values by turns.
func scanned(t *testing.T, r reader, prefix string, want ...string) {
	t.Helper()
	var got []string
	err := r.Scan([]byte(prefix), func(key, value []byte) error {
		got = append(got, string(key), string(value))
		return nil
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("scan of %q finds %.300q, %v, want %.300q", prefix, got, err, want)
	}
}
