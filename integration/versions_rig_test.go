package integration_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// versioned is versions.py under load: records flow until the load is stopped, and event time with them.
type versioned struct {
	*stream

	deployment *deployment
	producer   *kafkatest.Producer
	// sent is how many records there were; those of key k%d are every loadKeys-th.
	sent atomic.Int64
	stop func()
}

const (
	loadKeys = 40
	// rate is how many records a second flow, and loadTick how often some are sent. A record is a ms of event time later
	// than the one so many before it.
	loadTick  = 10 * time.Millisecond
	perMoment = 50
)

func newVersioned(t *testing.T, b *kafkatest.Broker) *versioned {
	t.Helper()
	v := &versioned{stream: newStream(t, b, "versions.py", 4), producer: b.Producer(t)}
	settings := map[string]string{}
	if b.Name == "kafka" {
		settings["message.timestamp.type"] = "LogAppendTime"
	}
	for _, end := range []string{"", "-windows", "-regions"} {
		b.CreateTopicWith(t, v.out+end, 4, settings)
	}
	v.deployment = newDeployment(t, b, v.app)
	return v
}

func (v *versioned) prepare(t *testing.T, number string, more env) *version {
	t.Helper()
	environment := v.env()
	environment["VERSION"] = number
	maps.Copy(environment, more)
	file, err := filepath.Abs(v.file)
	if err != nil {
		t.Fatal(err)
	}
	return v.deployment.prepare(t, file, environment)
}

// flow sends records at a rate until stop is called.
func (v *versioned) flow(t *testing.T, rate int) {
	t.Helper()
	over := make(chan struct{})
	var flowing sync.WaitGroup
	v.stop = sync.OnceFunc(func() { close(over); flowing.Wait() })
	t.Cleanup(v.stop)
	flowing.Go(func() {
		ticker := time.NewTicker(loadTick)
		defer ticker.Stop()
		for began := time.Now(); ; {
			select {
			case <-ticker.C:
			case <-over:
				return
			}
			v.send(t, int(time.Since(began).Seconds()*float64(rate))-int(v.sent.Load()))
		}
	})
}

func (v *versioned) send(t *testing.T, count int) {
	t.Helper()
	records := make([]kafkatest.Record, 0, max(count, 0))
	for range count {
		n := int(v.sent.Add(1)) - 1
		records = append(records, v.record(n, n/perMoment))
	}
	v.producer.Produce(t, v.in, records...)
}

func (v *versioned) record(n, ms int) kafkatest.Record {
	k := n % loadKeys
	return kafkatest.Record{
		Partition: int32(k % 4), Key: fmt.Append(nil, k),
		Value: fmt.Appendf(nil, `{"k":"k%d","region":"r%d","n":%d,"ts":%d}`, k, k%7, n, 1_000_000+ms),
	}
}

// awaitOut waits until so many records more came out.
func (v *versioned) awaitOut(t *testing.T, more int) {
	t.Helper()
	begin := v.sent.Load()
	eventually(t, "records to flow", func() bool { return v.sent.Load() >= begin+int64(more) })
}

// finish stops the load, closes all windows by a record a partition, and returns how many records were cameOut.
func (v *versioned) finish(t *testing.T) int {
	t.Helper()
	v.stop()
	sent := int(v.sent.Load())
	for p := range 4 {
		v.producer.Produce(t, v.in, v.record(sent-sent%4+4+p, 10_000_000))
	}
	return sent
}

// cameOut is what came of the records.
type cameOut struct {
	K, Region   string
	N, Version  int
	WindowStart int64 `json:"window_start"`
}

func countedOf(t *testing.T, r kafkatest.Record) cameOut {
	t.Helper()
	var c cameOut
	if err := json.Unmarshal(r.Value, &c); err != nil {
		t.Fatalf("%s: %v", r.Value, err)
	}
	return c
}

// exact fails unless each record came out once and in the order of its key, and is in one window by its sensor and in one by
// its region, but for those that a version without windows had.
func (v *versioned) exact(t *testing.T, sent int) {
	t.Helper()
	windowed := v.inOrder(t, sent)
	for _, end := range []string{"-windows", "-regions"} {
		eventually(t, "all windows of "+v.out+end, func() bool { return v.total(t, end) >= windowed })
		if total := v.total(t, end); total != windowed {
			t.Errorf("the windows of %s count %d records, want %d", v.out+end, total, windowed)
		}
		times := map[string]int{}
		for _, r := range v.broker.ReadVisible(t, v.out+end) {
			c := countedOf(t, r)
			if window := fmt.Sprint(c.K, c.Region, c.WindowStart); times[window] > 0 {
				t.Errorf("the window %s of %s has more than one result", window, v.out+end)
			} else {
				times[window]++
			}
		}
	}
	if late := v.app + ".late"; v.broker.Exists(t, late) {
		if n := len(v.broker.ReadVisible(t, late)); n > 0 {
			t.Errorf("%d records were late", n)
		}
	}
}

// inOrder fails unless each record came out once, in the order of its key. It returns how many should be in windows.
func (v *versioned) inOrder(t *testing.T, sent int) (windowed int) {
	t.Helper()
	const closing = 4 // records that closed the windows
	v.broker.Await(t, v.out, sent+closing)
	last, seen := map[string]int{}, map[int]int{}
	for _, r := range v.broker.ReadVisible(t, v.out) {
		c := countedOf(t, r)
		if c.N >= sent {
			continue
		}
		if before, there := last[c.K]; there && before >= c.N {
			t.Errorf("%s: %d came behind %d", c.K, c.N, before)
		}
		last[c.K] = c.N
		seen[c.N]++
		if c.Version > 0 {
			windowed++
		}
	}
	for n := range sent {
		if seen[n] != 1 {
			t.Fatalf("record %d of %d came out %d times", n, sent, seen[n])
		}
	}
	return windowed
}

// total is how many records the windows of a topic count.
func (v *versioned) total(t *testing.T, end string) (total int) {
	t.Helper()
	for _, r := range v.broker.ReadVisible(t, v.out+end) {
		total += countedOf(t, r).N
	}
	return total
}

// pause is how long nothing was appended to a topic where its records change from one version to the other, by the
// broker's clock.
func (v *versioned) pause(t *testing.T, topic string) time.Duration {
	t.Helper()
	first, last := map[int]time.Time{}, map[int]time.Time{}
	for _, r := range v.broker.ReadVisible(t, topic) {
		c := countedOf(t, r)
		if first[c.Version].IsZero() || r.Time.Before(first[c.Version]) {
			first[c.Version] = r.Time
		}
		if r.Time.After(last[c.Version]) {
			last[c.Version] = r.Time
		}
	}
	return first[2].Sub(last[1])
}
