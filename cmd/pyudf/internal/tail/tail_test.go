package tail_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/tail"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/source/sourcetest"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew") //nolint:gochecknoglobals // a flag

var (
	heat = record.Partition{Topic: "heat", Index: 2}      //nolint:gochecknoglobals // a constant
	dead = record.Partition{Topic: "heat.dlq", Index: 0}  //nolint:gochecknoglobals // a constant
	late = record.Partition{Topic: "heat.late", Index: 1} //nolint:gochecknoglobals // a constant
)

// message is one record of a batch.
type message struct {
	time       int64
	key, value []byte
	headers    []record.Header
}

func batch(partition record.Partition, first int64, messages ...message) *record.Batch {
	b := &record.Batch{Partition: partition, Headers: [][]record.Header{}}
	for i, m := range messages {
		b.Offsets = append(b.Offsets, first+int64(i))
		b.Times = append(b.Times, m.time)
		b.Keys.Append(m.key)
		b.Values.Append(m.value)
		b.Headers = append(b.Headers, m.headers)
	}
	return b
}

func variety() []source.Event {
	const traceback = "Traceback (most recent call last):\n  File \"heat.py\", line 12, in heat_index\n    1 / rh\nZeroDivisionError: division by zero\n"
	return []source.Event{
		{Assigned: []record.Partition{heat, dead, late}},
		{Records: batch(
			heat, 1042,
			message{time: 1374170400000, key: []byte("LGA"), value: []byte(`{"station":"LGA", "heat_index":103.6000, "n":9007199254740993}`)},
			message{time: 1374170400250, key: nil, value: []byte("plain <text> & more")},
			message{time: -1, key: []byte{0xff, 0}, value: []byte{0xff}},
			message{time: 0, key: []byte(""), value: nil},
			message{time: 0, key: []byte("two"), value: []byte("a\nb\x1b[2J"), headers: []record.Header{{Key: "a", Value: []byte("1")}, {Key: "a", Value: nil}}},
		)},
		{Records: batch(dead, 3, message{time: 1374170400000, key: []byte("JFK"), value: []byte(`{"rh":0}`), headers: []record.Header{
			{Key: "reason", Value: []byte("raised")}, {Key: "function", Value: []byte("heat_index")}, {Key: "traceback", Value: []byte(traceback)},
		}})},
		{Records: batch(late, 7,
			message{time: 1374170399000, key: []byte("JFK"), value: []byte(`{"temp_f":90}`), headers: lateHeaders("1374170390000", "1374170400000", "1374170465000", "66000")},
			message{time: 1374170399000, key: []byte("LGA"), value: []byte(`{"temp_f":91}`), headers: lateHeaders("-9223372036854775808", "9223372036854775807", "soon", "")},
		)},
		{Ended: []record.Partition{heat}},
		{Ended: []record.Partition{dead}},
		{Ended: []record.Partition{late}},
	}
}

// lateHeaders are those of a record that came too late.
func lateHeaders(start, end, watermark, lateness string) []record.Header {
	return []record.Header{
		{Key: "trace", Value: []byte("a1")},
		{Key: "pyudf.step", Value: []byte("agg(mean)")},
		{Key: "pyudf.window_start", Value: []byte(start)},
		{Key: "pyudf.window_end", Value: []byte(end)},
		{Key: "pyudf.watermark", Value: []byte(watermark)},
		{Key: "pyudf.lateness_ms", Value: []byte(lateness)},
	}
}

func show(t *testing.T, options tail.Options, events ...source.Event) string {
	t.Helper()
	from := sourcetest.New()
	from.Push(events...)
	var out bytes.Buffer
	if err := tail.Show(t.Context(), from, &out, options); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestRecordsReadAsTheGoldenOnes(t *testing.T) {
	for golden, options := range map[string]tail.Options{"testdata/records.text": {}, "testdata/records.jsonl": {JSON: true}} {
		got := show(t, options, variety()...)
		if *rewrite {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs (-rewrite writes it anew); got\n%s", golden, got)
		}
	}
}

func TestEveryJSONLineIsAnObject(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(show(t, tail.Options{JSON: true}, variety()...)), "\n")
	if len(lines) != 8 {
		t.Fatalf("got %d lines, want 8", len(lines))
	}
	for _, line := range lines {
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestAKeyIsPickedFromAllRecords(t *testing.T) {
	key, empty := "two", ""
	if got := show(t, tail.Options{Key: &key}, variety()...); strings.Count(got, "2:1046") != 1 || strings.Contains(got, "1042") {
		t.Errorf("for the key two came\n%s", got)
	}
	if got := show(t, tail.Options{Key: &empty}, variety()...); got != "1970-01-01T00:00:00Z  2:1045    -\n" {
		t.Errorf("for the empty key came %q, want its record and not that without a key", got)
	}
}

func TestTheLimitEndsBeforeTheEnd(t *testing.T) {
	got := show(t, tail.Options{Limit: 2}, variety()[:2]...)
	if strings.Count(got, "\n") != 2 {
		t.Fatalf("got\n%s\nwant 2 records", got)
	}
}

func TestNoRecordsAtAllEnd(t *testing.T) {
	if got := show(t, tail.Options{}, source.Event{Assigned: []record.Partition{heat}}, source.Event{Ended: []record.Partition{heat}}); got != "" {
		t.Fatalf("got %q", got)
	}
}

func TestAnInterruptionIsNoError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tail.Show(ctx, sourcetest.New(), &bytes.Buffer{}, tail.Options{}); err != nil {
		t.Fatal(err)
	}
}

func TestAFailingSourceIsAnError(t *testing.T) {
	boom := errors.New("boom")
	from := sourcetest.New()
	from.Fail(boom)
	if err := tail.Show(t.Context(), from, &bytes.Buffer{}, tail.Options{}); !errors.Is(err, boom) {
		t.Fatalf("got %v, want boom", err)
	}
}

func TestOffsetsAreReadAsKafkaNamesThem(t *testing.T) {
	for text, want := range map[string]int64{"earliest": -2, "latest": -1, "0": 0, "17": 17, "-1": -2001, "-10": -2010} {
		if got, err := tail.Offset(text); err != nil || got != want {
			t.Errorf("%s: got %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "first", "1.5", "-9999999999"} {
		if _, err := tail.Offset(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestPositionsAreThoseOfAllPartitionsOrTheOneAskedFor(t *testing.T) {
	all, err := tail.Positions("heat", 3, -1, 7)
	if err != nil || len(all) != 3 || all[2] != (record.Position{Partition: heat, Offset: 7}) {
		t.Errorf("got %v (%v)", all, err)
	}
	one, err := tail.Positions("heat", 3, 2, 7)
	if err != nil || len(one) != 1 || one[0] != all[2] {
		t.Errorf("got %v (%v)", one, err)
	}
	_, err = tail.Positions("heat", 3, 3, 7)
	if err == nil || err.Error() != "--partition 3: heat has the partitions 0 to 2" {
		t.Errorf("got %v", err)
	}
}
