package state_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"iter"
	"testing"

	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/memstate"
)

func TestAfterIsTheFirstKeyBehindAPrefix(t *testing.T) {
	for _, c := range []struct {
		prefix string
		want   []byte
	}{
		{"a", []byte("b")},
		{"ab", []byte("ac")},
		{"a\xff", []byte("b")},
		{"a\xff\xff", []byte("b")},
		{"\x00", []byte("\x01")},
		{"\xff", nil},
		{"\xff\xff", nil},
		{"", nil},
	} {
		prefix := []byte(c.prefix)
		if got := state.After(prefix); !bytes.Equal(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("after %q comes %q, want %q", c.prefix, got, c.want)
		}
		if string(prefix) != c.prefix {
			t.Errorf("%q became %q", c.prefix, prefix)
		}
	}
}

func TestChangesAreListedAsTheyWereMade(t *testing.T) {
	var changes state.Changes
	changes.Set([]byte("a"), []byte("1"))
	changes.Delete([]byte("b"))
	changes.DeleteRange([]byte("c"), []byte("d"))
	changes.DeleteRange(nil, nil)
	changes.Set(nil, nil)
	want := []state.Change{
		{Kind: state.Set, Key: []byte("a"), Value: []byte("1")},
		{Kind: state.Delete, Key: []byte("b")},
		{Kind: state.DeleteRange, Key: []byte("c"), Value: []byte("d")},
		{Kind: state.DeleteRange},
		{Kind: state.Set, Value: []byte{}},
	}
	i := 0
	for got := range changes.All() {
		same := got.Kind == want[i].Kind && bytes.Equal(got.Key, want[i].Key) && bytes.Equal(got.Value, want[i].Value)
		if !same || got.Kind == state.DeleteRange && (got.Value == nil) != (want[i].Value == nil) {
			t.Errorf("change %d is %+v, want %+v", i, got, want[i])
		}
		i++
	}
	if i != changes.Len() || i != len(want) {
		t.Errorf("%d changes of %d", i, changes.Len())
	}
}

func TestARangeUpToTheEmptyKeyIsNotOpen(t *testing.T) {
	var changes state.Changes
	changes.DeleteRange(nil, []byte{})
	for change := range changes.All() {
		if change.Value == nil {
			t.Error("it deletes everything")
		}
	}
}

func TestChangesThatWereEncodedAreTheSame(t *testing.T) {
	var changes, again state.Changes
	changes.DeleteRange([]byte{}, []byte{})
	changes.Set([]byte("a"), []byte("1"))
	changes.Delete([]byte("b"))
	changes.DeleteRange([]byte("c"), []byte("d"))
	changes.DeleteRange(nil, nil)
	changes.Set(nil, bytes.Repeat([]byte("x"), 1000))
	encoded := changes.Append([]byte("before"))[len("before"):]
	if err := state.Decode(encoded, &again); err != nil {
		t.Fatal(err)
	}
	next, stop := iter.Pull(again.All())
	defer stop()
	for want := range changes.All() {
		got, _ := next()
		if got.Kind != want.Kind || !bytes.Equal(got.Key, want.Key) || !bytes.Equal(got.Value, want.Value) || (got.Value == nil) != (want.Value == nil) {
			t.Errorf("%+v became %+v", want, got)
		}
	}
	if again.Len() != changes.Len() {
		t.Errorf("%d changes became %d", changes.Len(), again.Len())
	}
}

func TestDamagedChangesAreRefused(t *testing.T) {
	for name, data := range map[string][]byte{"short": {0, 5}, "kind": {9, 0}, "no value": {0, 1, 'k'}, "no length": {1, 0x80}} {
		if err := state.Decode(data, &state.Changes{}); !errors.Is(err, state.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// ordered is a store that notes whether keys are applied in their order.
type ordered struct {
	state.Store
	last  []byte
	wrong int
}

func (o *ordered) Apply(changes *state.Changes) error {
	for change := range changes.All() {
		if bytes.Compare(change.Key, o.last) < 0 {
			o.wrong++
		}
		o.last = bytes.Clone(change.Key)
	}
	return o.Store.Apply(changes)
}

func TestManyKeysAreCommittedInTheirOrder(t *testing.T) {
	s, err := memstate.New().Open("a")
	if err != nil {
		t.Fatal(err)
	}
	store := &ordered{Store: s}
	o := state.NewOverlay(store)
	for n := range uint64(5000) {
		o.Set(binary.BigEndian.AppendUint64(nil, n*0x9e3779b97f4a7c15), nil)
	}
	if err := o.Commit(); err != nil || store.wrong > 0 || store.last == nil {
		t.Errorf("%d keys came before a lower one (%v)", store.wrong, err)
	}
}

// broken is a store that cannot be written.
type broken struct {
	state.Store
	err error
}

func (b broken) Apply(*state.Changes) error { return b.err }

func TestACommitThatFailsForgetsNothing(t *testing.T) {
	s, err := memstate.New().Open("a")
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("full")
	o := state.NewOverlay(broken{s, full})
	o.Set([]byte("k"), []byte("v"))
	if err := o.Commit(); !errors.Is(err, full) {
		t.Errorf("commit returned %v, want %v", err, full)
	}
	if value, ok, err := o.Get([]byte("k")); string(value) != "v" || !ok || err != nil {
		t.Errorf("k is %q, %v, %v", value, ok, err)
	}
}

func BenchmarkOverlay(b *testing.B) {
	s, err := memstate.New().Open("a")
	if err != nil {
		b.Fatal(err)
	}
	o, key, value := state.NewOverlay(s), make([]byte, 8), make([]byte, 32)
	for n := range uint64(100_000) {
		binary.BigEndian.PutUint64(key, n)
		o.Set(key, value)
	}
	each := func(name string, visit func(n uint64)) {
		b.Run(name, func(b *testing.B) {
			for n := uint64(0); b.Loop(); n++ {
				binary.BigEndian.PutUint64(key, n*0x9e3779b97f4a7c15%100_000)
				visit(n)
			}
		})
	}
	each("set", func(uint64) { o.Set(key, value) })
	each("get", func(uint64) { _, _, _ = o.Get(key) })
	each("scan of 256 keys", func(uint64) { _ = o.Scan(key[:7], func(_, _ []byte) error { return nil }) })
}
