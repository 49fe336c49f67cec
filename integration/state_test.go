package integration_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"syscall"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// counting is a flow through counting.py, with a state of its own.
type counting struct {
	*flow

	flags []string
}

func newCounting(t *testing.T, b *kafkatest.Broker) *counting {
	t.Helper()
	f := &flow{stream: newStream(t, b, "counting.py", 4), producer: b.Producer(t)}
	return &counting{f, []string{"--state-dir", t.TempDir(), "--metrics-addr", "127.0.0.1:0"}}
}

// send sends the next records, each with its key in a field too.
func (c *counting) send(t *testing.T, count int) {
	t.Helper()
	records := make([]kafkatest.Record, count)
	for i := range records {
		key := strconv.Itoa(c.sent % 31)
		records[i] = kafkatest.Record{Partition: kafkatest.ByKey, Key: []byte(key), Value: fmt.Appendf(nil, `{"n":%d,"k":%q}`, c.sent, key)}
		c.sent++
	}
	c.producer.Produce(t, c.stream.in, records...)
}

func (c *counting) start(t *testing.T, flags ...string) *program {
	t.Helper()
	return c.stream.start(t, append(c.flags, flags...)...)
}

func (c *counting) finish(t *testing.T) {
	t.Helper()
	c.stream.run(t, append(c.flags, "--flush")...)
}

// counted fails unless each record has its place among those of its key. It returns how many came again.
func (c *counting) counted(t *testing.T) (again int) {
	t.Helper()
	places := map[int]int{}
	perKey := map[string]int{}
	for _, r := range c.stream.results(t) {
		var value struct{ N, Nth int }
		if err := json.Unmarshal(r.Value, &value); err != nil {
			t.Fatal(err)
		}
		if place, known := places[value.N]; known {
			again++
			if place != value.Nth {
				t.Errorf("record %d was the %dth of its key, then the %dth", value.N, place, value.Nth)
			}
			continue
		}
		perKey[string(r.Key)]++
		places[value.N] = value.Nth
		if value.Nth != perKey[string(r.Key)] {
			t.Fatalf("record %d of key %s is the %dth, want %d", value.N, r.Key, value.Nth, perKey[string(r.Key)])
		}
	}
	if len(places) != c.sent {
		t.Errorf("%d of %d records came out", len(places), c.sent)
	}
	return again
}

// windowsAgree fails unless Python counted in each window what the engine did, and all records are in one.
func (c *counting) windowsAgree(t *testing.T) {
	t.Helper()
	windows := map[string]int{}
	for _, r := range c.stream.broker.ReadAll(t, c.stream.out+"-windows") {
		var value struct {
			Start              int64 `json:"window_start"`
			N, Listed, Counted int
		}
		if err := json.Unmarshal(r.Value, &value); err != nil {
			t.Fatal(err)
		}
		at := string(r.Key) + " from " + strconv.FormatInt(value.Start, 10)
		before, again := windows[at]
		if value.Listed != value.N || value.Counted != value.N || again && before != value.N {
			t.Errorf("window %s: %s, before that %d", at, r.Value, before)
		}
		windows[at] = value.N
	}
	total := 0
	for _, n := range windows {
		total += n
	}
	if total != c.sent {
		t.Errorf("%d of %d records are in a window", total, c.sent)
	}
}

func TestStateAndWindowsAreExactWhenWorkersAreKilled(t *testing.T) {
	const kills, total = 5, 20_000
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		c := newCounting(t, b)
		run := c.start(t, "--commit-interval", "200ms", "--workers", "2")
		for range kills {
			c.send(t, total/kills)
			run.awaitOut(t, c.sent-total/kills*3/4)
			killWorker(t, run, c.sent)
		}
		run.awaitOut(t, total)
		run.stop(t)
		c.finish(t)
		if again := c.counted(t); again > 0 {
			t.Errorf("%d records came again", again)
		}
		c.windowsAgree(t)
		if letters := c.stream.deadLetters(t); len(letters) > 0 {
			t.Errorf("%d dead letters: %s", len(letters), letters[0].Header("pyudf.message"))
		}
	})
}

func TestStateOutlivesAStop(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		c := newCounting(t, b)
		for range 3 {
			c.send(t, 5_000)
			run := c.start(t, "--commit-interval", "5m")
			run.awaitOut(t, 1)
			run.interrupt(t, syscall.SIGTERM)
			run.succeed(t)
		}
		c.finish(t)
		if again := c.counted(t); again > 0 {
			t.Errorf("%d records came again", again)
		}
		c.windowsAgree(t)
	})
}

func TestStateIsThatOfTheLastCommitAfterAKill(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		c := newCounting(t, b)
		c.flags = append(c.flags, "-X", "session.timeout.ms=6000", "-X", "group.instance.id=one", "--commit-interval", "50ms")
		for range 4 {
			run := c.start(t)
			c.send(t, 5_000)
			run.awaitOut(t, 500)
			run.kill()
		}
		c.finish(t)
		t.Logf("%d of %d records came again", c.counted(t), c.sent)
		c.windowsAgree(t)
	})
}
