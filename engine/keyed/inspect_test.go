package keyed_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/fold"
	"github.com/pyudf/pyudf/engine/key"
	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/memstate"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// shown is what an inspector makes of a store, an entry a line.
func shown(t *testing.T, store state.Store) (*keyed.Inspector, []string) {
	t.Helper()
	in, err := keyed.Inspect(store)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	err = store.Scan(nil, func(at, value []byte) error {
		e, err := in.Entry(at, value)
		if err != nil || e.Kind == keyed.EntryTask {
			return err
		}
		lines = append(lines, strings.Join(strings.Fields(line(&e)), " "))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return in, lines
}

func line(e *keyed.Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Kind, key.AppendValue(nil, e.Key))
	if e.Start != record.NoTime {
		fmt.Fprintf(&b, " [%d,%d)", e.Start, e.End)
	}
	if e.Kind == keyed.EntryWindow {
		fmt.Fprintf(&b, " of %d", e.Rows)
	}
	if e.Last != record.NoTime {
		fmt.Fprintf(&b, " last %d", e.Last)
	}
	for _, v := range append(slices.Clone(e.Aggregates), e.States...) {
		fmt.Fprintf(&b, " %s=%s", v.Name, v.Value)
	}
	for _, timer := range e.Timers {
		fmt.Fprintf(&b, " %s@%d", timer.Name, timer.Time)
	}
	return b.String()
}

func requireLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestOpenWindowsAreReadWithoutTheApp(t *testing.T) {
	w := newWorld(t, &app{window: tumbling(10), time: fieldTime(5), inputs: 1})
	w.feed(0, "a@1 b@3 a@12")
	w.commit(w.sources[0])
	in, lines := shown(t, w.sources[0].config.Store)
	if in.Position != 3 || in.Watermark != 7 || len(in.Steps) != 1 {
		t.Errorf("got position %d, watermark %d and %d steps", in.Position, in.Watermark, len(in.Steps))
	}
	about := in.Steps[0]
	if about.Windows != "windows of 10ms" || !slices.Equal(about.Key, []string{"k"}) || !strings.Contains(about.Shape, "count") {
		t.Errorf("got %+v", about)
	}
	requireLines(t, lines,
		`window "a" [0,10) of 1 n=1 ids=[0]`, `window "b" [0,10) of 1 n=1 ids=[1]`, `window "a" [10,20) of 1 n=1 ids=[2]`)
}

func TestAWindowWithoutBoundsHasNone(t *testing.T) {
	global := &planv1.Window{Kind: &planv1.Window_Global{Global: &planv1.Global{}}}
	w := newWorld(t, &app{window: global, emit: planv1.EmitMode_EMIT_MODE_UPDATES, time: fieldTime(5), inputs: 1, ownKey: true})
	w.feed(0, "a@1")
	w.commit(w.sources[0])
	_, lines := shown(t, w.sources[0].config.Store)
	requireLines(t, lines, `window "a" of 1 n=1 ids=[0]`)
}

func TestWhatAFunctionKeepsIsReadWithoutTheApp(t *testing.T) {
	a, b := "a", "b"
	events := []event{{K: &a, ID: 7, TS: 10, OK: true, Do: setsB, In: 90}, {K: &a, ID: 8, TS: 12, OK: true, Do: isSilent}, {K: &b, ID: 9, TS: 11, OK: true, Do: clears}}
	x := newFlowing(t, &keeps{bound: 5, ttl: [2]uint64{40, 40}}, events)
	x.take(len(events))
	x.save()
	in, lines := shown(t, x.config.Store)
	about := in.Steps[0]
	if about.Function != "f" || !slices.Equal(about.States, []string{"n", "log"}) || !slices.Equal(about.Timers, []string{"a", "b"}) || in.Watermark != 7 {
		t.Errorf("got %+v at %d", about, in.Watermark)
	}
	requireLines(t, lines,
		`state "a" last 12 n=2 log=7,8, b@100`, `state "b" last 11`, `timer "a" b@100`, `expiry "a" @60`, `expiry "b" @60`)
}

func TestStateThatSaysNothingOfItselfIsReadAsFarAsItCan(t *testing.T) {
	a := "a"
	x := newFlowing(t, &keeps{bound: 5}, []event{{K: &a, ID: 7, TS: 10, OK: true, Do: setsB, In: 90}})
	x.take(1)
	x.save()
	var forget state.Changes
	forget.DeleteRange([]byte("mabout/"), state.After([]byte("mabout/")))
	if err := x.config.Store.Apply(&forget); err != nil {
		t.Fatal(err)
	}
	_, lines := shown(t, x.config.Store)
	requireLines(t, lines, `state "a"`, `timer "a" @100`)
}

func TestRowsOfAUsersFunctionAreShownAsTheyWereKept(t *testing.T) {
	column := fold.New(false)
	column.Grow(1)
	values := record.NewBuilder(record.JSON, 1)
	values.Text([]byte(`{"v":1}`))
	rows := values.Column()
	column.Add(0, &rows, 0, stamp(4))
	column.Add(0, &rows, 0, stamp(3))
	saved := append([]byte{2, 's', 'a', 0}, make([]byte, 7)...) // a cell of the key "a" at the moment 0
	changes := &state.Changes{}
	changes.Set([]byte("mshape/2"), []byte("shape"))
	about, err := json.Marshal(keyed.About{Windows: "windows", Aggregates: []keyed.AboutAggregate{{Name: "spread", Function: "spread"}}})
	if err != nil {
		t.Fatal(err)
	}
	changes.Set([]byte("mabout/2"), about)
	changes.Set([]byte("w2/\x00\x00\x00\x01"), column.Append(saved, 0))
	store := newStore(t)
	if err := store.Apply(changes); err != nil {
		t.Fatal(err)
	}
	_, lines := shown(t, store)
	requireLines(t, lines, `window "a" [0,0) of 0 spread={"rows":[{"v":1},{"v":1}]}`)
}

func TestDamagedStateIsAnError(t *testing.T) {
	changes := &state.Changes{}
	changes.Set([]byte("mshape/2"), []byte("shape"))
	changes.Set([]byte("mabout/2"), []byte(`{"function":"f","states":["n"],"timers":["a"]}`))
	store := newStore(t)
	if err := store.Apply(changes); err != nil {
		t.Fatal(err)
	}
	in, err := keyed.Inspect(store)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"w2/\x00\x00\x00\x01", "s2/sa", "t2/short", "x2/"} {
		if e, err := in.Entry([]byte(at), []byte{0xff}); err == nil {
			t.Errorf("%q: got %+v", at, e)
		}
	}
	changes.Set([]byte("mabout/2"), []byte("{"))
	if err := store.Apply(changes); err != nil {
		t.Fatal(err)
	}
	if _, err := keyed.Inspect(store); err == nil {
		t.Error("a damaged description was taken")
	}
}

func stamp(time int64) aggregate.Stamp { return aggregate.Stamp{Time: time} }

func newStore(t *testing.T) state.Store {
	t.Helper()
	store, err := memstate.New().Open("state")
	if err != nil {
		t.Fatal(err)
	}
	return store
}
