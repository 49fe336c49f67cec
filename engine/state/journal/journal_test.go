package journal_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/journal"
	"github.com/pyudf/pyudf/engine/state/memstate"
)

var errCrash = errors.New("the power is gone")

// crashing is a root whose stores take so many more writes, and whether the one after is written though it fails.
type crashing struct {
	state.Root

	left  int
	after bool
}

func (c *crashing) Open(name string) (state.Store, error) {
	store, err := c.Root.Open(name)
	return &doomed{store, c}, err
}

type doomed struct {
	state.Store

	root *crashing
}

func (d *doomed) Apply(changes *state.Changes) error {
	if d.root.left > 0 {
		d.root.left--
		return d.Store.Apply(changes)
	}
	if d.root.after {
		return errors.Join(d.Store.Apply(changes), errCrash)
	}
	return errCrash
}

func opened(t *testing.T, root state.Root) (*journal.Journal, []state.Store) {
	t.Helper()
	j, err := journal.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return j, openedStores(t, j)
}

func openedStores(t *testing.T, root state.Root) []state.Store {
	t.Helper()
	var stores []state.Store
	for _, name := range []string{"a-0", "b-0", "b-1"} {
		store, err := root.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		stores = append(stores, store)
	}
	return stores
}

func closed(t *testing.T, stores []state.Store, more ...interface{ Close() error }) {
	t.Helper()
	for _, store := range stores {
		more = append(more, store)
	}
	for i := range more {
		if err := more[len(more)-1-i].Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// contents are all keys of stores.
func contents(t *testing.T, stores []state.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for i, store := range stores {
		err := store.Scan(nil, func(key, value []byte) error {
			all[fmt.Sprintf("%d %q", i, key)] = string(value)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// change makes random changes of all kinds, the same for the same epoch.
func change(t *testing.T, stores []state.Store, epoch uint64) {
	t.Helper()
	g := rand.New(rand.NewPCG(1, epoch))
	for _, store := range stores {
		var changes state.Changes
		for range 8 {
			key, other := []byte{byte(g.IntN(6))}, []byte{byte(g.IntN(6))}
			switch g.IntN(5) {
			case 0:
				changes.Delete(key)
			case 1:
				changes.DeleteRange(key, other)
			case 2:
				changes.DeleteRange(append(key, 1), nil)
			default:
				changes.Set(key, fmt.Append(nil, epoch))
			}
		}
		if err := store.Apply(&changes); err != nil {
			t.Fatal(err)
		}
	}
}

// reference returns what is in stores after each epoch.
func reference(t *testing.T, epochs uint64) []map[string]string {
	t.Helper()
	stores := openedStores(t, memstate.New())
	out := []map[string]string{{}}
	for epoch := range epochs {
		change(t, stores, epoch)
		out = append(out, contents(t, stores))
	}
	return out
}

func TestChangesAreThereAfterTheirCommitAndInTheStoresOfTheRoot(t *testing.T) {
	root := memstate.New()
	want := reference(t, 20)
	j, stores := opened(t, root)
	for epoch := range uint64(20) {
		change(t, stores, epoch)
		if got := contents(t, stores); !maps.Equal(got, want[epoch]) {
			t.Fatalf("before the commit of epoch %d there is %v, want %v", epoch, got, want[epoch])
		}
		if err := j.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, stores, j)
	if got := contents(t, openedStores(t, root)); !maps.Equal(got, want[20]) {
		t.Errorf("the root has %v, want %v", got, want[20])
	}
}

func TestACrashAtAnyPointOfACommitLeavesAllOfItOrNothing(t *testing.T) {
	const epochs = 3
	want := reference(t, epochs)
	outcomes := map[string]int{}
	for left := range 12 {
		for _, after := range []bool{false, true} {
			for _, alone := range []bool{false, true} {
				root := memstate.New()
				reached := crash(t, &crashing{root, left + 1, after}, epochs) // opening clears the journal
				got := recovered(t, root, alone)
				switch {
				case maps.Equal(got, want[reached]):
					outcomes["none"]++
				case maps.Equal(got, want[min(reached+1, epochs)]):
					outcomes["all"]++
				default:
					t.Errorf("after %d writes, the last %t: epoch %d left %v, want %v or %v", left, after, reached, got, want[reached], want[reached+1])
				}
			}
		}
	}
	if outcomes["none"] == 0 || outcomes["all"] == 0 {
		t.Errorf("the crashes had no variety: %v", outcomes)
	}
}

// crash runs epochs until the root crashes, and returns how many were committed.
func crash(t *testing.T, doomed *crashing, epochs int) (reached int) {
	t.Helper()
	j, stores := opened(t, doomed)
	for reached < epochs {
		change(t, stores, uint64(reached)) //nolint:gosec // few
		if err := j.Commit(); err != nil {
			if again := j.Commit(); !errors.Is(again, errCrash) {
				t.Errorf("a journal that is broken takes another commit: %v", again)
			}
			break
		}
		reached++
	}
	closed(t, stores, j)
	return reached
}

func recovered(t *testing.T, root state.Root, alone bool) map[string]string {
	t.Helper()
	if alone {
		if err := journal.Recover(root); err != nil {
			t.Fatal(err)
		}
		return contents(t, openedStores(t, root))
	}
	j, stores := opened(t, root)
	defer closed(t, stores, j)
	return contents(t, stores)
}

func TestARootWithoutAJournalIsLeftAlone(t *testing.T) {
	root := memstate.New()
	if err := journal.Recover(root); err != nil {
		t.Fatal(err)
	}
	if there, err := root.Has("journal"); there || err != nil {
		t.Errorf("there is a journal now: %v", err)
	}
}

func TestOneProcessHasAJournal(t *testing.T) {
	root := memstate.New()
	opened(t, root)
	if _, err := journal.Open(root); err == nil {
		t.Error("two have it")
	}
}

func TestADamagedJournalIsRefused(t *testing.T) {
	for name, value := range map[string][]byte{"short": {0, 5}, "kind": {9, 0}, "no value": {0, 1, 'k'}} {
		root := memstate.New()
		store, err := root.Open("journal")
		if err != nil {
			t.Fatal(err)
		}
		var changes state.Changes
		changes.Set([]byte("\x00\x00\x00\x00a-0"), value)
		if err := store.Apply(&changes); err != nil {
			t.Fatal(err)
		}
		closed(t, []state.Store{store})
		if err := journal.Recover(root); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
