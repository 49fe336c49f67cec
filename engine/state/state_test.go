package state_test

import (
	"bytes"
	"encoding/binary"
	"errors"
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
