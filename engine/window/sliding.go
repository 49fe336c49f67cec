package window

import "cmp"

// sliding are windows [t - length, t] for each time t at which a key has records. A cell holds the records of one time;
// it has a window of its own unless that was closed when they came.
type sliding struct {
	series
	queue queue
}

func newSliding(o *Operator) *sliding { return &sliding{series: newSeries(o)} }

func (w *sliding) add(a *arrival) (span, bool) {
	at := span{a.time - w.o.config.Length, a.time}
	if w.o.watermark > plus(plus(a.time, w.o.config.Length), w.o.config.Grace) {
		return at, false
	}
	key := w.o.keys.hold(a.rows.Keys.At(a.row))
	defer w.o.keys.release(key)
	i := w.find(w.cells[key], a.time, 0, 0)
	if w.o.watermark > plus(a.time, w.o.config.Grace) && len(w.holding(key, i, a.time)) == 0 {
		return at, false
	}
	if i == len(w.cells[key]) || w.o.cells.at(w.cells[key][i]).start != a.time {
		w.create(key, i, a.time)
	}
	w.o.put(w.cells[key][i], a)
	if w.o.config.Emit != Final {
		for _, cell := range w.holding(key, i, a.time) {
			w.o.change(cell)
		}
	}
	return at, true
}

// holding returns the cells from a place on whose open windows hold a time.
func (w *sliding) holding(key int32, from int, time int64) []int32 {
	var cells []int32
	for _, cell := range w.cells[key][from:] {
		c := w.o.cells.at(cell)
		if c.start > plus(time, w.o.config.Length) {
			break
		}
		if c.has(own) {
			cells = append(cells, cell)
		}
	}
	return cells
}

func (w *sliding) create(key int32, at int, time int64) {
	cell := w.o.cells.take()
	c := w.o.cells.touch(cell)
	c.key, c.start, c.end = key, time, time
	if w.o.watermark <= plus(time, w.o.config.Grace) {
		c.set(own)
	}
	w.insert(key, at, cell)
	w.enter(cell)
}

func (w *sliding) enter(cell int32) {
	c := w.o.cells.at(cell)
	if w.o.config.Emit == OnTime && w.o.watermark > c.end {
		c.set(fired)
	}
	w.queue.push(entry{due: w.dueOf(c), id: int64(cell), used: c.used})
}

// dueOf returns the watermark at which a window is given or closed, or its records are of no more use.
func (w *sliding) dueOf(c *cell) int64 {
	switch {
	case !c.has(own):
		return plus(plus(plus(c.end, w.o.config.Length), w.o.config.Grace), 1)
	case w.o.config.Emit == OnTime && !c.has(fired):
		return plus(c.end, 1)
	default:
		return plus(plus(c.end, w.o.config.Grace), 1)
	}
}

func (w *sliding) due() int64 { return w.queue.due() }

// fire gives all results before it drops records, as those of one may be part of another.
func (w *sliding) fire(watermark int64) {
	var over []int32
	for {
		var ripe []int32
		for _, e := range w.queue.ripe(watermark) {
			ripe = append(ripe, int32(e.id)) // a cell has one entry until it is dropped
		}
		if len(ripe) == 0 {
			break
		}
		w.o.order(ripe, func(a, b *cell) int { return cmp.Or(cmp.Compare(w.dueOf(a), w.dueOf(b)), cmp.Compare(a.end, b.end)) })
		for _, cell := range ripe {
			c := w.o.cells.at(cell)
			if !c.has(own) {
				over = append(over, cell)
				continue
			}
			w.settle(cell)
			w.queue.push(entry{due: w.dueOf(c), id: int64(cell), used: c.used})
		}
	}
	for _, cell := range over {
		at := w.index(cell)
		w.remove(w.o.cells.at(cell).key, at, at+1)
	}
}

// settle gives a window that is on time, or closes it; its records stay for later windows.
func (w *sliding) settle(cell int32) {
	c := w.o.cells.touch(cell)
	if w.o.config.Emit == OnTime && !c.has(fired) {
		w.result(cell, false)
		c.set(fired)
		return
	}
	if w.o.closing(cell) {
		w.result(cell, true)
	}
	c.clear(own)
}

func (w *sliding) result(cell int32, final bool) {
	c := w.o.cells.at(cell)
	of := w.cells[c.key]
	to := w.index(cell) + 1
	from := w.find(of, c.end-w.o.config.Length, 0, 0)
	w.o.sum(of[from:to])
	w.o.emit(result{cell: cell, values: w.o.scratch, span: span{c.end - w.o.config.Length, c.end}, time: c.end, final: final})
	w.o.clearScratch()
}

func (w *sliding) give(cell int32) {
	w.o.cells.touch(cell)
	w.result(cell, false)
}

func (w *sliding) restore(cell int32) {
	w.series.restore(cell)
	w.enter(cell)
}

func (w *sliding) restored() {}
