package integration_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// windowed is tumbling.py on topics of its own, with a state of its own. All events go to partition 0.
type windowed struct {
	*stream

	flags []string
	more  env
}

func newWindowed(t *testing.T, b *kafkatest.Broker, partitions int) *windowed {
	t.Helper()
	return &windowed{newStream(t, b, "tumbling.py", partitions), []string{"--state-dir", t.TempDir()}, env{}}
}

func (w *windowed) start(t *testing.T, flags ...string) *program {
	t.Helper()
	environment := w.env()
	maps.Copy(environment, w.more)
	return start(t, w.broker, environment, append(append([]string{"run", w.file}, w.flags...), flags...)...)
}

func (w *windowed) run(t *testing.T, flags ...string) *program {
	t.Helper()
	return w.start(t, append(flags, "--until-end")...).succeed(t)
}

// send sends events written as in docs/semantics.md: a@5 is one of key a at 5 ms. Their values are 1.
func (w *windowed) send(t *testing.T, events string) {
	t.Helper()
	var records []kafkatest.Record
	for event := range strings.FieldsSeq(events) {
		key, time, _ := strings.Cut(event, "@")
		records = append(records, kafkatest.Record{
			Key: []byte(event), Value: fmt.Appendf(nil, `{"k":%q,"ts":%s,"v":1}`, key, time),
			Headers: []kafkatest.Header{{Key: "trace", Value: []byte(event)}},
		})
	}
	w.broker.Produce(t, w.in, records...)
}

// results are what came out so far, in the order in which it did: a[0,10)=1.
func (w *windowed) results(t *testing.T) string {
	t.Helper()
	return strings.Join(tumbled(t, w.broker.ReadAll(t, w.out)), " ")
}

// tumbled writes results of tumbling.py as a[0,10)=1.
func tumbled(t *testing.T, records []kafkatest.Record) []string {
	t.Helper()
	var all []string
	for _, r := range records {
		var value struct {
			K     string
			N     int64
			Total float64
			Start int64 `json:"window_start"`
			End   int64 `json:"window_end"`
		}
		if err := json.Unmarshal(r.Value, &value); err != nil || float64(value.N) != value.Total {
			t.Fatalf("%s: %v", r.Value, err)
		}
		if stamp := r.Time.UnixMilli(); stamp != value.End-1 {
			t.Errorf("%s has the timestamp %d, want %d", r.Value, stamp, value.End-1)
		}
		all = append(all, fmt.Sprintf("%s[%d,%d)=%d", value.K, value.Start, value.End, value.N))
	}
	return all
}

func equal(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

func TestT4LateRecordsAreInATopicWithTheWindowThatTheyMissed(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		w := newWindowed(t, b, 1)
		w.send(t, "a@5 a@10 a@9 a@12")
		w.run(t, "--flush")
		equal(t, "the results", w.results(t), "a[0,10)=1 a[10,20)=2")
		late := b.ReadAll(t, w.app+".late")
		if len(late) != 1 {
			t.Fatalf("%d late records, want 1", len(late))
		}
		equal(t, "its key and value", string(late[0].Key)+" "+string(late[0].Value), `a@9 {"k":"a","ts":9,"v":1}`)
		for name, want := range map[string]string{
			"trace": "a@9", "pyudf.window_start": "0", "pyudf.window_end": "10", "pyudf.watermark": "10", "pyudf.lateness_ms": "1",
		} {
			equal(t, name, late[0].Header(name), want)
		}
		if late[0].Header("pyudf.step") == "" {
			t.Errorf("the late record does not say of which step: %v", late[0].Headers)
		}
	})
}

func TestT5GraceKeepsWindowsOpen(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		w := newWindowed(t, b, 1)
		w.more["GRACE"] = "5ms"
		w.send(t, "a@5 a@12 a@9 a@15")
		w.run(t)
		equal(t, "the results before the end", w.results(t), "a[0,10)=2")
		w.run(t, "--flush")
		equal(t, "the results", w.results(t), "a[0,10)=2 a[10,20)=2")
	})
}

func TestE6ResultsOfAPartitionComeInTheOrderOfTheirWindows(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		w := newWindowed(t, b, 1)
		w.send(t, "b@2 a@1 a@11 c@35")
		w.run(t)
		equal(t, "the results", w.results(t), "a[0,10)=1 b[0,10)=1 a[10,20)=1")
	})
}

func TestW7TheWatermarkOutlivesARestart(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		w := newWindowed(t, b, 1)
		w.send(t, "a@100")
		w.run(t)
		w.send(t, "a@50 a@101")
		w.run(t)
		w.send(t, "a@60 a@110")
		w.run(t)
		equal(t, "the results", w.results(t), "a[100,110)=2")
		if late := b.ReadAll(t, w.app+".late"); len(late) != 2 {
			t.Errorf("%d late records, want a@50 and a@60", len(late))
		}
	})
}

func TestNothingVanishesAndTheCountsAddUp(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		w := newWindowed(t, b, 1)
		w.send(t, "a@5 b@7 a@15 a@9 b@3 a@25")
		odd := []string{
			`{"k":null,"ts":26,"v":1}`, `{"ts":26,"v":1}`, `{"k":"a","v":1}`, `{"k":"a","ts":"soon","v":1}`, `{"k":"a","ts":null,"v":1}`,
			`{"k":"a","ts":9000000000000,"v":1}`, `{"k":"a","ts":26,"v":"one"}`, `{"k":`,
		}
		w.produce(t, odd...)
		w.send(t, "a@30")
		const in, late = 7 + 8, 2
		run := w.start(t, "--metrics-addr", "127.0.0.1:0")
		eventually(t, "the counts of all that is not in a window", func() bool {
			m := run.measured(t)
			return m["pyudf_records_in_total"] == in && m["pyudf_records_late_total"] == late && m["pyudf_records_dead_total"] == float64(len(odd))
		})
		run.stop(t)
		w.run(t, "--flush")
		equal(t, "the results", w.results(t), "a[0,10)=1 b[0,10)=1 a[10,20)=1 a[20,30)=1 a[30,40)=1")
		if got := len(b.ReadAll(t, w.app+".late")); got != late {
			t.Errorf("%d late records, want %d", got, late)
		}
		w.diedOf(t, "undecodable bad_timestamp bad_timestamp bad_timestamp bad_timestamp null_key null_key wrong_type")
	})
}

// diedOf fails unless the dead letters have these reasons.
func (w *windowed) diedOf(t *testing.T, want string) {
	t.Helper()
	var reasons []string
	for _, letter := range w.deadLetters(t) {
		reasons = append(reasons, letter.Header("pyudf.reason"))
	}
	equal(t, "the reasons of dead letters", strings.Join(reasons, " "), want)
}

func TestT12AnyNumberOfCommitsAndRunsGivesTheSameResults(t *testing.T) {
	const events = "a@5 b@6 a@10 a@9 b@21 a@19 a@22 b@22 c@35 a@35 b@34 a@50"
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		whole := newWindowed(t, b, 1)
		whole.send(t, events)
		whole.run(t, "--flush")
		want := tumbled(t, b.ReadAll(t, whole.out))
		single := newWindowed(t, b, 1)
		for event := range strings.FieldsSeq(events) {
			single.send(t, event)
			single.run(t)
		}
		single.run(t, "--flush")
		if got := tumbled(t, b.ReadAll(t, single.out)); !slices.Equal(got, want) {
			t.Errorf("a run for each event gave %v, one run for all gave %v", got, want)
		}
	})
}

func TestStateThatIsOnNoDiskComesFromItsChangelog(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		w := newWindowed(t, b, 1)
		w.send(t, "a@5")
		w.run(t)
		w.send(t, "a@15")
		w.flags = []string{"--state-dir", t.TempDir()}
		w.run(t, "--flush")
		equal(t, "the results", w.results(t), "a[0,10)=1 a[10,20)=1")
	})
}

func TestStateThatIsNowhereIsNotTakenForEmpty(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		w := newWindowed(t, b, 1)
		w.send(t, "a@5")
		w.run(t)
		w.send(t, "a@15")
		b.DeleteTopic(t, w.app+"."+w.in+".changelog")
		w.flags = []string{"--state-dir", t.TempDir()}
		run := w.start(t, "--until-end")
		if code := run.wait(t); code == 0 {
			t.Error("a run without the state of the one before ended well")
		}
		contains(t, "what it said", run.err.String(), "--state-dir", "--snapshots", "--reset-state")
		w.run(t, "--flush", "--reset-state")
		equal(t, "the results", w.results(t), "a[10,20)=1")
	})
}

func TestStateOfATopicThatIsNotReadAnyMoreIsNotForgotten(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		w := newWindowed(t, b, 1)
		w.send(t, "a@5")
		w.run(t)
		other := *w
		moved := *w.stream
		other.stream, moved.in = &moved, b.Topic(t, 1)
		run := other.start(t, "--until-end")
		if code := run.wait(t); code == 0 {
			t.Error("an app that reads another topic left the windows of the first behind")
		}
		contains(t, "what it said", run.err.String(), "topic-"+w.in+"-0", "10ms", "--reset-state")
	})
}

func TestStateOfAnotherPipelineIsRefused(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		w := newWindowed(t, b, 1)
		w.send(t, "a@5")
		w.run(t)
		changed := *w.stream
		changed.file = written(t, "changed.py", strings.ReplaceAll(read(t, w.file), `"10ms"`, `"20ms"`))
		args := append([]string{"run", changed.file, "--until-end"}, w.flags...)
		run := start(t, b, w.env(), args...)
		if code := run.wait(t); code == 0 {
			t.Error("a run with windows of another size took the state over")
		}
		contains(t, "what it said", run.err.String(), "10ms", "20ms", "--group")
	})
}
