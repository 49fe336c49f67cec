package harness_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/harness"
	"github.com/pyudf/pyudf/engine/dispatch"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// counting is an app that counts the orders of a courier in windows of 10 s, or of a city.
const counting = `
app: "demo"
sources { id: "orders" topic { name: "orders" format: FORMAT_JSON } key: "courier" time { idle_ms: 60000 } }
%s
steps { id: "agg" input: "%s" aggregate {
  window { tumbling { size_ms: 10000 } }
  columns { name: "n" builtin { op: AGGREGATE_OP_COUNT } }
  emit { %s }
  late { name: "demo.late" format: FORMAT_JSON }
} }
steps { id: "to" input: "agg" to { topic { name: "counts" format: FORMAT_JSON } } }
`

func byCourier(emit string) string { return fmt.Sprintf(counting, "", "orders", emit) }

func byCity() string {
	return fmt.Sprintf(counting, `steps { id: "key" input: "orders" key_by { fields: "city" } }`, "key", "mode: EMIT_MODE_FINAL")
}

const (
	final   = "mode: EMIT_MODE_FINAL"
	updates = "mode: EMIT_MODE_UPDATES"
	early   = "mode: EMIT_MODE_EARLY every_ms: 5000"
)

const copying = `
app: "copy"
sources { id: "file:in.csv" file { path: "in.csv" format: FORMAT_CSV } }
steps { id: "to" input: "file:in.csv" to { file { path: "out.jsonl" format: FORMAT_JSON } } }
`

// idle is a worker that no plan of these tests calls.
type idle struct{}

func (idle) Run(context.Context, *dispatch.Call) (*dispatch.Result, error) {
	return nil, errors.New("nobody calls")
}
func (idle) Kill()                      {}
func (idle) Stop(context.Context) error { return nil }

// tried is a session whose commands must succeed.
type tried struct {
	*harness.Session
	t *testing.T
}

func open(t *testing.T, plan string, partitions int) tried {
	t.Helper()
	parsed := &planv1.Plan{}
	if err := prototext.Unmarshal([]byte(plan), parsed); err != nil {
		t.Fatal(err)
	}
	s, err := harness.New(harness.Config{
		Plan: parsed, Partitions: partitions, Now: 1e12, Logger: slog.New(slog.DiscardHandler),
		Start: func(context.Context) (dispatch.Worker, error) { return idle{}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return tried{s, t}
}

// send pushes orders such as a@5: of courier a, at 5 s. The city of a courier is its first letter.
func (s tried) send(orders ...string) {
	s.t.Helper()
	for _, order := range orders {
		var courier string
		var seconds int64
		if _, err := fmt.Sscanf(strings.Replace(order, "@", " ", 1), "%s %d", &courier, &seconds); err != nil {
			s.t.Fatal(err)
		}
		ms := seconds * 1000
		value := fmt.Appendf(nil, `{"courier":%q,"city":%q}`, courier, courier[:1])
		s.must(harness.Command{Push: &harness.Push{Topic: "orders", Records: []harness.Record{{Value: value, Time: &ms}}}})
	}
}

func (s tried) must(c harness.Command) {
	s.t.Helper()
	if err := s.Do(s.t.Context(), c); err != nil {
		s.t.Fatal(err)
	}
}

// wrote looks, and wants these records in a topic and none in others.
func (s tried) wrote(topic string, want ...string) {
	s.t.Helper()
	s.must(harness.Command{Look: true})
	var got []string
	for name, records := range s.Take() {
		for _, r := range records {
			if name != topic {
				s.t.Errorf("%s has %s", name, r.Value)
			}
			got = append(got, short(r.Value))
		}
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("got %q, want %q", got, want)
	}
}

// short is a result such as a[0,10)=2.
func short(value []byte) string {
	var r struct {
		Courier string `json:"courier"`
		City    string `json:"city"`
		Start   *int64 `json:"window_start"`
		End     int64  `json:"window_end"`
		N       int    `json:"n"`
	}
	if json.Unmarshal(value, &r) != nil || r.Start == nil {
		return string(value)
	}
	return fmt.Sprintf("%s[%d,%d)=%d", r.Courier+r.City, *r.Start/1000, r.End/1000, r.N)
}

func TestALookBetweenEventsSeesWhatIsClosedAndNoMore(t *testing.T) {
	s := open(t, byCourier(final), 1)
	s.send("a@0", "b@9")
	s.wrote("counts")
	s.send("b@10")
	s.wrote("counts", "a[0,10)=1", "b[0,10)=1")
	s.wrote("counts")
	s.must(harness.Command{Finish: true})
	s.wrote("counts", "b[10,20)=1")
}

func TestALateRecordIsSetAside(t *testing.T) {
	s := open(t, byCourier(final), 1)
	s.send("a@5", "a@10", "a@9")
	s.must(harness.Command{Look: true})
	if got := s.Take(); len(got["demo.late"]) != 1 || len(got["counts"]) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestWindowsStayOpenOverARestart(t *testing.T) {
	s := open(t, byCourier(final), 1)
	s.send("a@1")
	s.must(harness.Command{Restart: true})
	s.send("a@2", "a@10")
	s.wrote("counts", "a[0,10)=2")
}

func TestAfterACrashNothingComesTwice(t *testing.T) {
	s := open(t, byCourier(updates), 1)
	s.send("a@1")
	s.wrote("counts", "a[0,10)=1")
	s.send("a@2")
	s.must(harness.Command{Crash: true})
	s.wrote("counts", "a[0,10)=2")
	s.send("a@3")
	s.wrote("counts", "a[0,10)=3")
}

func TestAfterACrashWhatIsOnItsWayToAnotherKeyComesThereOnce(t *testing.T) {
	s := open(t, byCity(), 1)
	s.send("a@1")
	s.wrote("counts")
	s.send("a@2")
	s.must(harness.Command{Crash: true})
	s.must(harness.Command{Finish: true})
	s.wrote("counts", "a[0,10)=2")
}

func TestUpdatesComeOnceALook(t *testing.T) {
	s := open(t, byCourier(updates), 1)
	s.send("a@1", "a@2", "a@3")
	s.wrote("counts", "a[0,10)=3")
}

func TestEarlyResultsComeByTheClock(t *testing.T) {
	s := open(t, byCourier(early), 1)
	s.send("a@1")
	s.wrote("counts")
	for _, want := range [][]string{{"a[0,10)=1"}, nil} {
		s.must(harness.Command{Advance: 5000})
		s.wrote("counts", want...)
	}
	s.send("a@2")
	s.must(harness.Command{Advance: 4000})
	s.wrote("counts")
	s.must(harness.Command{Advance: 1000})
	s.wrote("counts", "a[0,10)=2")
	s.must(harness.Command{Finish: true})
	s.wrote("counts", "a[0,10)=2")
}

func TestAnIdlePartitionClosesItsWindowsByTheClock(t *testing.T) {
	s := open(t, byCourier(final), 1)
	s.send("a@1")
	s.must(harness.Command{Advance: 68_999})
	s.wrote("counts")
	s.must(harness.Command{Advance: 1})
	s.wrote("counts") // ticks are 100 ms apart
	s.must(harness.Command{Advance: 100})
	s.wrote("counts", "a[0,10)=1")
}

func TestAHopOverSeveralPartitionsCountsEveryRecordInTheSameOrderEachTime(t *testing.T) {
	var first []string
	for range 3 {
		s := open(t, byCity(), 4)
		for i := range 40 {
			s.send(fmt.Sprintf("%c%d@%d", 'a'+i%3, i%7, i/4))
		}
		s.must(harness.Command{Finish: true})
		var got []string
		for _, r := range s.Take()["counts"] {
			got = append(got, short(r.Value))
		}
		if first == nil {
			first = got
		}
		if !slices.Equal(got, first) {
			t.Errorf("got %q, then %q", first, got)
		}
		slices.Sort(got)
		if want := []string{"a[0,10)=14", "b[0,10)=13", "c[0,10)=13"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAnAppOfFilesReadsAndWritesTopicsOfTheirNames(t *testing.T) {
	s := open(t, copying, 1)
	s.must(harness.Command{Push: &harness.Push{Topic: "in.csv", Records: []harness.Record{{Value: []byte(`{"a":1}`)}}}})
	s.wrote("out.jsonl", `{"a":1}`)
	s.must(harness.Command{Finish: true})
	s.must(harness.Command{Push: &harness.Push{Topic: "in.csv", Records: []harness.Record{{Value: []byte(`{"a":2}`)}}}})
	s.wrote("out.jsonl", `{"a":2}`)
}

func TestADeadLetterIsSeen(t *testing.T) {
	s := open(t, copying, 1)
	s.must(harness.Command{Push: &harness.Push{Topic: "in.csv", Records: []harness.Record{{Value: []byte(`no json`)}}}})
	s.wrote("copy.dlq", "no json")
}

func TestWhatCannotBePushedIsRefused(t *testing.T) {
	s := open(t, copying, 2)
	two := int32(2)
	for want, push := range map[string]*harness.Push{
		`the app reads no "orders"; it reads in.csv`: {Topic: "orders"},
		"there is no partition 2 of 2":               {Topic: "in.csv", Records: []harness.Record{{Partition: &two}}},
	} {
		err := s.Do(t.Context(), harness.Command{Push: push})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestServeAnswersEachLine(t *testing.T) {
	s := open(t, copying, 1)
	in := `{"push":{"topic":"in.csv","records":[{"value":"eyJhIjoxfQ=="}]}}` + "\n" + `{"look":true}` + "\n" + `{"push":{"topic":"no"}}` + "\n"
	var out bytes.Buffer
	if err := s.Serve(t.Context(), strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	want := `{"names":{"inputs":["in.csv"],"outputs":["copy.dlq","out.jsonl"],"late":[],"dead":"copy.dlq"}}
{}
{"topics":{"out.jsonl":[{"key":null,"value":"eyJhIjoxfQ==","time":1000000000000}]}}
{"error":"the app reads no \"no\"; it reads in.csv"}
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
