package statetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/pyudf/pyudf/engine/state"
)

// Suite holds stores to the promises of every store. It calls open anew for each of them.
func Suite(t *testing.T, open func(t *testing.T) state.Root) {
	t.Helper()
	promises := map[string]func(*testing.T, state.Root){
		"a new store is empty":                              newIsEmpty,
		"an empty value is not an absent one":               emptyIsNotAbsent,
		"keys are any bytes and stand in their order":       keysInOrder,
		"a scan finds what begins with its prefix":          prefixes,
		"a visit's error ends the scan":                     visitsEnd,
		"changes are made in their order":                   changesInOrder,
		"a range is deleted without its end":                rangesAreDeleted,
		"a value belongs to who got it":                     valuesAreTheCallers,
		"changes may be used again":                         changesAreReusable,
		"what was applied is there when it is opened again": reopened,
		"stores do not see each other":                      storesAreApart,
		"a store is open once":                              openOnce,
		"a root knows the stores that it has":               knowsItsStores,
		"deleted keys give their space back":                spaceComesBack,
		"an overlay reads its own writes":                   overlayReadsItsWrites,
		"an overlay scans both in order":                    overlayScansBoth,
		"an overlay deletes ranges":                         overlayDeletesRanges,
		"an overlay forgets what it discards":               overlayDiscards,
		"an overlay commits once":                           overlayCommits,
		"store and overlay are a map":                       likeAMap,
		"a checkpoint is what was applied before":           checkpointIsWhatWasApplied,
		"a checkpoint is never half a batch":                checkpointHasWholeBatches,
		"a checkpoint needs a directory of its own":         checkpointNeedsItsDirectory,
		"an installed store is the checkpoint":              installedIsTheCheckpoint,
		"a store that cannot be filled stays as it was":     installFails,
		"a store that is open is not replaced":              openIsLeftAlone,
	}
	for name, promise := range promises {
		t.Run(name, func(t *testing.T) {
			root := open(t)
			t.Cleanup(func() {
				if err := root.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			promise(t, root)
		})
	}
}

func newIsEmpty(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	absent(t, s, "")
	absent(t, s, "k")
	scanned(t, s, "")
	apply(t, s, func(*state.Changes) {})
	if err := s.Compact(); err != nil {
		t.Errorf("compact: %v", err)
	}
}

func emptyIsNotAbsent(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	apply(t, s, func(c *state.Changes) {
		c.Set([]byte("empty"), nil)
		c.Set(nil, []byte("no key"))
	})
	present(t, s, "empty", "")
	present(t, s, "", "no key")
	absent(t, s, "other")
	scanned(t, s, "", "", "no key", "empty", "")
}

func keysInOrder(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	keys := []string{"\xff\xff", "b", "\x00", "a\x00", "\xff", "a", "", "\xff\x00", "aa", "\x00\x00"}
	apply(t, s, func(c *state.Changes) {
		for _, key := range keys {
			c.Set([]byte(key), []byte("v"))
		}
	})
	slices.Sort(keys)
	var want []string
	for _, key := range keys {
		want = append(want, key, "v")
	}
	scanned(t, s, "", want...)
}

func prefixes(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	set(t, s, "a", "1", "ab", "2", "ac", "3", "b", "4", "\xff", "5", "\xff\xff", "6", "\xff\xff\x00", "7", "a\xff", "8", "a\xff\xff", "9")
	scanned(t, s, "ab", "ab", "2")
	scanned(t, s, "a", "a", "1", "ab", "2", "ac", "3", "a\xff", "8", "a\xff\xff", "9")
	scanned(t, s, "a\xff", "a\xff", "8", "a\xff\xff", "9")
	scanned(t, s, "\xff", "\xff", "5", "\xff\xff", "6", "\xff\xff\x00", "7")
	scanned(t, s, "\xff\xff", "\xff\xff", "6", "\xff\xff\x00", "7")
	scanned(t, s, "ad")
	scanned(t, s, "\xff\xff\xff")
}

func visitsEnd(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	set(t, s, "a", "1", "b", "2")
	for _, write := range []bool{false, true} {
		o := state.NewOverlay(s)
		if write {
			o.Set([]byte("aa"), nil)
		}
		enough, visits := errors.New("enough"), 0
		err := o.Scan(nil, func(_, _ []byte) error {
			visits++
			return enough
		})
		if !errors.Is(err, enough) || visits != 1 {
			t.Errorf("%d visits, then %v", visits, err)
		}
	}
}

func changesInOrder(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	apply(t, s, func(c *state.Changes) {
		c.Set([]byte("a"), []byte("1"))
		c.Set([]byte("b"), []byte("1"))
		c.Set([]byte("a"), []byte("2"))
		c.Delete([]byte("b"))
		c.Set([]byte("c"), []byte("1"))
		c.DeleteRange([]byte("c"), []byte("d"))
		c.Set([]byte("c"), []byte("2"))
		c.Delete([]byte("never there"))
	})
	scanned(t, s, "", "a", "2", "c", "2")
}

func rangesAreDeleted(t *testing.T, root state.Root) {
	for _, c := range []struct {
		from, to string
		end      bool
		want     []string
	}{
		{"b", "c", false, []string{"a", "1", "c", "4", "\xff\xff", "5"}},
		{"b", "ba", false, []string{"a", "1", "ba", "3", "c", "4", "\xff\xff", "5"}},
		{"b", "", true, []string{"a", "1"}},
		{"", "", true, nil},
		{"b", "b", false, []string{"a", "1", "b", "2", "ba", "3", "c", "4", "\xff\xff", "5"}},
		{"c", "b", false, []string{"a", "1", "b", "2", "ba", "3", "c", "4", "\xff\xff", "5"}},
	} {
		s := opened(t, root, "a")
		set(t, s, "a", "1", "b", "2", "ba", "3", "c", "4", "\xff\xff", "5")
		to := []byte(c.to)
		if c.end {
			to = nil
		}
		apply(t, s, func(changes *state.Changes) { changes.DeleteRange([]byte(c.from), to) })
		scanned(t, s, "", c.want...)
		closed(t, s)
	}
}

func valuesAreTheCallers(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	set(t, s, "a", "12")
	value, _, _ := s.Get([]byte("a"))
	value[0] = 'x'
	present(t, s, "a", "12")
	set(t, s, "a", "34")
	if string(value) != "x2" {
		t.Errorf("a value changed to %q while the caller held it", value)
	}
}

func changesAreReusable(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	var changes state.Changes
	for _, key := range []string{"a", "b"} {
		changes.Reset()
		changes.Set([]byte(key), []byte(key))
		if err := s.Apply(&changes); err != nil || changes.Len() != 1 || changes.Bytes() != 2 {
			t.Fatalf("%d changes of %d bytes: %v", changes.Len(), changes.Bytes(), err)
		}
	}
	scanned(t, s, "", "a", "a", "b", "b")
}

func reopened(t *testing.T, root state.Root) {
	for n := range 5 {
		s := opened(t, root, "a")
		for before := range n {
			present(t, s, strconv.Itoa(before), "v")
		}
		set(t, s, strconv.Itoa(n), "v")
		closed(t, s)
	}
}

func storesAreApart(t *testing.T, root state.Root) {
	a, b := opened(t, root, "a"), opened(t, root, "b")
	set(t, a, "k", "1")
	absent(t, b, "k")
	set(t, b, "k", "2")
	present(t, a, "k", "1")
}

func openOnce(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	if _, err := root.Open("a"); err == nil {
		t.Error("opened twice")
	}
	closed(t, s)
	closed(t, opened(t, root, "a"))
}

func spaceComesBack(t *testing.T, root state.Root) {
	s := opened(t, root, "a")
	value := bytes.Repeat([]byte("v"), 20)
	for from := 0; from < 100_000; from += 10_000 {
		apply(t, s, func(c *state.Changes) {
			for n := from; n < from+10_000; n++ {
				c.Set(fmt.Appendf(nil, "%c%08d", 'a'+n%2, n), value)
			}
		})
	}
	if err := s.Compact(); err != nil {
		t.Fatal(err)
	}
	full := s.Size()
	apply(t, s, func(c *state.Changes) {
		for n := 0; n < 100_000; n += 2 {
			c.Delete(fmt.Appendf(nil, "a%08d", n))
		}
		c.DeleteRange([]byte("b"), []byte("c"))
	})
	if err := s.Compact(); err != nil {
		t.Fatal(err)
	}
	scanned(t, s, "")
	if size := s.Size(); full < 50_000 || size > full/20 {
		t.Errorf("%d bytes of %d are left", size, full)
	}
}

func knowsItsStores(t *testing.T, root state.Root) {
	has(t, root, "a", false)
	closed(t, opened(t, root, "a"))
	has(t, root, "a", true)
	has(t, root, "b", false)
}

func has(t *testing.T, root state.Root, name string, want bool) {
	t.Helper()
	if there, err := root.Has(name); err != nil || there != want {
		t.Errorf("the root has %s: %t, %v; want %t", name, there, err, want)
	}
}
