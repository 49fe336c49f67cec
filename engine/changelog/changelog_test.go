package changelog_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/changelog"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state"
)

func TestARestoredStoreIsAsTheChangesMadeIt(t *testing.T) {
	huge := 0
	for seed := range uint64(60) {
		g := rand.New(rand.NewPCG(seed, 5))
		log, want := &topic{}, opened(t)
		w := changelog.NewWriter()
		for range 1 + g.IntN(20) {
			if g.IntN(5) == 0 { // another process goes on
				w = changelog.NewWriter()
			}
			changes := change(g)
			if err := want.Apply(changes); err != nil {
				t.Fatal(err)
			}
			values := records(w, changes)
			if len(values) > 1 {
				huge++
			}
			log.append(values...)
			log.mark()
		}
		store := opened(t)
		result := restored(t, log, changelog.RestoreConfig{Store: store, From: -1, BatchBytes: 1 << g.IntN(24)})
		if result.Next != log.end || result.Records != int64(len(log.values)) {
			t.Errorf("seed %d: the restore came to %d of %d, with %d records of %d", seed, result.Next, log.end, result.Records, len(log.values))
		}
		expect(t, store, contents(t, want))
	}
	if huge == 0 {
		t.Error("no epoch had several pieces")
	}
}

func TestARestoreGoesOnWhereTheStoreIsComplete(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 1))
	log, want, store := &topic{}, opened(t), opened(t)
	w := changelog.NewWriter()
	for range 40 {
		from, err := changelog.At(store)
		if err != nil {
			t.Fatal(err)
		}
		changes := change(g)
		if err := want.Apply(changes); err != nil {
			t.Fatal(err)
		}
		values := records(w, changes)
		log.append(values...)
		log.mark()
		result := restored(t, log, changelog.RestoreConfig{Store: store, From: from})
		if result.Records != int64(len(values)) {
			t.Errorf("%d records were read of %d", result.Records, len(values))
		}
		expect(t, store, contents(t, want))
	}
}

func TestATagSurvivesTheChangesBeforeIt(t *testing.T) {
	log, store := &topic{}, opened(t)
	changes := set("a", "old", "b", "old")
	changes.DeleteRange(nil, nil)
	changes.Set([]byte("b"), []byte("new"))
	log.append(records(changelog.NewWriter(), changes)...)
	restored(t, log, changelog.RestoreConfig{Store: store, From: -1})
	expect(t, store, map[string]string{"b": "new"})
}

func TestAStoreIsMarkedWithItsChanges(t *testing.T) {
	store := opened(t)
	if at, err := changelog.At(store); at != -1 || err != nil {
		t.Errorf("an empty store is complete up to %d, %v", at, err)
	}
	changes := set("k", "v")
	changelog.Mark(changes, 1<<40)
	if err := store.Apply(changes); err != nil {
		t.Fatal(err)
	}
	if at, err := changelog.At(store); at != 1<<40 || err != nil {
		t.Errorf("the store is complete up to %d, %v", at, err)
	}
	for _, damaged := range []string{"", "\x01", "\x80", "\x02\x02"} {
		if err := store.Apply(set(changelog.Tag, damaged)); err != nil {
			t.Fatal(err)
		}
		if at, err := changelog.At(store); err == nil {
			t.Errorf("the tag %q is taken for %d", damaged, at)
		}
	}
}

func TestAnEpochIsCutIntoRecordsOfTheSize(t *testing.T) {
	changes := &state.Changes{}
	changes.Set([]byte("k"), make([]byte, 3*changelog.PieceBytes))
	messages := changelog.NewWriter().Epoch(changes, 5, 1234)
	if messages.Len() != 4 {
		t.Fatalf("%d records", messages.Len())
	}
	for i := range messages.Len() {
		if size := len(messages.Values.At(i)); size > changelog.PieceBytes+64 {
			t.Errorf("record %d has %d bytes", i, size)
		}
		if !messages.Keys.IsNull(i) || messages.Times[i] != 1234 || messages.Partitions[i] != 5 {
			t.Errorf("record %d has the key %q, time %d, partition %d", i, messages.Keys.At(i), messages.Times[i], messages.Partitions[i])
		}
	}
	if empty := changelog.NewWriter().Epoch(&state.Changes{}, 5, 1234); empty.Len() != 0 {
		t.Errorf("an epoch without changes has %d records", empty.Len())
	}
}

// set returns changes that set keys.
func set(pairs ...string) *state.Changes {
	changes := &state.Changes{}
	for i := 0; i < len(pairs); i += 2 {
		changes.Set([]byte(pairs[i]), []byte(pairs[i+1]))
	}
	return changes
}

// long returns changes of three records that set a key.
func long(key, value string) *state.Changes {
	changes := set("long", strings.Repeat("x", 2*changelog.PieceBytes))
	changes.Set([]byte(key), []byte(value))
	return changes
}

func TestWhatIsNotAWholeEpochIsDropped(t *testing.T) {
	x := strings.Repeat("x", 2*changelog.PieceBytes)
	a, b := changelog.NewWriter(), changelog.NewWriter()
	a0, a1, a2 := records(a, set("k", "a0")), records(a, long("k", "a1")), records(a, set("k", "a2"))
	b0, b1 := records(b, long("k", "b0")), records(b, set("k", "b1"))
	for name, c := range map[string]struct {
		log  [][]byte
		want map[string]string
		next int64
	}{
		"whole":                             {join(a0, a1, a2), map[string]string{"k": "a2", "long": x}, 5},
		"torn at the end":                   {join(a0, a1[:2]), map[string]string{"k": "a0"}, 1},
		"torn, then another writer":         {join(a0, a1[:2], b0, b1), map[string]string{"k": "b1", "long": x}, 7},
		"torn, then another writer, torn":   {join(a0, a1[:2], b0[:1]), map[string]string{"k": "a0"}, 1},
		"without its first piece":           {join(a0, a1[1:]), map[string]string{"k": "a0"}, 3},
		"without a piece":                   {join(a0, a1[:1], a1[2:]), map[string]string{"k": "a0"}, 1},
		"one within another":                {join(a0, a1[:1], b0[:2], a1[1:], b0[2:]), map[string]string{"k": "b0", "long": x}, 7},
		"a piece of an unknown writer":      {join(a0, a1[:1], b0[1:2], a1[1:]), map[string]string{"k": "a1", "long": x}, 5},
		"one who was replaced writes on":    {join(a0, b0, a1, a2), map[string]string{"k": "b0", "long": x}, 8},
		"a piece twice":                     {join(a0, a1[:2], a1[1:]), map[string]string{"k": "a1", "long": x}, 5},
		"an epoch twice":                    {join(a0, a1, a2, a1), map[string]string{"k": "a2", "long": x}, 8},
		"an epoch that was begun once more": {join(a0, a1[:2], a1), map[string]string{"k": "a1", "long": x}, 6},
	} {
		log, store := &topic{}, opened(t)
		log.append(c.log...)
		if result := restored(t, log, changelog.RestoreConfig{Store: store, From: -1, BatchBytes: 1}); result.Next != c.next {
			t.Errorf("%s: the store is complete up to %d, want %d", name, result.Next, c.next)
		}
		t.Log(name)
		expect(t, store, c.want)
	}
}

func join(epochs ...[][]byte) (all [][]byte) {
	for _, epoch := range epochs {
		all = append(all, epoch...)
	}
	return all
}

func TestACrashAtAnyRecordLeavesWholeEpochs(t *testing.T) {
	g := rand.New(rand.NewPCG(3, 3))
	log, want := &topic{}, opened(t)
	states := map[int64]map[string]string{0: {}}
	w := changelog.NewWriter()
	for range 30 {
		changes := change(g)
		if err := want.Apply(changes); err != nil {
			t.Fatal(err)
		}
		log.append(records(w, changes)...)
		states[log.end] = contents(t, want)
	}
	edge := int64(0)
	for at := range log.end {
		if states[at] != nil {
			edge = at
		}
		torn, store := &topic{end: at, offsets: log.offsets[:at], values: log.values[:at]}, opened(t)
		if result := restored(t, torn, changelog.RestoreConfig{Store: store, From: -1, BatchBytes: 1 << 20}); result.Next != edge {
			t.Errorf("the store is complete up to %d, want %d of %d", result.Next, edge, at)
		}
		expect(t, store, states[edge])
	}
}

func TestAChangelogThatDoesNotReachTheStateIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		from, low, end int64
		want           error
	}{
		"nothing is there, nothing is needed": {-1, 0, 0, nil},
		"all was deleted, all is there":       {9, 9, 9, nil},
		"an empty store":                      {-1, 1, 9, changelog.ErrGap},
		"an old store":                        {4, 5, 9, changelog.ErrGap},
		"the last one before":                 {5, 5, 9, nil},
		"made anew":                           {5, 0, 0, changelog.ErrForeign},
		"of another cluster":                  {10, 0, 9, changelog.ErrForeign},
	} {
		store := opened(t)
		if err := store.Apply(set("k", "v")); err != nil {
			t.Fatal(err)
		}
		_, err := changelog.Restore(t.Context(), &topic{low: c.low, end: c.end}, changelog.RestoreConfig{Partition: partition, Store: store, From: c.from})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && !strings.Contains(err.Error(), "app-stage-1-changelog [3]") {
			t.Errorf("%s: the partition is not named: %v", name, err)
		}
		expect(t, store, map[string]string{"k": "v"})
	}
}

func TestDamageNamesItsPlace(t *testing.T) {
	w := changelog.NewWriter()
	first, second, third := records(w, set("k", "1"))[0], records(w, set("k", "2"))[0], records(w, set("k", "3"))[0]
	for name, c := range map[string]struct {
		value []byte
		want  string
	}{
		"none":             {nil, "not what pyudf wrote"},
		"short":            {second[:5], "not what pyudf wrote"},
		"no numbers":       {second[:9], "not what pyudf wrote"},
		"no piece":         {second[:10], "not what pyudf wrote"},
		"torn changes":     {second[:len(second)-1], "not what pyudf wrote"},
		"of a new version": {append([]byte{2}, second[1:]...), "another version"},
		"one is missing":   {third, "an epoch is missing"},
	} {
		log, store := &topic{}, opened(t)
		log.append(first, c.value)
		_, err := changelog.Restore(t.Context(), log, changelog.RestoreConfig{Partition: partition, Store: store, From: -1})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "app-stage-1-changelog [3]: offset 1:") {
			t.Errorf("%s: %v", name, err)
		}
		expect(t, store, map[string]string{})
	}
}

func TestProgressComesToItsEnd(t *testing.T) {
	log, store := &topic{low: 10, end: 20}, opened(t)
	w := changelog.NewWriter()
	for range 5 {
		log.append(records(w, set("k", "v"))...)
	}
	var seen [][2]int64
	restored(t, log, changelog.RestoreConfig{Store: store, From: 20, Progress: func(done, total int64) {
		seen = append(seen, [2]int64{done, total})
	}})
	want := [][2]int64{{1, 5}, {2, 5}, {3, 5}, {4, 5}, {5, 5}}
	if len(seen) != len(want) {
		t.Fatalf("progress was %v", seen)
	}
	for i := range want {
		if seen[i] != want[i] {
			t.Errorf("progress was %v, want %v", seen, want)
		}
	}
}

// failing is a log that cannot be read to its end.
type failing struct{ topic }

func (f *failing) Read(ctx context.Context, p record.Partition, from int64, take func(int64, []byte) error) (int64, error) {
	if _, err := f.topic.Read(ctx, p, from, take); err != nil {
		return 0, err
	}
	return 0, changelog.ErrGap
}

func TestARestoreThatIsBrokenOffGoesOnThere(t *testing.T) {
	log, store := &failing{}, opened(t)
	w := changelog.NewWriter()
	log.append(join(records(w, set("a", "1")), records(w, set("b", "2")))...)
	config := changelog.RestoreConfig{Partition: partition, Store: store, From: -1, BatchBytes: 1}
	if _, err := changelog.Restore(t.Context(), log, config); !errors.Is(err, changelog.ErrGap) {
		t.Errorf("the restore returned %v", err)
	}
	from, err := changelog.At(store)
	if from != 2 || err != nil {
		t.Errorf("the store is complete up to %d, %v", from, err)
	}
	log.append(records(w, set("c", "3"))...)
	if result := restored(t, &log.topic, changelog.RestoreConfig{Store: store, From: from}); result.Records != 1 {
		t.Errorf("%d records were read again", result.Records)
	}
	expect(t, store, map[string]string{"a": "1", "b": "2", "c": "3"})
}

func FuzzRestore(f *testing.F) {
	w := changelog.NewWriter()
	changes := set("k", "v", "", "")
	changes.Delete([]byte("k"))
	changes.DeleteRange([]byte("a"), nil)
	changes.DeleteRange([]byte("a"), []byte("b"))
	first, second := records(w, changes)[0], records(w, set("k", "w"))[0]
	f.Add(first, second)
	f.Add(second, first)
	f.Add([]byte{}, bytes.Repeat([]byte{0xff}, 30))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		log, store := &topic{}, opened(t)
		log.append(first, second)
		result, err := changelog.Restore(t.Context(), log, changelog.RestoreConfig{Partition: partition, Store: store, From: -1, BatchBytes: 1})
		if err != nil && !strings.Contains(err.Error(), "app-stage-1-changelog [3]: offset ") {
			t.Errorf("the error does not name its place: %v", err)
		}
		if err == nil && (result.Next < 0 || result.Next > 2) {
			t.Errorf("the store is complete up to %d", result.Next)
		}
	})
}
