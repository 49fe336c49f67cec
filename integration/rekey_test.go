package integration_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

const (
	sensors, regions = 40, 7
	hour             = 3_600_000
)

// event is a reading of a sensor. Those of a sensor are in one partition, those of a region in all.
type event struct {
	sensor int
	ts, v  int64
}

func (e event) region() string { return fmt.Sprintf("r%d", e.sensor%regions) }

func (e event) record(partitions int) kafkatest.Record {
	sensor := fmt.Sprintf("s%d", e.sensor)
	return kafkatest.Record{
		Partition: int32(e.sensor % partitions), Key: []byte(sensor), //nolint:gosec // few
		Value: fmt.Appendf(nil, `{"sensor":%q,"region":%q,"ts":%d,"v":%d}`, sensor, e.region(), e.ts, e.v),
	}
}

// eventsFrom makes events of all sensors, 20 ms apart on average, each out of order by less than 200 ms.
func eventsFrom(start int64, count int) []event {
	rng := rand.New(rand.NewPCG(uint64(start), 5)) //nolint:gosec // test data
	all := make([]event, count)
	for i := range all {
		all[i] = event{rng.IntN(sensors), start + 1000 + 20*int64(i) - rng.Int64N(200), rng.Int64N(1000)}
	}
	return all
}

// summary is what a window of rekey.py has.
type summary struct {
	Region   string
	Start    int64 `json:"window_start"`
	End      int64 `json:"window_end"`
	N, Total int64
}

func (s summary) compare(other summary) int {
	return cmp.Or(cmp.Compare(s.Region, other.Region), cmp.Compare(s.Start, other.Start), cmp.Compare(s.End, other.End))
}

func (s *summary) add(e event) { s.N, s.Total, s.End = s.N+1, s.Total+e.v, max(s.End, e.ts) }

// tumbling are the windows of a second that events make.
func tumbling(events []event) []summary {
	all := map[string]summary{}
	for _, e := range events {
		start := e.ts / 1000 * 1000
		at := fmt.Sprint(e.region(), start)
		s := all[at]
		s.add(e)
		s.Region, s.Start, s.End = e.region(), start, start+1000
		all[at] = s
	}
	return slices.SortedFunc(maps.Values(all), summary.compare)
}

// sessions are the sessions with a gap of 300 ms that events make.
func sessions(events []event) []summary {
	byTime := slices.SortedFunc(slices.Values(events), func(a, b event) int { return cmp.Compare(a.ts, b.ts) })
	var all []summary
	open := map[string]int{}
	for _, e := range byTime {
		at, known := open[e.region()]
		if !known || e.ts-all[at].End > 300 {
			at = len(all)
			open[e.region()] = at
			all = append(all, summary{Region: e.region(), Start: e.ts, End: e.ts})
		}
		all[at].add(e)
	}
	slices.SortFunc(all, summary.compare)
	return all
}

// rekeyed is rekey.py on topics of its own, with a state of its own.
type rekeyed struct {
	*stream

	partitions int
	flags      []string
	idle       string
	sent       []event
}

func newRekeyed(t *testing.T, b *kafkatest.Broker, partitions int) *rekeyed {
	t.Helper()
	s := newStream(t, b, "rekey.py", partitions)
	for _, topic := range []string{s.out, s.out + "-sessions", s.app + ".late"} { // to wait for what comes there
		b.CreateTopicWith(t, topic, partitions, map[string]string{"retention.ms": "-1"})
	}
	return &rekeyed{s, partitions, []string{"--state-dir", t.TempDir()}, "1s", nil}
}

func (r *rekeyed) start(t *testing.T, flags ...string) *program {
	t.Helper()
	environment := r.env()
	environment["OUT_OF_ORDER"], environment["IDLE"] = "200ms", r.idle
	return start(t, r.broker, environment, append(append([]string{"run", r.file}, r.flags...), flags...)...)
}

func (r *rekeyed) run(t *testing.T, flags ...string) {
	t.Helper()
	r.start(t, append(flags, "--until-end")...).succeed(t)
}

func (r *rekeyed) send(t *testing.T, events ...event) {
	t.Helper()
	records := make([]kafkatest.Record, len(events))
	for i, e := range events {
		records[i] = e.record(r.partitions)
	}
	r.broker.Produce(t, r.in, records...)
	r.sent = append(r.sent, events...)
}

// keyedByRegion fails unless the keys of records are their regions.
func keyedByRegion(t *testing.T, records []kafkatest.Record) []kafkatest.Record {
	t.Helper()
	for _, r := range records {
		var found summary
		if err := json.Unmarshal(r.Value, &found); err != nil || string(r.Key) != found.Region {
			t.Errorf("%s has the key %s (%v)", r.Value, r.Key, err)
		}
	}
	return records
}

// complete fails unless every window of what was sent came out once, with all that belongs to it.
func (r *rekeyed) complete(t *testing.T) {
	t.Helper()
	matches(t, "tumbling windows", summaries(t, keyedByRegion(t, r.results(t))), tumbling(r.sent))
	matches(t, "sessions", summaries(t, keyedByRegion(t, r.broker.ReadAll(t, r.out+"-sessions"))), sessions(r.sent))
}

func summaries(t *testing.T, records []kafkatest.Record) []summary {
	t.Helper()
	var all []summary
	for _, r := range records {
		var found struct {
			summary

			Total float64
			Mean  *float64
		}
		if err := json.Unmarshal(r.Value, &found); err != nil {
			t.Fatalf("%s: %v", r.Value, err)
		}
		found.summary.Total = int64(found.Total)
		if found.Mean != nil && *found.Mean != found.Total/float64(found.N) {
			t.Errorf("%s: the mean is not the total by the count", r.Value)
		}
		all = append(all, found.summary)
	}
	slices.SortFunc(all, summary.compare)
	return all
}

func matches(t *testing.T, what string, got, want []summary) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	missing := slices.DeleteFunc(slices.Clone(want), func(s summary) bool { return slices.Contains(got, s) })
	wrong := slices.DeleteFunc(slices.Clone(got), func(s summary) bool { return slices.Contains(want, s) })
	t.Errorf("%d %s, want %d; %d are missing: %.400s; %d are wrong: %.400s",
		len(got), what, len(want), len(missing), fmt.Sprint(missing), len(wrong), fmt.Sprint(wrong))
}

func TestRekeyedWindowsHaveAllThatBelongsToThem(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRekeyed(t, b, 4)
		events := eventsFrom(hour, 6000)
		r.send(t, events[:3000]...)
		r.run(t)
		r.send(t, events[3000:]...)
		r.run(t, "--workers", "2", "--commit-interval", "100ms")
		r.run(t, "--flush")
		r.complete(t)
		for _, hop := range []string{r.in + ".by-region", r.in + ".by-region.2"} {
			if n := b.Partitions(t, r.app+"."+hop+".repartition"); n < 1 {
				t.Errorf("the topic of %s has %d partitions", hop, n)
			}
		}
	})
}

// skewed are events of which those in partition 0 are hours older than the others, which were sent before them.
func (r *rekeyed) skewed() []event {
	young := slices.DeleteFunc(eventsFrom(5*hour, 4000), func(e event) bool { return e.sensor%r.partitions == 0 })
	old := slices.DeleteFunc(eventsFrom(2*hour, 8000), func(e event) bool { return e.sensor%r.partitions != 0 })
	return append(young, old...)
}

func TestW9APartitionThatIsHoursBehindLosesNothing(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRekeyed(t, b, 4)
		r.send(t, r.skewed()...)
		r.run(t, "--flush")
		r.complete(t)
	})
}

func TestW9HoldsInALiveRunToo(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRekeyed(t, b, 4)
		r.send(t, r.skewed()...)
		run := r.start(t)
		b.Await(t, r.out, len(tumbling(r.sent))) // the last ones close when all partitions are idle
		run.stop(t)
		r.run(t, "--flush")
		r.complete(t)
	})
}

func TestW1AnIdlePartitionHoldsNothingBackAndW2ComesBackLate(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRekeyed(t, b, 2)
		run := r.start(t)
		r.send(t, event{0, 100 * hour, 1}, event{7, 1000, 1}) // of one region, in two partitions
		b.Await(t, r.out, 1)
		r.send(t, event{7, 50 * hour, 1})
		late := b.Await(t, r.app+".late", 2) // of both windows
		run.stop(t)
		for _, record := range late {
			watermark, err := strconv.ParseInt(record.Header("pyudf.watermark"), 10, 64)
			if err != nil || watermark <= 50*hour {
				t.Errorf("a record of hour 50 was late at the watermark %d (%v)", watermark, err)
			}
		}
		r.run(t, "--flush")
		r.sent = r.sent[:2]
		r.complete(t)
	})
}

func TestW4APartitionWithoutRecordsHoldsNothingBackOnceItIsIdle(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRekeyed(t, b, 3)
		events := slices.DeleteFunc(eventsFrom(hour, 600), func(e event) bool { return e.sensor%3 == 2 })
		r.send(t, events...)
		run := r.start(t)
		b.Await(t, r.out, len(tumbling(events)))
		run.stop(t)
		r.run(t, "--flush")
		r.complete(t)
	})
}

func TestW5AndW12APartitionWithASlowFunctionIsNotIdle(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRekeyed(t, b, 2)
		r.send(t, event{0, 2000, 1}, event{7, 1000, 1})
		// The old partition is busy for three times as long as it takes to be idle; then it has more that is old.
		slow := event{7, 1001, 1}.record(2)
		slow.Value = []byte(strings.Replace(string(slow.Value), "}", `,"wait_ms":3000}`, 1))
		b.Produce(t, r.in, slow)
		r.sent = append(r.sent, event{7, 1001, 1})
		r.send(t, event{0, 100 * hour, 1})
		r.send(t, event{7, 1100, 1}, event{7, 2200, 1})
		run := r.start(t)
		b.Await(t, r.out, 2)
		run.stop(t)
		r.run(t, "--flush")
		r.complete(t)
	})
}

func TestW8TwoProcessesShareTheWorkAndOneMayLeave(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRekeyed(t, b, 4)
		r.idle = "1h" // else a partition that waits for its new owner would hold nothing back
		next := int64(hour)
		more := func() {
			r.send(t, eventsFrom(next, 600)...)
			next += hour
		}
		more()
		first := r.start(t, member()...)
		first.awaitOut(t, 1)
		second := r.start(t, member()...)
		second.await(t, "metrics are served")
		eventually(t, "work for the second process", func() bool {
			more()
			return second.measured(t)["pyudf_records_out_total"] > 0
		})
		more()
		first.stop(t)
		more()
		more()
		eventually(t, "all work for the one that is left", func() bool {
			read := int64(0)
			for _, offset := range b.Committed(t, r.app, r.in) {
				read += offset
			}
			return read == int64(len(r.sent))
		})
		second.stop(t)
		r.run(t, "--flush")
		r.complete(t)
		t.Logf("%d records", len(r.sent))
	})
}

func TestPlanSaysWhichWayRecordsGoAndWhy(t *testing.T) {
	places := env{"IN": "readings", "OUT": "days", "APP": "finer", "OUT_OF_ORDER": "0s", "IDLE": "1m"}
	plan := start(t, nil, places, "plan", filepath.Join("testdata", "apps", "finer.py")).succeed(t).out.String()
	contains(t, "the plan", plan,
		"no hop: records with the same sensor, region are in one partition already, as it is keyed by sensor",
		"partial results of each batch, not records, travel through the topic finer.readings.by-region.repartition to stage 2: the records are partitioned by sensor")
	places["APP"] = "both"
	plan = start(t, nil, places, "plan", filepath.Join("testdata", "apps", "rekey.py")).succeed(t).out.String()
	contains(t, "the plan", plan, " records travel through the topic both.readings.by-region.2.repartition")
}

func TestAKeyFinerThanThatOfThePartitionsNeedsNoTopic(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		s := newStream(t, b, "finer.py", 4)
		var records []kafkatest.Record
		for _, e := range eventsFrom(hour, 1000) {
			records = append(records, e.record(4))
		}
		b.Produce(t, s.in, records...)
		s.run(t, "--flush", "--state-dir", t.TempDir())
		for topic, windows := range map[string]int{s.out: sensors, s.out + "-regions": regions} {
			found := summaries(t, b.ReadAll(t, topic))
			total := int64(0)
			for _, f := range found {
				total += f.N
			}
			if len(found) != windows || total != 1000 {
				t.Errorf("%d results with %d records in %s, want %d with 1000", len(found), total, topic, windows)
			}
		}
	})
}
