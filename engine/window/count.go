package window

import (
	"cmp"
	"slices"
)

// counting are windows of the last records of a key, in the order of their arrival. A cell holds as many records as
// divide both the size and the step of the windows; its `until` is its number.
type counting struct {
	series
	piece int64
}

func newCounting(o *Operator) *counting {
	a, b := o.config.Size, o.config.Every
	for b != 0 {
		a, b = b, a%b
	}
	return &counting{series: newSeries(o), piece: a}
}

func (w *counting) add(a *arrival) (span, bool) {
	key := w.o.keys.hold(a.rows.Keys.At(a.row))
	defer w.o.keys.release(key)
	of := w.cells[key]
	if len(of) == 0 || w.o.cells.at(of[len(of)-1]).rows == w.piece {
		w.create(key, a.time)
		of = w.cells[key]
	}
	cell := of[len(of)-1]
	w.o.put(cell, a)
	c := w.o.cells.at(cell)
	c.start, c.end = min(c.start, a.time), max(c.end, a.time)
	if c.rows == w.piece && (c.until+1)*w.piece%w.o.config.Every == 0 {
		w.result(key)
		w.drop(key)
	}
	return span{}, true
}

func (w *counting) create(key int32, time int64) {
	number := int64(0)
	if of := w.cells[key]; len(of) > 0 {
		number = w.o.cells.at(of[len(of)-1]).until + 1
	}
	cell := w.o.cells.take()
	c := w.o.cells.touch(cell)
	c.key, c.start, c.end, c.until = key, time, time, number
	w.insert(key, len(w.cells[key]), cell)
}

// result gives the window that ends with the last record, or would end with a later one, if it has any records.
func (w *counting) result(key int32) {
	of := w.held(w.cells[key])
	if len(of) == 0 {
		return
	}
	at := span{w.o.cells.at(of[0]).start, w.o.cells.at(of[0]).end}
	for _, cell := range of {
		c := w.o.cells.at(cell)
		at = span{min(at.start, c.start), max(at.end, c.end)}
	}
	w.o.sum(of)
	w.o.emit(result{cell: of[len(of)-1], values: w.o.scratch, span: at, time: at.end, final: true})
	w.o.clearScratch()
}

// held returns the cells that belong to the window that ends next.
func (w *counting) held(of []int32) []int32 {
	last := w.o.cells.at(of[len(of)-1])
	count, every := last.until*w.piece+last.rows, w.o.config.Every
	begin := (count+every-1)/every*every - w.o.config.Size
	from := slices.IndexFunc(of, func(cell int32) bool { return w.o.cells.at(cell).until*w.piece >= begin })
	if from < 0 {
		return nil
	}
	return of[from:]
}

// drop forgets what the next window does not hold.
func (w *counting) drop(key int32) {
	kept := int((w.o.config.Size - w.o.config.Every) / w.piece)
	of := w.cells[key]
	w.remove(key, 0, max(0, len(of)-max(kept, 0)))
}

func (w *counting) due() int64 { return MaxTime }

// fire gives the windows that were not full at the end of the input.
func (w *counting) fire(int64) {
	var keys []int32
	for key := range w.cells {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b int32) int {
		return cmp.Compare(w.o.keys.names[a], w.o.keys.names[b])
	})
	for _, key := range keys {
		of := w.cells[key]
		last := w.o.cells.at(of[len(of)-1])
		if (last.until*w.piece+last.rows)%w.o.config.Every != 0 {
			w.result(key)
		}
		w.remove(key, 0, len(of))
	}
}

func (w *counting) give(int32) {}

// restore finds the place of a cell by its number.
func (w *counting) restore(cell int32) {
	c := w.o.cells.at(cell)
	of := w.cells[c.key]
	at := len(of)
	for at > 0 && w.o.cells.at(of[at-1]).until > c.until {
		at--
	}
	w.insert(c.key, at, cell)
}

func (w *counting) restored() {}
