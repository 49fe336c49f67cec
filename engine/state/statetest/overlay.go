package statetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/state"
)

func overlayReadsItsWrites(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	set(t, s, "old", "1", "gone", "1")
	o := state.NewOverlay(s)
	o.Set([]byte("old"), []byte("2"))
	o.Set([]byte("new"), []byte("3"))
	o.Set([]byte("empty"), nil)
	o.Delete([]byte("gone"))
	present(t, o, "old", "2")
	present(t, o, "new", "3")
	present(t, o, "empty", "")
	absent(t, o, "gone")
	present(t, s, "old", "1")
	absent(t, s, "new")
	o.Set([]byte("new"), []byte("4444"))
	if o.Len() != 4 || o.Bytes() != len("old2new4444emptygone") {
		t.Errorf("%d writes of %d bytes", o.Len(), o.Bytes())
	}
}

func overlayScansBoth(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	set(t, s, "b", "1", "d", "1", "f", "1", "\xff", "1")
	o := state.NewOverlay(s)
	scanned(t, o, "", "b", "1", "d", "1", "f", "1", "\xff", "1")
	o.Set([]byte("a"), []byte("2"))
	o.Set([]byte("d"), []byte("2"))
	o.Delete([]byte("f"))
	scanned(t, o, "", "a", "2", "b", "1", "d", "2", "\xff", "1")
	o.Set([]byte("\xff\xff"), []byte("2"))
	o.Set([]byte("e"), []byte("2"))
	scanned(t, o, "", "a", "2", "b", "1", "d", "2", "e", "2", "\xff", "1", "\xff\xff", "2")
	scanned(t, o, "\xff", "\xff", "1", "\xff\xff", "2")
	scanned(t, o, "d", "d", "2")
	scanned(t, o, "f")
}

func overlayDeletesRanges(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	set(t, s, "a", "1", "b", "1", "ba", "1", "c", "1", "d", "1")
	o := state.NewOverlay(s)
	o.Set([]byte("bb"), []byte("2"))
	o.Set([]byte("cc"), []byte("2"))
	o.DeleteRange([]byte("b"), []byte("c"))
	absent(t, o, "ba")
	absent(t, o, "bb")
	present(t, o, "c", "1")
	o.Set([]byte("bc"), []byte("3"))
	o.DeleteRange([]byte("d"), nil)
	o.Set([]byte("e"), []byte("3"))
	want := []string{"a", "1", "bc", "3", "c", "1", "cc", "2", "e", "3"}
	scanned(t, o, "", want...)
	commit(t, o)
	scanned(t, s, "", want...)
	scanned(t, o, "", want...)
}

func overlayDiscards(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	set(t, s, "a", "1")
	o := state.NewOverlay(s)
	o.Set([]byte("b"), []byte("2"))
	o.DeleteRange([]byte("a"), []byte("b"))
	absent(t, o, "a")
	o.Discard()
	scanned(t, o, "", "a", "1")
	if o.Len() != 0 || o.Bytes() != 0 {
		t.Errorf("%d writes of %d bytes are left", o.Len(), o.Bytes())
	}
	commit(t, o)
	scanned(t, s, "", "a", "1")
}

func overlayCommits(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	o := state.NewOverlay(s)
	for n := range 3 {
		o.Set([]byte("a"), fmt.Append(nil, n))
		o.Set([]byte("b"), fmt.Append(nil, n))
		if n == 2 {
			o.Delete([]byte("b"))
		}
		commit(t, o)
		if o.Len() != 0 {
			t.Errorf("%d writes are left", o.Len())
		}
		present(t, s, "a", strconv.Itoa(n))
	}
	scanned(t, o, "", "a", "2")
}

// likeAMap does at random what can be done and compares it with a map. A failure names its seed.
func likeAMap(t *testing.T, root state.Root) {
	seed := rand.Uint64()
	m := &model{
		t: t, root: root, random: rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // a failure must be repeatable
		committed: map[string]string{}, open: map[string]string{},
	}
	m.reopen()
	for range 5000 {
		if m.step(); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// model is an overlay and what it should hold: committed at the last commit, and open now.
type model struct {
	t               *testing.T
	root            state.Root
	random          *rand.Rand
	store           state.Store
	overlay         *state.Overlay
	committed, open map[string]string
}

func (m *model) step() {
	key := m.key()
	switch n := m.random.IntN(100); {
	case n < 40:
		value := strings.Repeat("v", m.random.IntN(4)) + strconv.Itoa(n)
		m.overlay.Set([]byte(key), []byte(value))
		m.open[key] = value
	case n < 55:
		m.overlay.Delete([]byte(key))
		delete(m.open, key)
	case n < 60:
		m.deleteRange(key, m.key())
	case n < 85:
		m.get(key)
	case n < 92:
		scanned(m.t, m.overlay, key, pairs(m.open, key)...)
	case n < 97:
		commit(m.t, m.overlay)
		m.committed = maps.Clone(m.open)
		scanned(m.t, m.store, "", pairs(m.committed, "")...)
	case n < 99:
		m.overlay.Discard()
		m.open = maps.Clone(m.committed)
	default:
		closed(m.t, m.store)
		m.reopen()
	}
}

// key returns one of few keys, so that they meet.
func (m *model) key() string {
	key := make([]byte, m.random.IntN(4))
	for i := range key {
		key[i] = "\x00a\xff"[m.random.IntN(3)]
	}
	return string(key)
}

func (m *model) get(key string) {
	if want, ok := m.open[key]; ok {
		present(m.t, m.overlay, key, want)
	} else {
		absent(m.t, m.overlay, key)
	}
}

func (m *model) deleteRange(from, to string) {
	end := []byte(to)
	if m.random.IntN(10) == 0 {
		end = nil
	}
	m.overlay.DeleteRange([]byte(from), end)
	maps.DeleteFunc(m.open, func(key, _ string) bool { return key >= from && (end == nil || key < to) })
}

func (m *model) reopen() {
	store, err := m.root.Open("model")
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = store.Close() })
	m.store, m.overlay, m.open = store, state.NewOverlay(store), maps.Clone(m.committed)
}

func pairs(all map[string]string, prefix string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(key, prefix) {
			out = append(out, key, all[key])
		}
	}
	return out
}
