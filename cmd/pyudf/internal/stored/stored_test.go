package stored_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/stored"
	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/memstate"
	"github.com/pyudf/pyudf/engine/state/pebblestate"
)

func TestExportImportExportIsTheIdentity(t *testing.T) {
	_, store := filled(t, "topic-weather-0")
	_, other := filled(t, "topic-weather-10")
	first := export(t, map[string]state.Store{"topic-weather-10": other, "topic-weather-0": store})
	into, err := pebblestate.Open(t.TempDir(), pebblestate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer into.Close() //nolint:errcheck // of a test
	place(t, first, into)
	for _, name := range []string{"topic-weather-0", "topic-weather-10"} {
		imported := open(t, into, name)
		want := dump(t, store)
		delete(want, "achangelog")
		got := dump(t, imported)
		if _, marked := got[stored.Imported]; !marked {
			t.Errorf("%s has no mark of an import", name)
		}
		delete(got, stored.Imported)
		if len(got) != len(want) {
			t.Errorf("%s has %d keys, want %d", name, len(got), len(want))
		}
		for at, value := range want {
			if now, there := got[at]; !there || now != value {
				t.Errorf("%s: %q is %q, want %q", name, at, now, value)
			}
		}
		if again, once := export(t, map[string]state.Store{name: imported}), export(t, map[string]state.Store{name: store}); !bytes.Equal(again, once) {
			t.Errorf("%s: the second export differs from the first", name)
		}
	}
}

func TestAnImportReplacesAllThatWasThere(t *testing.T) {
	_, store := filled(t, "topic-weather-0")
	data := export(t, map[string]state.Store{"topic-weather-0": store})
	into, err := pebblestate.Open(t.TempDir(), pebblestate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer into.Close() //nolint:errcheck // of a test
	old := open(t, into, "topic-weather-0")
	changes := &state.Changes{}
	changes.Set([]byte("s5/jgone"), nil)
	if err := errors.Join(old.Apply(changes), old.Close()); err != nil {
		t.Fatal(err)
	}
	place(t, data, into)
	got := dump(t, open(t, into, "topic-weather-0"))
	if _, there := got["s5/jgone"]; there {
		t.Error("a key of before is there")
	}
}

func TestWhatIsExportedCanBeRead(t *testing.T) {
	_, store := filled(t, "topic-weather-0")
	data := export(t, map[string]state.Store{"topic-weather-0": store})
	rows, err := parquet.Read[stored.Row](bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i := range rows {
		row := &rows[i]
		if row.Kind != "task" {
			row.StoreKey, row.StoreValue = nil, nil
			lines = append(lines, text(t, row))
		}
	}
	want := []string{
		`{"Store":"topic-weather-0","Kind":"state","Step":"heat.py:20","Key":"{\"station\":\"JFK\",\"year\":2013}","WindowStart":null,"WindowEnd":null,"Records":null,"Time":1714564800000,"Value":"{\"total\":3,\"seen\":{\"a\":[1,false,null],\"7\":0.5}}","Timers":"{\"quiet\":\"2024-05-01T13:00:00Z\"}","StoreKey":null,"StoreValue":null}`,
		`{"Store":"topic-weather-0","Kind":"state","Step":"heat.py:20","Key":"{\"station\":\"LGA\",\"year\":2014}","WindowStart":null,"WindowEnd":null,"Records":null,"Time":1714564800001,"Value":"{\"seen\":{\"base64\":\"//4=\"}}","Timers":null,"StoreKey":null,"StoreValue":null}`,
		`{"Store":"topic-weather-0","Kind":"timer","Step":"heat.py:20","Key":"{\"station\":\"JFK\",\"year\":2013}","WindowStart":null,"WindowEnd":null,"Records":null,"Time":1714568400000,"Value":null,"Timers":"{\"quiet\":\"2024-05-01T13:00:00Z\"}","StoreKey":null,"StoreValue":null}`,
		`{"Store":"topic-weather-0","Kind":"window","Step":"heat.py:12","Key":"{\"station\":\"JFK\"}","WindowStart":1714564800000,"WindowEnd":1714568400000,"Records":3,"Time":null,"Value":"{\"n\":3}","Timers":null,"StoreKey":null,"StoreValue":null}`,
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

func text(t *testing.T, row *stored.Row) string {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(row); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

func TestFilesThatAreNoStateAreRefused(t *testing.T) {
	type other struct {
		Store string `parquet:"store"`
	}
	var table, newer bytes.Buffer
	if err := parquet.Write(&table, []other{{"a"}}); err != nil {
		t.Fatal(err)
	}
	if err := parquet.Write(&newer, []stored.Row{}, parquet.KeyValueMetadata("pyudf.state", "2")); err != nil {
		t.Fatal(err)
	}
	for want, data := range map[string][]byte{
		"it is no Parquet file":                          []byte("PAR1 no, it is a text PAR1"),
		"it has no column store_key":                     table.Bytes(),
		"it was written by another version of pyudf (2)": newer.Bytes(),
	} {
		_, err := stored.OpenFile(bytes.NewReader(data), int64(len(data)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestAFileWithoutTheRowsOfTheTaskIsRefused(t *testing.T) {
	var out bytes.Buffer
	if err := parquet.Write(&out, []stored.Row{{Store: "topic-weather-0", StoreKey: []byte("s5/ja"), StoreValue: []byte{0}}}); err != nil {
		t.Fatal(err)
	}
	_, err := openFile(t, out.Bytes()).Build(memstate.New())
	if err == nil || !strings.Contains(err.Error(), "the store topic-weather-0: the file lacks rows") {
		t.Errorf("got %v", err)
	}
}

func TestStateOfAnotherAppIsRefused(t *testing.T) {
	_, store := filled(t, "topic-weather-0")
	data := export(t, map[string]state.Store{"topic-weather-0": store})
	im, err := openFile(t, data).Build(memstate.New())
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close() //nolint:errcheck // of a test
	if err := im.Check("topic-weather-0", store); err != nil {
		t.Errorf("its own state is refused: %v", err)
	}
	changes := &state.Changes{}
	changes.Set([]byte("mshape/5"), []byte("another state"))
	if err := store.Apply(changes); err != nil {
		t.Fatal(err)
	}
	if err := im.Check("topic-weather-0", store); !errors.Is(err, keyed.ErrOtherShape) || !strings.Contains(err.Error(), "another state") {
		t.Errorf("got %v", err)
	}
	spread := func(n uint64) {
		changes.Reset()
		changes.Set([]byte("mshape/5"), []byte("state"))
		changes.Set([]byte("mspread"), binary.AppendUvarint(nil, n))
		if err := store.Apply(changes); err != nil {
			t.Fatal(err)
		}
	}
	spread(4)
	if err := im.Check("topic-weather-0", store); err != nil {
		t.Errorf("a file that does not say over how many partitions keys are spread is refused: %v", err)
	}
}
