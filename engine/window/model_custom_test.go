package window_test

import (
	"cmp"
	"errors"
	"slices"

	"github.com/pyudf/pyudf/engine/window"
)

// fences are rules of custom windows: two that touch are one if that is not too long; windows that start at a multiple of
// seven stay open for a while. Those of a certain length cannot be asked about.
type fences struct{ longest, wait, bad int64 }

var errFence = errors.New("no such window")

func (f fences) Merge(a, b window.Span) (window.Span, bool, error) {
	whole := window.Span{Start: min(a.Start, b.Start), End: max(a.End, b.End)}
	touch := a.Start <= b.End && b.Start <= a.End
	return whole, touch && whole.End-whole.Start <= f.longest, nil
}

func (f fences) Due(w window.Span) (int64, error) {
	if w.End-w.Start == f.bad {
		return 0, errFence
	}
	if w.Start%7 == 0 {
		return w.End + f.wait, nil
	}
	return w.End, nil
}

// assign puts a record into the windows that the user's class says, and returns the last that it missed.
func (m *model) assign(e event) (start, end int64, ok bool) {
	start, end, ok = e.time, e.time, len(e.spans) == 0
	for _, s := range e.spans {
		whole, absorbed := m.merge(e.key, s)
		due, err := m.rules.Due(whole)
		if err != nil {
			m.journal = append(m.journal, "failed "+e.value)
			return start, end, true
		}
		due += m.config.Grace
		if len(absorbed) == 0 && m.watermark >= due {
			start, end = whole.Start, whole.End
			continue
		}
		ok = true
		if len(absorbed) == 0 {
			absorbed = []*open{m.enter(&open{key: e.key, start: whole.Start, end: whole.End})}
		}
		m.unite(absorbed, whole, due)
		m.put(absorbed[0], e)
	}
	return start, end, ok
}

// merge returns the window that a new one makes with the open ones, tried in their order until nothing changes.
func (m *model) merge(key string, whole window.Span) (window.Span, []*open) {
	var candidates, absorbed []*open
	for _, w := range m.open {
		if w.key == key {
			candidates = append(candidates, w)
		}
	}
	slices.SortFunc(candidates, func(a, b *open) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	for again := true; again; {
		again = false
		for _, w := range candidates {
			if slices.Contains(absorbed, w) {
				continue
			}
			own := window.Span{Start: w.start, End: w.end}
			merged, ok := own, own == whole
			if !ok {
				merged, ok, _ = m.rules.Merge(own, whole)
			}
			if ok {
				again = again || merged != whole
				whole, absorbed = merged, append(absorbed, w)
			}
		}
	}
	return whole, absorbed
}

func (m *model) unite(all []*open, whole window.Span, due int64) {
	into := all[0]
	for _, w := range all[1:] {
		m.revoke(w)
		into.events = append(into.events, w.events...)
		m.open = slices.DeleteFunc(m.open, func(o *open) bool { return o == w })
	}
	if into.start != whole.Start || into.end != whole.End {
		m.revoke(into)
	}
	into.start, into.end, into.until = whole.Start, whole.End, due
}
