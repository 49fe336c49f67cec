package keyed_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state/memstate"
	"github.com/pyudf/pyudf/engine/step"
)

// heard is what came out of each key, in order.
type heard map[string][]string

// sequence is what the engine has to give, computed record by record.
type sequence struct {
	app       *keeps
	watermark int64
	keys      map[string]*remembered
	out       heard
}

type remembered struct {
	memory

	// last is the time of the latest record, watermark what stood before the last.
	last, watermark int64
}

func (s *sequence) take(e *event) {
	if e.OK && e.K != nil {
		s.of(e)
	}
	s.watermark = max(s.watermark, e.TS-s.app.bound)
}

func (s *sequence) of(e *event) {
	m := s.keys[*e.K]
	if m == nil {
		m = &remembered{memory{timers: [2]int64{record.NoTime, record.NoTime}}, math.MinInt64, math.MinInt64}
		s.keys[*e.K] = m
	}
	s.fire(*e.K, m)
	s.expire(m, s.watermark)
	out, raised := m.take(e)
	if s.app.column {
		m.timers = [2]int64{record.NoTime, record.NoTime}
		out = fmt.Sprintf("%d=%d", e.ID, parsed(m.n))
	}
	if !raised && out != "" {
		s.out[*e.K] = append(s.out[*e.K], out)
	}
	m.last, m.watermark = max(m.last, e.TS), s.watermark
}

func (s *sequence) fire(key string, m *remembered) {
	for {
		first := 0
		if m.timers[1] != record.NoTime && (m.timers[0] == record.NoTime || m.timers[1] < m.timers[0]) {
			first = 1
		}
		at := m.timers[first]
		if at == record.NoTime || at > s.watermark {
			return
		}
		m.timers[first] = record.NoTime
		s.expire(m, max(at, m.watermark))
		s.out[key] = append(s.out[key], m.ring(first, key, at))
	}
}

func (s *sequence) expire(m *remembered, watermark int64) {
	for i, data := range []*[]byte{&m.n, &m.log} {
		if ttl := int64(s.app.ttl[i]); ttl > 0 && watermark > m.last+ttl {
			*data = nil
		}
	}
}

// fireAll fires what is due when there is nothing more to take.
func (s *sequence) fireAll() {
	for key, m := range s.keys {
		s.fire(key, m)
	}
}

// flowing is the same in the engine.
type flowing struct {
	tb      testing.TB
	app     *keeps
	caller  *caller
	config  keyed.Config
	program *step.Program
	flow    *keyed.Flow
	events  []event
	next    int
	out     heard
	saved   heard // what was out when the flow was saved last
}

func newFlowing(tb testing.TB, app *keeps, events []event) *flowing {
	tb.Helper()
	compiled := app.plan(tb)
	set := metrics.New(prometheus.NewRegistry())
	store, err := memstate.New().Open("state")
	if err != nil {
		tb.Fatal(err)
	}
	x := &flowing{tb: tb, app: app, caller: &caller{}, events: events, out: heard{}, saved: heard{}}
	x.program = step.New(compiled.Sources[0], x.caller, set)
	x.config = keyed.Config{Source: compiled.Sources[0], Partition: record.Partition{Topic: "in"}, Program: x.program, Store: store, Metrics: set}
	x.open()
	return x
}

func (x *flowing) open() {
	flow, position, err := keyed.Open(x.config)
	if err != nil {
		x.tb.Fatal(err)
	}
	x.flow, x.next, x.out = flow, int(max(position, 0)), heard{}
	for key, texts := range x.saved {
		x.out[key] = slices.Clone(texts)
	}
}

func (x *flowing) save() {
	x.write(x.flow.Commit(x.tb.Context()))
	x.flow.Changes(int64(x.next))
	if err := x.flow.Apply(); err != nil {
		x.tb.Fatal(err)
	}
	x.saved = maps.Clone(x.out)
}

// take has the flow take up to so many events.
func (x *flowing) take(n int) {
	batch := &record.Batch{Partition: x.config.Partition}
	for range min(n, len(x.events)-x.next) {
		value, err := json.Marshal(x.events[x.next])
		if err != nil {
			x.tb.Fatal(err)
		}
		batch.Offsets, batch.Times = append(batch.Offsets, int64(x.next)), append(batch.Times, 0)
		batch.Keys.Append(nil)
		batch.Values.Append(value)
		x.next++
	}
	outcome, err := x.program.Run(x.tb.Context(), batch)
	if err != nil {
		x.tb.Fatal(err)
	}
	x.write(x.flow.Take(x.tb.Context(), outcome))
}

func (x *flowing) write(outcomes keyed.Outcomes) {
	for o, err := range outcomes {
		if err != nil {
			x.tb.Fatal(err)
		}
		for i := range o.Outputs {
			for m := range o.Outputs[i].Messages.Len() {
				x.hear(o.Outputs[i].Messages.Values.At(m))
			}
		}
	}
}

func (x *flowing) hear(value []byte) {
	var got struct {
		K  string
		ID int
		D  int64
	}
	if err := json.Unmarshal(value, &got); err != nil {
		x.tb.Fatalf("%s: %v", value, err)
	}
	text := string(value)
	if x.app.column {
		text = fmt.Sprintf("%d=%d", got.ID, got.D)
	}
	x.out[got.K] = append(x.out[got.K], text)
}

func (x *flowing) require(when string, want heard) {
	x.tb.Helper()
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if got := x.out[key]; !slices.Equal(got, want[key]) {
			at := 0
			for at < min(len(got), len(want[key])) && got[at] == want[key][at] {
				at++
			}
			x.tb.Fatalf("%s, key %s, output %d:\n got %v\nwant %v", when, key, at, cut(got, at), cut(want[key], at))
		}
	}
	if len(x.out) != len(want) {
		x.tb.Fatalf("%s: %d keys have outputs, want %d", when, len(x.out), len(want))
	}
}

func cut(texts []string, at int) []string {
	return texts[min(max(at-2, 0), len(texts)):min(at+3, len(texts))]
}

func randomEvents(random *rand.Rand, column bool) []event {
	events := make([]event, 1+random.IntN(120))
	keys := 1 + random.IntN(5)
	now, spread, wild := int64(0), 1+random.Int64N(40), 1+random.IntN(30)
	for i := range events {
		now += random.Int64N(10)
		if random.IntN(wild+10) == 0 {
			now += random.Int64N(500)
		}
		e := event{ID: i, TS: now - random.Int64N(spread), OK: random.IntN(10) > 0, Do: random.IntN(does), In: random.Int64N(60) - 10}
		if column && e.Do == isSilent {
			e.Do = setsA
		}
		if random.IntN(20) > 0 {
			key := string(rune('a' + random.IntN(keys)))
			e.K = &key
		}
		events[i] = e
	}
	return events
}

func TestU6AKeySeesItsRecordsAndTimersInOrderWhateverTheCutsAndRestarts(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // a test is to repeat itself
		app := &keeps{column: seed%4 == 0, bound: random.Int64N(50)}
		for i := range app.ttl {
			app.ttl[i] = uint64(random.IntN(2) * (1 + random.IntN(100)))
		}
		events := randomEvents(random, app.column)
		want := &sequence{app: app, watermark: math.MinInt64, keys: map[string]*remembered{}, out: heard{}}
		for i := range events {
			want.take(&events[i])
		}
		want.fireAll()
		x := newFlowing(t, app, events)
		x.disturb(random)
		x.require(fmt.Sprintf("seed %d", seed), want.out)
		x.write(x.flow.Finish(t.Context()))
		want.watermark = math.MaxInt64
		want.fireAll()
		x.require(fmt.Sprintf("seed %d, finished", seed), want.out)
		x.save()
		x.requireLeft("t", true)
		x.requireLeft("x", true)
		x.requireLeft("s", app.ttl[0] > 0 && app.ttl[1] > 0)
	}
}

// requireLeft looks at what is stored below a letter.
func (x *flowing) requireLeft(prefix string, nothing bool) {
	x.tb.Helper()
	n := 0
	err := x.config.Store.Scan([]byte(prefix), func(_, _ []byte) error {
		n++
		return nil
	})
	if err != nil || nothing && n > 0 {
		x.tb.Fatalf("%d values are left below %q, %v", n, prefix, err)
	}
}

// disturb has the flow take its events in any pieces, between restarts with and without a save before.
func (x *flowing) disturb(random *rand.Rand) {
	size, crashes := 1+random.IntN(60), 3
	for x.next < len(x.events) {
		x.take(1 + random.IntN(size))
		switch random.IntN(8) {
		case 0:
			x.save()
		case 1:
			x.save()
			x.open()
		case 2:
			if crashes--; crashes > 0 {
				x.open()
			}
		}
	}
}

func TestRecordsBetweenWhichNoTimerIsDueAreOneCall(t *testing.T) {
	key := []string{"a", "b"}
	events := make([]event, 1000)
	for i := range events {
		events[i] = event{K: &key[i%2], ID: i, TS: int64(i), OK: true, Do: setsA, In: 5}
	}
	x := newFlowing(t, &keeps{bound: 10}, events)
	x.take(1000)
	if x.caller.calls > 1 || x.caller.rows != 1000 {
		t.Errorf("%d calls for %d rows", x.caller.calls, x.caller.rows)
	}
}

func TestTimersBetweenAllRecordsDoNotSendTheRestAgainAndAgain(t *testing.T) {
	key := "a"
	events := make([]event, 1000)
	for i := range events {
		events[i] = event{K: &key, ID: i, TS: int64(i), OK: true, Do: setsA, In: 0}
	}
	x := newFlowing(t, &keeps{}, events)
	x.take(1000)
	if n := len(x.out[key]); n != 2000 {
		t.Fatalf("%d outputs", n)
	}
	if fired := 1000; x.caller.rows > 4*1000+fired {
		t.Errorf("%d rows were sent in %d calls", x.caller.rows, x.caller.calls)
	}
}
