package integration_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// sample is an event as crash.py gets it. A stray one is a minute late.
type sample struct {
	event

	stray bool
}

func (r sample) record(partitions int) kafkatest.Record {
	out := r.event.record(partitions)
	out.Time = time.UnixMilli(r.ts)
	if r.stray {
		out.Value = append(out.Value[:len(out.Value)-1], `,"stray":true}`...)
	}
	return out
}

// load produces readings as time goes by: 20 ms of event time each, out of order by less than 200 ms, so that none is late
// but the strays, of which there are a few. What comes of them depends on the seed and on their number alone.
type load struct {
	rng        *rand.Rand
	producer   *kafkatest.Producer
	topic      string
	partitions int
	rate       int // readings a second
	sent       []sample
}

func newLoad(t *testing.T, s *stream, seed uint64) *load {
	t.Helper()
	return &load{
		rng: rand.New(rand.NewPCG(seed, 1)), producer: s.broker.Producer(t), topic: s.in, //nolint:gosec // test data
		partitions: partitionsOfCrash, rate: 2000,
	}
}

func (l *load) next() sample {
	const firstStray = 500 // before that a partition may not have come far enough
	n := len(l.sent)
	out := sample{event: event{l.rng.IntN(sensors), hour + 1000 + 20*int64(n) - l.rng.Int64N(200), l.rng.Int64N(1000)}}
	if n >= firstStray && l.rng.IntN(500) == 0 {
		out.stray = true
		out.ts -= 60_000
	}
	return out
}

func (l *load) send(t *testing.T, count int) {
	t.Helper()
	records := make([]kafkatest.Record, count)
	for i := range records {
		r := l.next()
		l.sent = append(l.sent, r)
		records[i] = r.record(l.partitions)
	}
	l.producer.Produce(t, l.topic, records...)
}

// until sends readings until a condition holds.
func (l *load) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	const every = 20 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s, in which %d readings were sent", what, patience, len(l.sent))
		}
		l.send(t, l.rate/int(time.Second/every))
	}
}

// lasting sends readings for some time.
func (l *load) lasting(t *testing.T, d time.Duration) {
	t.Helper()
	end := time.Now().Add(d)
	l.until(t, fmt.Sprintf("%s of load", d), func() bool { return time.Now().After(end) })
}
