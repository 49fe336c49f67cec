package window_test

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/pyudf/pyudf/engine/window"
)

// ended is a session that ends at a record, after some time, or where a gap begins.
type ended struct {
	events []event
	due    int64
}

// sessionsOf cuts the records of a key into sessions, in their order.
func (m *model) sessionsOf(events []event) []ended {
	var out []ended
	for events = sorted(events); len(events) > 0; {
		first := events[0]
		until, limit, n := first.time+first.gap, int64(math.MaxInt64), 0
		if m.config.MaxDuration > 0 {
			limit = first.time + m.config.MaxDuration
		}
		for n < len(events) && events[n].time <= min(until, limit) {
			until = max(until, events[n].time+events[n].gap)
			n++
			if events[n-1].closes {
				until = events[n-1].time
				break
			}
		}
		out = append(out, ended{events[:n], min(until, limit) + m.config.Grace + 1})
		events = events[n:]
	}
	return out
}

func (m *model) queue(e event) bool {
	with := append(slices.Clone(m.kept[e.key]), e)
	for _, s := range m.sessionsOf(with) {
		if slices.ContainsFunc(s.events, e.is) && s.due <= m.watermark {
			return false
		}
	}
	m.kept[e.key] = with
	return true
}

// cut gives the sessions that are over.
func (m *model) cut() {
	if m.config.Kind != window.Session {
		return
	}
	var over []ended
	for _, key := range slices.Sorted(maps.Keys(m.kept)) {
		for _, s := range m.sessionsOf(m.kept[key]) {
			if s.due > m.watermark {
				break
			}
			over = append(over, s)
			m.kept[key] = slices.DeleteFunc(m.kept[key], func(e event) bool { return slices.ContainsFunc(s.events, e.is) })
		}
	}
	slices.SortStableFunc(over, func(a, b ended) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(latest(a.events), latest(b.events)), strings.Compare(a.events[0].key, b.events[0].key))
	})
	for _, s := range over {
		if int64(len(s.events)) >= m.config.MinEvents {
			m.sayAll(s.events)
		}
	}
}

// sayAll gives a window of some records, that begins and ends with them.
func (m *model) sayAll(events []event) {
	ordered, end := sorted(events), latest(events)
	m.say(outcome{key: events[0].key, start: ordered[0].time, end: end, time: end, final: true}, ordered)
}

func (m *model) count(e event) {
	m.kept[e.key] = append(m.kept[e.key], e)
	all := m.kept[e.key]
	if int64(len(all))%m.config.Every == 0 {
		m.sayAll(all[max(0, int64(len(all))-m.config.Size):])
	}
}

// flushCounts gives the windows that are not full: those that would be next, as far as they have records.
func (m *model) flushCounts() {
	if m.config.Kind != window.Count {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(m.kept)) {
		n := int64(len(m.kept[key]))
		next := n - n%m.config.Every + m.config.Every
		if n%m.config.Every != 0 && max(0, next-m.config.Size) < n {
			m.sayAll(m.kept[key][max(0, next-m.config.Size):])
		}
	}
	clear(m.kept)
}
