package window

import (
	"cmp"
	"slices"
)

// ordered are sessions that end at some record or after some time. Where they end shows only in event-time order, so
// a cell is a record, and sessions are cut off the front of a key's series when the watermark has passed them.
type ordered struct {
	series
	queue queue
	// waiting are the keys' entries in the queue; others are stale.
	waiting map[int32]int64
}

func newOrdered(o *Operator) *ordered {
	return &ordered{series: newSeries(o), waiting: map[int32]int64{}}
}

func (w *ordered) add(a *arrival) (span, bool) {
	key := w.o.keys.hold(a.rows.Keys.At(a.row))
	defer w.o.keys.release(key)
	cell := w.o.cells.take()
	c := w.o.cells.touch(cell)
	c.key, c.start, c.end, c.until = key, a.time, a.time, a.until
	c.input, c.offset = a.stamp.Input, a.stamp.Offset
	if a.closes {
		c.set(last)
	}
	at := w.find(w.cells[key], a.time, c.input, c.offset)
	w.insert(key, at, cell)
	w.o.put(cell, a)
	if w.o.watermark > plus(a.time, w.o.config.Grace) && w.over(key, at) {
		w.remove(key, at, at+1)
		return span{a.time, a.time}, false
	}
	if at == 0 || a.closes {
		w.wait(key)
	}
	return span{}, true
}

// over tells whether the session of a record is over already.
func (w *ordered) over(key int32, at int) bool {
	of := w.cells[key]
	for from := 0; ; {
		to, due := w.first(of, from)
		if at < to {
			return due <= w.o.watermark
		}
		from = to
	}
}

// first returns where the session that begins at a record ends, and the watermark at which that is certain.
func (w *ordered) first(of []int32, from int) (to int, due int64) {
	begin := w.o.cells.at(of[from])
	until, latest := begin.until, int64(MaxTime)
	if w.o.config.MaxDuration > 0 {
		latest = plus(begin.start, w.o.config.MaxDuration)
	}
	for to = from; to < len(of); to++ {
		c := w.o.cells.at(of[to])
		if c.start > until || c.start > latest {
			break
		}
		until = max(until, c.until)
		if c.has(last) {
			until, to = c.start, to+1
			break
		}
	}
	return to, plus(plus(min(until, latest), w.o.config.Grace), 1)
}

// wait has the queue tell when the first session of a key may be over.
func (w *ordered) wait(key int32) {
	_, due := w.first(w.cells[key], 0)
	if before, waits := w.waiting[key]; waits && before <= due {
		return
	}
	w.waiting[key] = due
	w.queue.push(entry{due: due, id: int64(key)})
}

func (w *ordered) due() int64 { return w.queue.due() }

// finished is a session that is over.
type finished struct {
	key   int32
	cells []int32
	due   int64
}

func (w *ordered) fire(watermark int64) {
	var over []finished
	for _, e := range w.queue.ripe(watermark) {
		key := int32(e.id)
		if due, waits := w.waiting[key]; waits && due == e.due {
			delete(w.waiting, key)
			over = append(over, w.cut(key, watermark)...)
		}
	}
	slices.SortStableFunc(over, func(a, b finished) int {
		end := func(f finished) int64 { return w.o.cells.at(f.cells[len(f.cells)-1]).end }
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(end(a), end(b)), cmp.Compare(w.o.keys.names[a.key], w.o.keys.names[b.key]))
	})
	for _, f := range over {
		w.close(f)
	}
}

// cut returns the sessions of a key that are over, and waits for the one behind them.
func (w *ordered) cut(key int32, watermark int64) []finished {
	var over []finished
	of := w.cells[key]
	for from := 0; from < len(of); {
		to, due := w.first(of, from)
		if due > watermark {
			w.waiting[key] = due
			w.queue.push(entry{due: due, id: int64(key)})
			break
		}
		over = append(over, finished{key, slices.Clone(of[from:to]), due})
		from = to
	}
	return over
}

func (w *ordered) close(f finished) {
	first, end := f.cells[0], w.o.cells.at(f.cells[len(f.cells)-1]).end
	rows := int64(0)
	for _, cell := range f.cells {
		rows += w.o.cells.at(cell).rows
	}
	if rows >= w.o.config.MinEvents {
		w.o.sum(f.cells)
		w.o.emit(result{cell: first, values: w.o.scratch, span: span{w.o.cells.at(first).start, end}, time: end, final: true})
		w.o.clearScratch()
	}
	w.remove(f.key, 0, len(f.cells))
}

func (w *ordered) give(int32) {}

func (w *ordered) restore(cell int32) { w.series.restore(cell) }

func (w *ordered) restored() {
	for key := range w.cells {
		w.wait(key)
	}
}
