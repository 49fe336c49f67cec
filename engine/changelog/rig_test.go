package changelog_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/pyudf/pyudf/engine/changelog"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/memstate"
)

// topic is a changelog of one partition. Offsets have gaps, as transactions leave them.
type topic struct {
	low, end int64
	offsets  []int64
	values   [][]byte
}

func (l *topic) Bounds(context.Context, record.Partition) (low, end int64, err error) {
	return l.low, l.end, nil
}

func (l *topic) Read(_ context.Context, _ record.Partition, from int64, take func(next int64, value []byte) error) (int64, error) {
	for i, offset := range l.offsets {
		if offset < from {
			continue
		}
		value := append([]byte{}, l.values[i]...)
		if err := take(offset+1, value); err != nil {
			return 0, err
		}
		clear(value) // it was valid during the call only
	}
	return l.end, nil
}

func (l *topic) append(values ...[]byte) {
	for _, value := range values {
		l.offsets, l.values = append(l.offsets, l.end), append(l.values, value)
		l.end++
	}
}

// mark adds what a transaction leaves at its end.
func (l *topic) mark() { l.end++ }

// records returns the values of an epoch.
func records(w *changelog.Writer, changes *state.Changes) [][]byte {
	messages := w.Epoch(changes, partition.Index, 1)
	var out [][]byte
	for i := range messages.Len() {
		out = append(out, messages.Values.At(i))
	}
	return out
}

var partition = record.Partition{Topic: "app-stage-1-changelog", Index: 3} //nolint:gochecknoglobals // a constant

// opened returns an empty store.
func opened(t testing.TB) state.Store {
	t.Helper()
	store, err := memstate.New().Open("a")
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// contents are the keys of a store but the tag.
func contents(t testing.TB, store state.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := store.Scan(nil, func(key, value []byte) error {
		all[string(key)] = string(value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(all, func(key, _ string) bool { return changelog.Own([]byte(key)) })
	return all
}

func restored(t testing.TB, log changelog.Log, config changelog.RestoreConfig) changelog.Result {
	t.Helper()
	config.Partition = partition
	result, err := changelog.Restore(t.Context(), log, config)
	if err != nil {
		t.Fatal(err)
	}
	if at, err := changelog.At(config.Store); at != result.Next || err != nil {
		t.Errorf("the store is tagged with %d (%v), and the restore came to %d", at, err, result.Next)
	}
	return result
}

func expect(t testing.TB, store state.Store, want map[string]string) {
	t.Helper()
	if got := contents(t, store); !maps.Equal(got, want) {
		t.Errorf("the store has %s, want %s", brief(got), brief(want))
	}
}

func brief(all map[string]string) string {
	text := fmt.Appendf(nil, "%d keys: ", len(all))
	for key, value := range all {
		text = fmt.Appendf(text, "%.8q=%d:%.8q ", key, len(value), value)
	}
	return fmt.Sprintf("%.600s", text)
}

// change makes random changes of all kinds.
func change(g *rand.Rand) *state.Changes {
	changes := &state.Changes{}
	for range g.IntN(12) {
		switch key, other := randomKey(g), randomKey(g); g.IntN(12) {
		case 0, 1:
			changes.Delete(key)
		case 2:
			changes.DeleteRange(key, other)
		case 3:
			changes.DeleteRange(key, nil)
		case 4:
			changes.Set(key, make([]byte, g.IntN(3*changelog.PieceBytes)))
		default:
			changes.Set(key, fmt.Append(nil, g.Uint64()))
		}
	}
	return changes
}

// randomKey returns one of few keys, also the empty one.
func randomKey(g *rand.Rand) []byte {
	key := make([]byte, g.IntN(3))
	for i := range key {
		key[i] = "\x00mstwx\xff"[g.IntN(7)]
	}
	return key
}
