package window_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pyudf/pyudf/engine/window"
)

// model is what docs/semantics.md says, without any thought of speed: it keeps every record and looks at all windows at
// each step.
type model struct {
	config    window.Config
	rules     window.Rules
	watermark int64
	open      []*open
	// kept are the records of each key that windows are made of (sliding, count, and sessions that end at some record).
	kept    map[string][]event
	gone    []outcome
	journal []string
}

// open is a window that is not closed.
type open struct {
	key        string
	start, end int64
	until      int64
	events     []event
	rev        int64
	changed    bool
	fired      bool
}

func newModel(config window.Config) *model {
	return &model{config: config, watermark: math.MinInt64, kept: map[string][]event{}}
}

func (m *model) add(e event) {
	m.advance(e.watermark)
	start, end, ok := m.place(e)
	if !ok {
		m.journal = append(m.journal, fmt.Sprintf("late %s@%d:%s [%d,%d] at %d", e.key, e.time, e.value, start, end, m.watermark))
	}
}

// place puts a record into its windows, or names one that it missed.
func (m *model) place(e event) (start, end int64, ok bool) {
	switch {
	case m.config.Kind == window.Aligned:
		return m.align(e)
	case m.config.Kind == window.Global:
		m.put(m.window(e.key, math.MinInt64, math.MaxInt64), e)
		return 0, 0, true
	case m.config.Kind == window.Custom:
		return m.assign(e)
	case m.config.Kind == window.Sliding:
		return e.time - m.config.Length, e.time, m.slide(e)
	case m.config.Kind == window.Count:
		m.count(e)
		return 0, 0, true
	case m.config.CloseOn || m.config.MaxDuration > 0:
		return e.time, e.time, m.queue(e)
	default:
		return e.time, e.time, m.join(e)
	}
}

func (m *model) align(e event) (missedStart, missedEnd int64, ok bool) {
	for start := e.time - m.config.Size + 1; start <= e.time; start++ {
		if (start-m.config.Offset)%m.config.Every != 0 {
			continue
		}
		end := start + m.config.Size
		if m.watermark >= end+m.config.Grace {
			missedStart, missedEnd = start, end
			continue
		}
		m.put(m.window(e.key, start, end), e)
		ok = true
	}
	return missedStart, missedEnd, ok
}

func (m *model) slide(e event) bool {
	own := m.watermark <= e.time+m.config.Grace
	holds := func(w *open) bool { return w.key == e.key && w.end >= e.time && w.end-m.config.Length <= e.time }
	if !own && !slices.ContainsFunc(m.open, holds) {
		return false
	}
	m.kept[e.key] = append(m.kept[e.key], e)
	if own {
		m.window(e.key, e.time-m.config.Length, e.time)
	}
	slices.SortStableFunc(m.open, func(a, b *open) int { return cmp.Compare(a.end, b.end) })
	for _, w := range m.open {
		if holds(w) {
			m.touch(w)
		}
	}
	return true
}

// join puts a record into the session that it reaches, or that reaches it, and makes one of several.
func (m *model) join(e event) bool {
	until := e.time + e.gap
	var reached []*open
	for _, w := range m.open {
		if w.key == e.key && w.start <= until && e.time <= w.until {
			reached = append(reached, w)
		}
	}
	if len(reached) == 0 && m.watermark > until+m.config.Grace {
		return false
	}
	if len(reached) == 0 {
		reached = []*open{m.enter(&open{key: e.key, start: e.time, end: e.time, until: until})}
	}
	slices.SortFunc(reached, func(a, b *open) int { return cmp.Compare(a.start, b.start) })
	into := reached[0]
	m.stretch(into, e.time, e.time, until)
	for _, w := range reached[1:] {
		m.revoke(w)
		m.stretch(into, w.start, w.end, w.until)
		into.events = append(into.events, w.events...)
		m.open = slices.DeleteFunc(m.open, func(o *open) bool { return o == w })
	}
	m.put(into, e)
	return true
}

func (m *model) stretch(w *open, start, end, until int64) {
	if start < w.start || end > w.end {
		m.revoke(w)
	}
	w.start, w.end, w.until = min(w.start, start), max(w.end, end), max(w.until, until)
	w.fired = w.fired && m.watermark > w.until
}

func (m *model) revoke(w *open) {
	if w.rev > 0 {
		o := outcome{key: w.key, start: w.start, end: w.end, time: w.end, retracted: true}
		if m.config.Kind == window.Custom {
			o.time--
		}
		m.gone = append(m.gone, o)
		w.rev = 0
	}
}

// window returns the open window with these bounds.
func (m *model) window(key string, start, end int64) *open {
	for _, w := range m.open {
		if w.key == key && w.start == start && w.end == end {
			return w
		}
	}
	return m.enter(&open{key: key, start: start, end: end, until: end})
}

func (m *model) enter(w *open) *open {
	w.fired = m.config.Emit == window.OnTime && m.watermark >= m.punctual(w)
	m.open = append(m.open, w)
	return w
}

func (m *model) put(w *open, e event) {
	w.events = append(w.events, e)
	m.touch(w)
}

func (m *model) touch(w *open) {
	if m.config.Emit == window.OnTime {
		m.takeBack()
		if w.fired {
			m.give(w, false)
		}
		return
	}
	w.changed = true
}

// punctual returns the first watermark that is behind the window.
func (m *model) punctual(w *open) int64 {
	if m.config.Kind == window.Aligned || m.config.Kind == window.Global {
		return w.until
	}
	return w.until + 1
}

func (m *model) closesAt(w *open) int64 {
	if m.config.Kind == window.Global {
		return math.MaxInt64
	}
	if m.config.Kind == window.Custom {
		return w.until
	}
	return m.punctual(w) + m.config.Grace
}

func (m *model) advance(watermark int64) {
	if watermark <= m.watermark {
		return
	}
	m.watermark = watermark
	for _, w := range m.ripe(m.punctual) {
		if m.config.Emit == window.OnTime && !w.fired {
			m.give(w, false)
			w.fired = true
		}
	}
	for _, w := range m.ripe(m.closesAt) {
		if m.config.Emit == window.Final || m.config.Emit == window.Early || m.config.Emit == window.Updates && w.changed {
			m.give(w, true)
		}
		m.open = slices.DeleteFunc(m.open, func(o *open) bool { return o == w })
	}
	m.cut()
	if watermark == math.MaxInt64 {
		m.flushCounts()
	}
}

// ripe returns the windows that the watermark has reached, in the order in which it did.
func (m *model) ripe(due func(*open) int64) []*open {
	var out []*open
	for _, w := range m.open {
		if due(w) <= m.watermark {
			out = append(out, w)
		}
	}
	slices.SortFunc(out, func(a, b *open) int {
		if m.config.Kind != window.Custom {
			return cmp.Or(cmp.Compare(due(a), due(b)), cmp.Compare(a.end, b.end), strings.Compare(a.key, b.key))
		}
		return cmp.Or(cmp.Compare(due(a), due(b)), cmp.Compare(a.end, b.end), cmp.Compare(a.start, b.start), strings.Compare(a.key, b.key))
	})
	return out
}

func (m *model) commit() {
	if m.config.Emit == window.Updates {
		m.giveChanged()
	}
	m.takeBack()
}

func (m *model) tick() {
	if m.config.Emit == window.Early {
		m.giveChanged()
	}
}

func (m *model) giveChanged() {
	m.takeBack()
	slices.SortFunc(m.open, func(a, b *open) int {
		return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.start, b.start), strings.Compare(a.key, b.key))
	})
	for _, w := range m.open {
		if w.changed {
			w.changed = false
			m.give(w, false)
		}
	}
}

func (m *model) takeBack() {
	for _, o := range m.gone {
		m.say(o, nil)
	}
	m.gone = nil
}

func (m *model) give(w *open, final bool) {
	events, time := w.events, w.end
	switch m.config.Kind {
	case window.Session:
		if int64(len(events)) < m.config.MinEvents {
			return
		}
		m.takeBack()
	case window.Custom:
		m.takeBack()
		time--
	case window.Sliding:
		events = nil
		for _, e := range m.kept[w.key] {
			if w.start <= e.time && e.time <= w.end {
				events = append(events, e)
			}
		}
	case window.Global:
		time = latest(events)
	default:
		time = w.end - 1
	}
	m.say(outcome{key: w.key, start: w.start, end: w.end, time: time, rev: w.rev, final: final}, events)
	w.rev++
	w.changed = false
}

func latest(events []event) int64 {
	return slices.MaxFunc(events, func(a, b event) int { return cmp.Compare(a.time, b.time) }).time
}

func (m *model) say(o outcome, events []event) {
	if !o.retracted {
		o.count, o.values = int64(len(events)), valuesOf(events)
	}
	m.journal = append(m.journal, o.String())
}

func valuesOf(events []event) string {
	var out []string
	for _, e := range sorted(events) {
		out = append(out, `"`+e.value+`"`)
	}
	return "[" + strings.Join(out, ",") + "]"
}

func sorted(events []event) []event {
	out := slices.Clone(events)
	slices.SortFunc(out, func(a, b event) int {
		if a.less(b) {
			return -1
		}
		return 1
	})
	return out
}
