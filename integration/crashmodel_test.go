package integration_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// outcome is what crash.py wrote or should have: by topic and key, in order. Of dead letters and late records only what
// they are is compared, not their order.
type outcome map[string]map[string][]string

func (o outcome) add(topic, key string, at int64, value any) {
	if o[topic] == nil {
		o[topic] = map[string][]string{}
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // of numbers and texts
	}
	o[topic][key] = append(o[topic][key], fmt.Sprintf("%d %s", at, text))
}

// The topics of crash.py.
const (
	ofSensors, ofRegions, ofSessions, ofCounts = "sensors", "regions", "sessions", "counts"
	ofDead, ofLate                             = "dead", "late"
)

// object is a JSON object, written with its members in order.
type object map[string]any

// due is what crash.py makes of readings, worked out without it.
func due(samples []sample) outcome {
	o := outcome{}
	var timely []event
	for _, r := range samples {
		if r.stray {
			o.add(ofLate, r.sensorName(), r.ts, r.object())
		} else {
			timely = append(timely, r.event)
		}
	}
	for _, s := range windowsBy(timely, event.sensorName, 5000) {
		o.add(ofSensors, s.Region, s.End-1, s.object("sensor"))
	}
	for _, s := range windowsBy(timely, event.region, 1000) {
		o.add(ofRegions, s.Region, s.End-1, s.object("region"))
	}
	for _, s := range sessions(timely) {
		o.add(ofSessions, s.Region, s.End, s.object("region"))
	}
	o.count(samples)
	return o.inAnyOrder(ofDead, ofLate)
}

func (e event) sensorName() string { return fmt.Sprintf("s%d", e.sensor) }

func (r sample) object() object {
	out := object{"sensor": r.sensorName(), "region": r.region(), "ts": r.ts, "v": r.v}
	if r.stray {
		out["stray"] = true
	}
	return out
}

func (s summary) object(key string) object {
	return object{key: s.Region, "window_start": s.Start, "window_end": s.End, "n": s.N, "total": s.Total}
}

// windowsBy are the windows of so many ms, by key and time. The key is in Region, whatever it is.
func windowsBy(events []event, key func(event) string, width int64) []summary {
	all := map[string]summary{}
	for _, e := range events {
		start := e.ts / width * width
		at := fmt.Sprint(key(e), " ", start)
		s := all[at]
		s.add(e)
		s.Region, s.Start, s.End = key(e), start, start+width
		all[at] = s
	}
	return slices.SortedFunc(maps.Values(all), summary.compare)
}

// counted is what the function nth of crash.py keeps for a sensor.
type counted struct {
	count, total int64
	alarm        int64 // 0: not set
}

// count is what nth and silent give.
func (o outcome) count(samples []sample) {
	kept := map[int]*counted{}
	for i := range sensors {
		kept[i] = &counted{}
	}
	watermarks := map[int]int64{} // by partition, before the reading
	for _, r := range samples {
		k, partition := kept[r.sensor], r.sensor%partitionsOfCrash
		if k.alarm != 0 && k.alarm <= watermarks[partition] && !r.stray {
			o.silence(r.event, k)
		}
		watermarks[partition] = max(watermarks[partition], r.ts-200)
		switch {
		case r.stray:
		case r.v == 13:
			o.add(ofDead, r.sensorName(), r.ts, r.object())
		default:
			k.count, k.total, k.alarm = k.count+1, k.total+r.v, r.ts+2000
			o.add(ofCounts, r.sensorName(), r.ts, object{"sensor": r.sensorName(), "ts": r.ts, "nth": k.count, "total": k.total})
		}
	}
	for sensor, k := range kept {
		if k.alarm != 0 {
			o.silence(event{sensor: sensor}, k)
		}
	}
}

func (o outcome) silence(of event, k *counted) {
	o.add(ofCounts, of.sensorName(), k.alarm, object{"sensor": of.sensorName(), "silent": k.alarm, "counted": k.count})
	k.count, k.alarm = 0, 0
}

func (o outcome) inAnyOrder(topics ...string) outcome {
	for _, topic := range topics {
		for _, values := range o[topic] {
			slices.Sort(values)
		}
	}
	return o
}

// outcomeOf is what crash.py wrote, of what was committed.
func outcomeOf(t *testing.T, s *stream) outcome {
	t.Helper()
	o := outcome{}
	for topic, name := range map[string]string{
		ofSensors: s.out + "-sensors", ofRegions: s.out + "-regions", ofSessions: s.out + "-sessions", ofCounts: s.out + "-counts",
		ofDead: s.app + ".dlq", ofLate: s.app + ".late",
	} {
		for _, r := range s.broker.ReadAll(t, name) {
			o.add(topic, string(r.Key), r.Time.UnixMilli(), parsed(t, r))
		}
	}
	return o.inAnyOrder(ofDead, ofLate)
}

func parsed(t *testing.T, r kafkatest.Record) object {
	t.Helper()
	var value object
	if err := json.Unmarshal(r.Value, &value); err != nil {
		t.Fatalf("%s: %v", r.Value, err)
	}
	return value
}

// equals fails unless two outcomes are the same, and says how they differ.
func (o outcome) equals(t *testing.T, what string, want outcome) {
	t.Helper()
	for _, topic := range slices.Sorted(maps.Keys(want)) {
		lost, again, total := 0, 0, 0
		example := ""
		for key := range union(o[topic], want[topic]) {
			got, want := o[topic][key], want[topic][key]
			l, a := differ(got, want)
			lost, again, total = lost+l, again+a, total+len(want)
			if !slices.Equal(got, want) && example == "" {
				example = fmt.Sprintf("key %s %s", key, firstDifference(got, want))
			}
		}
		if example != "" {
			t.Errorf("%s, topic of %s: of %d results %d are missing and %d are too many; %s", what, topic, total, lost, again, example)
		}
	}
}

func union(a, b map[string][]string) map[string]bool {
	all := map[string]bool{}
	for key := range a {
		all[key] = true
	}
	for key := range b {
		all[key] = true
	}
	return all
}

// differ counts what is missing and what is too many, in any order.
func differ(got, want []string) (lost, again int) {
	left := map[string]int{}
	for _, v := range want {
		left[v]++
	}
	for _, v := range got {
		left[v]--
	}
	for _, n := range left {
		lost += max(n, 0)
		again += max(-n, 0)
	}
	return lost, again
}

func firstDifference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("ends after %d; then should come %s", i, want[i])
		case i >= len(want):
			return fmt.Sprintf("should end after %d; then came %s", i, got[i])
		case got[i] != want[i]:
			return fmt.Sprintf("has at place %d\n%s\nand should have\n%s", i, got[i], want[i])
		}
	}
	return "is the same"
}
