package pebblestate

import (
	"encoding/binary"
	"testing"

	"github.com/pyudf/pyudf/engine/state"
)

// BenchmarkOpen prints what it takes to open a store with some committed state, and to close it.
func BenchmarkOpen(b *testing.B) {
	root := mustOpen(b, b.TempDir(), Config{})
	defer closeRoot(b, root)
	fill(b, mustOpenStore(b, root, "a"), 10_000)
	for b.Loop() {
		if err := mustOpenStore(b, root, "a").Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpenNew prints what it takes to create a store.
func BenchmarkOpenNew(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		root := mustOpen(b, b.TempDir(), Config{})
		b.StartTimer()
		s := mustOpenStore(b, root, "a")
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		closeRoot(b, root)
		b.StartTimer()
	}
}

func BenchmarkCommitOfAThousandWrites(b *testing.B) {
	root := mustOpen(b, b.TempDir(), Config{})
	defer closeRoot(b, root)
	s := mustOpenStore(b, root, "a")
	defer s.Close() //nolint:errcheck // nothing is kept
	o, key, value := state.NewOverlay(s), make([]byte, 8), make([]byte, 32)
	for n := uint64(0); b.Loop(); n++ {
		for i := range uint64(1000) {
			binary.BigEndian.PutUint64(key, (n*1000+i)*0x9e3779b97f4a7c15)
			o.Set(key, value)
		}
		if err := o.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	root := mustOpen(b, b.TempDir(), Config{})
	defer closeRoot(b, root)
	fill(b, mustOpenStore(b, root, "a"), 1_000_000)
	s := mustOpenStore(b, root, "a")
	defer s.Close() //nolint:errcheck // nothing is kept
	key := make([]byte, 8)
	for name, many := range map[string]uint64{"there": 1_000_000, "absent": 1 << 60} {
		b.Run(name, func(b *testing.B) {
			for n := uint64(0); b.Loop(); n++ {
				binary.BigEndian.PutUint64(key, n*0x9e3779b97f4a7c15%many)
				if _, _, err := s.Get(key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// fill gives a store so many keys and closes it.
func fill(b *testing.B, s *store, keys int) {
	b.Helper()
	changes := &state.Changes{}
	for n := range keys {
		changes.Set(binary.BigEndian.AppendUint64(nil, uint64(n)), make([]byte, 32))
		if n%10_000 == 9999 {
			if err := s.Apply(changes); err != nil {
				b.Fatal(err)
			}
			changes.Reset()
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
