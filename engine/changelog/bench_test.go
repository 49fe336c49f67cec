package changelog_test

import (
	"encoding/binary"
	"testing"

	"github.com/pyudf/pyudf/engine/changelog"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/pebblestate"
)

// BenchmarkRestore restores a million keys in random order, each written twice, 100 bytes a key.
func BenchmarkRestore(b *testing.B) {
	const keys, epoch = 1_000_000, 50_000
	log, value := &topic{}, make([]byte, 84)
	w := changelog.NewWriter()
	var changes state.Changes
	for n := range uint64(2 * keys) {
		key := binary.BigEndian.AppendUint64([]byte("s1/...../"), (n%keys)*0x9e3779b97f4a7c15)
		changes.Set(key, value)
		if changes.Len() == epoch {
			log.append(records(w, &changes)...)
			changes.Reset()
		}
	}
	b.ResetTimer()
	for b.Loop() {
		root, err := pebblestate.Open(b.TempDir(), pebblestate.Config{})
		if err != nil {
			b.Fatal(err)
		}
		store, err := root.Open("a")
		if err != nil {
			b.Fatal(err)
		}
		restored(b, log, changelog.RestoreConfig{Store: store, From: -1})
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
		if err := root.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(2*keys*float64(b.N)/b.Elapsed().Seconds(), "changes/s")
}
