package window

import (
	"cmp"
	"slices"
)

// Span is the bounds of a window, from Start (inclusive) to End (exclusive).
type Span struct{ Start, End int64 }

// Rules are what a user's class says about its windows. The same question has the same answer at any time.
type Rules interface {
	// Merge returns the window that two windows of a key make together; ok is false if they stay apart.
	Merge(a, b Span) (merged Span, ok bool, err error)
	// Due returns the first watermark at which a window closes.
	Due(window Span) (int64, error)
}

// custom are windows of a user's class. A cell is an open window; its until is when it closes, its offset its end, as
// several may have the same start.
type custom struct {
	series
	queue queue
}

func newCustom(o *Operator) *custom { return &custom{series: newSeries(o)} }

func (w *custom) add(a *arrival) (span, bool) {
	key := w.o.keys.hold(a.rows.Keys.At(a.row))
	defer w.o.keys.release(key)
	spans := a.rows.Spans[a.row]
	missed, ok := span{a.time, a.time}, len(spans) == 0
	for _, assigned := range spans {
		at, taken, err := w.addTo(key, assigned, a)
		if err != nil {
			w.o.failed = append(w.o.failed, Failed{a.row, err})
			return missed, true
		}
		if !taken {
			missed = at
		}
		ok = ok || taken
	}
	return missed, ok
}

// addTo puts a row into one window, with all that it makes one. Nothing is changed before all rules have answered.
func (w *custom) addTo(key int32, assigned Span, a *arrival) (span, bool, error) {
	whole, absorbed, err := w.whole(key, assigned)
	if err != nil {
		return span{}, false, err
	}
	due, err := w.o.rules.Due(whole)
	if err != nil {
		return span{}, false, err
	}
	due = plus(due, w.o.config.Grace)
	at := span{whole.Start, whole.End}
	if !w.o.joined(absorbed, a.row) {
		return at, true, nil
	}
	if len(absorbed) == 0 {
		if w.o.watermark >= due {
			return at, false, nil
		}
		absorbed = []int32{w.create(key, at)}
	}
	cell := absorbed[0]
	for _, other := range absorbed[1:] {
		w.absorb(cell, other)
	}
	w.become(cell, at, due)
	w.o.put(cell, a)
	w.o.change(cell)
	return at, true, nil
}

// whole returns the window that an assigned one makes with those that are open, and which of them it takes in.
func (w *custom) whole(key int32, whole Span) (Span, []int32, error) {
	var absorbed []int32
	taken := map[int32]bool{}
	for again := true; again; {
		again = false
		for _, cell := range w.cells[key] {
			c := w.o.cells.at(cell)
			if taken[cell] {
				continue
			}
			own := Span{c.start, c.end}
			merged, ok := own, own == whole
			if !ok {
				var err error
				if merged, ok, err = w.o.rules.Merge(own, whole); err != nil {
					return whole, nil, err
				}
			}
			if ok {
				again = again || merged != whole
				taken[cell], whole = true, merged
				absorbed = append(absorbed, cell)
			}
		}
	}
	return whole, absorbed, nil
}

func (w *custom) create(key int32, at span) int32 {
	cell := w.o.cells.take()
	c := w.o.cells.touch(cell)
	c.key, c.start, c.end, c.offset, c.until = key, at.start, at.end, at.end, MinTime
	w.insert(key, w.find(w.cells[key], at.start, 0, at.end), cell)
	return cell
}

// absorb puts what another window holds into one.
func (w *custom) absorb(cell, other int32) {
	from := *w.o.cells.at(other)
	w.o.revoke(other, span{from.start, from.end}, from.end-1)
	w.o.cells.at(cell).rows += from.rows
	for _, column := range w.o.columns {
		column.Merge(cell, other)
	}
	at := w.index(other)
	w.remove(from.key, at, at+1)
}

// become gives a window its bounds, and waits for its close.
func (w *custom) become(cell int32, at span, due int64) {
	c := w.o.cells.touch(cell)
	if before := (span{c.start, c.end}); before != at {
		w.o.revoke(cell, before, before.end-1)
		c.start, c.end, c.offset = at.start, at.end, at.end
		w.sort(c.key)
	}
	if c.until != due {
		c.until = due
		w.o.widen(due - w.o.config.Grace - at.end)
		w.queue.push(entry{due: due, id: int64(cell), used: c.used})
	}
}

func (w *custom) due() int64 { return w.queue.due() }

func (w *custom) fire(watermark int64) {
	var ripe []int32
	for _, e := range w.queue.ripe(watermark) {
		c := w.o.cells.at(int32(e.id))
		if c.has(live) && c.used == e.used && c.until == e.due {
			ripe = append(ripe, int32(e.id))
		}
	}
	w.o.order(ripe, func(a, b *cell) int {
		return cmp.Or(cmp.Compare(a.until, b.until), cmp.Compare(a.end, b.end), cmp.Compare(a.start, b.start))
	})
	for _, cell := range slices.Compact(ripe) { // one that was to close at this moment twice has two entries
		if w.o.closing(cell) {
			w.result(cell, true)
		}
		at := w.index(cell)
		w.remove(w.o.cells.at(cell).key, at, at+1)
	}
}

func (w *custom) result(cell int32, final bool) {
	c := w.o.cells.at(cell)
	w.o.takeBack()
	w.o.emit(result{cell: cell, values: cell, span: span{c.start, c.end}, time: c.end - 1, final: final})
}

func (w *custom) give(cell int32) {
	w.o.cells.touch(cell)
	w.result(cell, false)
}

func (w *custom) restore(cell int32) {
	w.series.restore(cell)
	c := w.o.cells.at(cell)
	w.queue.push(entry{due: c.until, id: int64(cell), used: c.used})
}

func (w *custom) restored() {}
