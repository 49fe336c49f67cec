package window

// aligned are tumbling, hopping and global windows: their bounds do not depend on the records.
type aligned struct {
	o *Operator
	// open finds the cell of a key and window.
	open *places
	// buckets are the windows that have cells, by their start.
	buckets map[int64]*bucket
	queue   queue
}

// bucket is the cells of one window.
type bucket struct {
	span
	cells []int32
	// fired tells that its results on time were given.
	fired bool
}

func newAligned(o *Operator) *aligned {
	return &aligned{o: o, open: newPlaces(&o.cells), buckets: map[int64]*bucket{}}
}

func (w *aligned) add(a *arrival) (span, bool) {
	key := w.o.keys.hold(a.rows.Keys.At(a.row))
	defer w.o.keys.release(key)
	if w.o.config.Kind == Global {
		w.put(key, span{MinTime, MaxTime}, a)
		return span{}, true
	}
	if a.rows.Partials != nil {
		return w.addIf(key, w.window(a.rows.Partials.Starts[a.row]), a)
	}
	last := floor(a.time, w.o.config.Offset, w.o.config.Every)
	missed, ok := span{}, false
	for start := floorAbove(a.time, w.o.config.Size, last, w.o.config.Every); start <= last; start += w.o.config.Every {
		at, taken := w.addIf(key, w.window(start), a)
		if !taken {
			missed = at
		}
		ok = ok || taken
	}
	return missed, ok
}

// floorAbove returns the first start of a window of the given size that holds t.
func floorAbove(t, size, last, every int64) int64 {
	if size == every {
		return last
	}
	return last - (size-1-(t-last))/every*every
}

func (w *aligned) window(start int64) span { return span{start, start + w.o.config.Size} }

func (w *aligned) addIf(key int32, at span, a *arrival) (span, bool) {
	if w.o.watermark >= plus(at.end, w.o.config.Grace) {
		return at, false
	}
	w.put(key, at, a)
	return at, true
}

func (w *aligned) put(key int32, at span, a *arrival) {
	cell, known := w.open.find(place{at.start, key})
	if !known {
		cell = w.create(key, at)
	}
	w.o.put(cell, a)
	if w.o.config.Kind == Global {
		c := w.o.cells.at(cell)
		c.until = max(c.until, a.time)
	}
	w.o.change(cell)
}

func (w *aligned) create(key int32, at span) int32 {
	cell := w.o.cells.take()
	c := w.o.cells.touch(cell)
	c.key, c.start, c.end, c.until = key, at.start, at.end, MinTime
	w.enter(cell)
	return cell
}

// enter makes a cell findable.
func (w *aligned) enter(cell int32) {
	c := w.o.cells.at(cell)
	w.o.keys.use(c.key)
	w.open.add(cell)
	b := w.buckets[c.start]
	if b == nil {
		b = &bucket{span: span{c.start, c.end}, fired: w.o.config.Emit == OnTime && w.o.watermark >= c.end}
		w.buckets[c.start] = b
		w.queue.push(entry{due: w.dueOf(b), id: b.start})
	}
	b.cells = append(b.cells, cell)
	if b.fired {
		c.set(fired)
	}
}

// dueOf returns the watermark at which a window is given or closed.
func (w *aligned) dueOf(b *bucket) int64 {
	if w.o.config.Emit == OnTime && !b.fired {
		return b.end
	}
	return plus(b.end, w.o.config.Grace)
}

func (w *aligned) due() int64 { return w.queue.due() }

// fire works in the order of the windows' ends: each entry is due in that order.
func (w *aligned) fire(watermark int64) {
	for w.queue.due() <= watermark && len(w.queue) > 0 {
		e := w.queue.pop()
		b := w.buckets[e.id]
		w.o.orderByKey(b.cells)
		if w.o.config.Emit == OnTime && !b.fired {
			w.giveOnTime(b)
			w.queue.push(entry{due: w.dueOf(b), id: b.start})
			continue
		}
		w.close(b)
	}
}

func (w *aligned) giveOnTime(b *bucket) {
	b.fired = true
	for _, cell := range b.cells {
		w.give(cell)
		w.o.cells.at(cell).set(fired)
	}
}

func (w *aligned) close(b *bucket) {
	for _, cell := range b.cells {
		if w.o.closing(cell) {
			w.o.emit(w.result(cell, true))
		}
		c := w.o.cells.at(cell)
		w.open.remove(cell)
		w.o.keys.release(c.key)
		w.o.cells.give(cell)
	}
	delete(w.buckets, b.start)
}

func (w *aligned) result(cell int32, final bool) result {
	c := w.o.cells.at(cell)
	r := result{cell: cell, values: cell, span: span{c.start, c.end}, time: c.end - 1, final: final}
	if w.o.config.Kind == Global {
		r.time = c.until
	}
	return r
}

func (w *aligned) give(cell int32) {
	w.o.cells.touch(cell)
	w.o.emit(w.result(cell, false))
}

func (w *aligned) restore(cell int32) { w.enter(cell) }

func (w *aligned) restored() {}
