package window

import (
	"cmp"
	"slices"
)

// sessions are windows of records that follow each other within a gap. A cell is an open session: its start and end are
// the first and the last record, until is where the gap behind it ends.
type sessions struct {
	series
	queue queue
}

func newSessions(o *Operator) *sessions { return &sessions{series: newSeries(o)} }

func (w *sessions) add(a *arrival) (span, bool) {
	key := w.o.keys.hold(a.rows.Keys.At(a.row))
	defer w.o.keys.release(key)
	from, to := w.reached(key, a)
	if from == to {
		if w.o.watermark > plus(a.until, w.o.config.Grace) {
			return span{a.time, a.time}, false
		}
		w.create(key, from, a)
		return span{}, true
	}
	if !w.o.joined(w.cells[key][from:to], a.row) {
		return span{}, true
	}
	cell := w.cells[key][from]
	w.extend(cell, a.time, a.time, a.until)
	for _, other := range w.cells[key][from+1 : to] {
		w.absorb(cell, other)
	}
	w.remove(key, from+1, to)
	w.o.put(cell, a)
	w.o.change(cell)
	return span{}, true
}

// reached returns which open sessions a record belongs to: those that its own gap or theirs connects with it.
func (w *sessions) reached(key int32, a *arrival) (from, to int) {
	of := w.cells[key]
	for from < len(of) && w.o.cells.at(of[from]).until < a.time {
		from++
	}
	to = from
	for to < len(of) && w.o.cells.at(of[to]).start <= a.until {
		to++
	}
	return from, to
}

func (w *sessions) create(key int32, at int, a *arrival) {
	cell := w.o.cells.take()
	c := w.o.cells.touch(cell)
	c.key, c.start, c.end, c.until = key, a.time, a.time, a.until
	w.insert(key, at, cell)
	w.enter(cell)
	w.o.put(cell, a)
	w.o.change(cell)
}

func (w *sessions) enter(cell int32) {
	c := w.o.cells.at(cell)
	if w.o.config.Emit == OnTime && w.o.watermark > c.until {
		c.set(fired)
	}
	w.queue.push(entry{due: w.dueOf(c), id: int64(cell), used: c.used})
}

// extend makes a session reach over more. Its result so far is that of another window then.
func (w *sessions) extend(cell int32, start, end, until int64) {
	c := w.o.cells.touch(cell)
	if start < c.start || end > c.end {
		w.o.revoke(cell, span{c.start, c.end}, c.end)
	}
	c.start, c.end, c.until = min(c.start, start), max(c.end, end), max(c.until, until)
	if c.has(fired) && w.o.watermark <= c.until {
		c.clear(fired) // it is not over any more; it fires again when the watermark passes its new end
		w.queue.push(entry{due: w.dueOf(c), id: int64(cell), used: c.used})
	}
}

// absorb puts what another session holds into one that reaches it.
func (w *sessions) absorb(cell, other int32) {
	c, from := w.o.cells.at(cell), *w.o.cells.at(other)
	w.o.revoke(other, span{from.start, from.end}, from.end)
	w.extend(cell, from.start, from.end, from.until)
	c.rows += from.rows
	for _, column := range w.o.columns {
		column.Merge(cell, other)
	}
}

// dueOf returns the watermark at which a session is given or closed, if nothing more comes.
func (w *sessions) dueOf(c *cell) int64 {
	if w.o.config.Emit == OnTime && !c.has(fired) {
		return plus(c.until, 1)
	}
	return plus(plus(c.until, w.o.config.Grace), 1)
}

func (w *sessions) due() int64 { return w.queue.due() }

func (w *sessions) fire(watermark int64) {
	for {
		ripe := w.ripe(watermark)
		if len(ripe) == 0 {
			return
		}
		w.o.order(ripe, func(a, b *cell) int { return cmp.Or(cmp.Compare(w.dueOf(a), w.dueOf(b)), cmp.Compare(a.end, b.end)) })
		for _, cell := range slices.Compact(ripe) { // one that grew after it was given has two entries
			w.settle(cell, watermark)
		}
	}
}

// ripe returns the sessions that are due, and puts those off that grew meanwhile.
func (w *sessions) ripe(watermark int64) []int32 {
	var cells []int32
	for _, e := range w.queue.ripe(watermark) {
		c := w.o.cells.at(int32(e.id))
		if c.used != e.used || !c.has(live) {
			continue
		}
		if due := w.dueOf(c); due > watermark {
			w.queue.push(entry{due: due, id: e.id, used: e.used})
			continue
		}
		cells = append(cells, int32(e.id))
	}
	return cells
}

// settle gives a session that is on time, or closes it.
func (w *sessions) settle(cell int32, watermark int64) {
	c := w.o.cells.at(cell)
	if w.o.config.Emit == OnTime && !c.has(fired) {
		w.give(cell)
		c.set(fired)
		if w.dueOf(c) > watermark {
			w.queue.push(entry{due: w.dueOf(c), id: int64(cell), used: c.used})
			return
		}
	}
	if w.o.closing(cell) {
		w.result(cell, true)
	}
	at := w.index(cell)
	w.remove(c.key, at, at+1)
}

func (w *sessions) result(cell int32, final bool) {
	c := w.o.cells.at(cell)
	if c.rows >= w.o.config.MinEvents {
		w.o.takeBack()
		w.o.emit(result{cell: cell, values: cell, span: span{c.start, c.end}, time: c.end, final: final})
	}
}

func (w *sessions) give(cell int32) {
	w.o.cells.touch(cell)
	w.result(cell, false)
}

func (w *sessions) restore(cell int32) {
	w.series.restore(cell)
	w.enter(cell)
}

func (w *sessions) restored() {}
