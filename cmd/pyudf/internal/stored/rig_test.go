package stored_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/stored"
	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/memstate"
	"github.com/pyudf/pyudf/engine/state/pebblestate"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// The times of the stored state.
const (
	noon = 1_714_564_800_000
	hour = 3_600_000
)

func describe(t *testing.T, a keyed.About) []byte {
	t.Helper()
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// count returns the accumulator of a number of records.
func count(t *testing.T, n int) []byte {
	t.Helper()
	column, err := aggregate.New(aggregate.Spec{Op: planv1.AggregateOp_AGGREGATE_OP_COUNT})
	if err != nil {
		t.Fatal(err)
	}
	column.Grow(1)
	for range n {
		column.Add(0, nil, 0, aggregate.Stamp{})
	}
	return column.Append(nil, 0)
}

// kept returns what a function with two states and a timer keeps for a key.
func kept(last, timer int64, states ...[]byte) []byte {
	out := binary.AppendVarint(binary.AppendVarint(nil, last), record.NoTime)
	out = binary.AppendVarint(out, timer)
	for _, s := range states {
		if s == nil {
			out = append(out, 0)
			continue
		}
		out = append(binary.AppendUvarint(out, uint64(len(s))+1), s...)
	}
	return out
}

func timed(prefix string, time int64, number byte, key string) []byte {
	out := binary.BigEndian.AppendUint64([]byte(prefix), uint64(time)^1<<63)
	return append(append(out, number), key...)
}

// sample is the state of a task with a windowed step and a function, as package keyed lays it out.
func sample(t *testing.T) *state.Changes {
	t.Helper()
	cell := append([]byte{4}, "sJFK"...)
	cell = append(cell, 0)
	for _, v := range []int64{noon, noon + hour, record.NoTime, 0, 3, 0, 0} {
		cell = binary.AppendVarint(cell, v)
	}
	clock := binary.AppendVarint(binary.AppendVarint(nil, noon), noon)
	changes := &state.Changes{}
	for at, value := range map[string][]byte{
		"achangelog": binary.AppendVarint(nil, 77), // how far the store is complete, which is no part of the state
		"mposition":  binary.AppendVarint(nil, 42),
		"mclock":     append(clock, 0),
		"mshape/3":   []byte("windows of count"),
		"mabout/3": describe(t, keyed.About{
			At: "heat.py:12", Key: []string{"station"}, Windows: "windows of 1h",
			Aggregates: []keyed.AboutAggregate{{Name: "n", Op: "AGGREGATE_OP_COUNT", Argument: "unknown"}},
		}),
		"mshape/5": []byte("state"),
		"mabout/5": describe(t, keyed.About{
			At: "heat.py:20", Key: []string{"station", "year"}, Function: "alarm", States: []string{"total", "seen"}, Timers: []string{"quiet"},
		}),
		"w3/\x00\x00\x00\x01":   append(cell, count(t, 3)...),
		"s5/j" + `["JFK",2013]`: kept(noon, noon+hour, []byte{0x03}, []byte("\x82\xa1a\x93\x01\xc2\xc0\x07\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00")),
		"s5/j" + `["LGA",2014]`: kept(noon+1, record.NoTime, nil, []byte("\xff\xfe")),
		"empty":                 nil,
	} {
		changes.Set([]byte(at), value)
	}
	changes.Set(timed("t5/", noon+hour, 0, `j["JFK",2013]`), nil)
	return changes
}

func open(t *testing.T, root state.Root, name string) state.Store {
	t.Helper()
	store, err := root.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() }) // closed twice at most
	return store
}

// filled returns a root with the sample in a store.
func filled(t *testing.T, name string) (state.Root, state.Store) {
	t.Helper()
	root := memstate.New()
	store := open(t, root, name)
	if err := store.Apply(sample(t)); err != nil {
		t.Fatal(err)
	}
	return root, store
}

func export(t *testing.T, stores map[string]state.Store) []byte {
	t.Helper()
	var out bytes.Buffer
	x := stored.NewExport(&out, stored.Origin{Cluster: "c1", Group: "heat"})
	for name, store := range stores {
		if err := x.Add(name, store); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func openFile(t *testing.T, data []byte) *stored.File {
	t.Helper()
	file, err := stored.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func dump(t *testing.T, store state.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := store.Scan(nil, func(at, value []byte) error {
		all[string(at)] = string(value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// place imports a file.
func place(t *testing.T, data []byte, into state.Installer) {
	t.Helper()
	scratch := t.TempDir()
	root, err := pebblestate.Open(filepath.Join(scratch, "stores"), pebblestate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close() //nolint:errcheck // of a test
	im, err := openFile(t, data).Build(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range im.Names() {
		if err := im.Install(into, name, scratch); err != nil {
			t.Fatal(err)
		}
	}
	if err := im.Close(); err != nil {
		t.Fatal(err)
	}
}
