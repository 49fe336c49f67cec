package window

import (
	"cmp"
	"slices"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/record"
)

// Operator holds the open windows of one windowed step in one task. One goroutine calls it.
type Operator struct {
	config  Config
	columns []aggregate.Column
	results []record.Type
	kind    kind
	keys    *keys
	cells   cells
	// scratch is a cell for results that are put together of several.
	scratch int32

	// watermark is the highest that was seen: what is due at it has been given.
	watermark int64
	// finite is the highest but the end of time.
	finite int64
	// mark is the watermark of what is given now.
	mark int64
	// maxGap is the largest gap of any row.
	maxGap int64
	// changed are the cells to give at the next commit or tick; some may have been given or closed since.
	changed []int32
	// rules are those of custom windows, join is asked before windows become one, failed are the rows for which one of
	// them failed.
	rules  Rules
	join   Join
	failed []Failed
	// gone are results to take back at that time.
	gone []retraction

	out *Results
}

// kind is what one kind of windows does with rows and watermarks.
type kind interface {
	// add puts a row into its windows. If it is too late for all of them it returns one of them and false.
	add(a *arrival) (missed span, ok bool)
	// fire gives and closes what is due at a watermark.
	fire(watermark int64)
	// due is a watermark below which fire has nothing to do.
	due() int64
	// restore takes over a cell that was loaded; cells come in the order of their numbers.
	restore(cell int32)
	// restored is called after the last one.
	restored()
	// give gives the current result of a cell that changed.
	give(cell int32)
}

// span is a window's bounds.
type span struct{ start, end int64 }

// arrival is a row on its way into its windows.
type arrival struct {
	rows *Rows
	row  int
	time int64
	// until is the end of the row's own gap.
	until  int64
	closes bool
	stamp  aggregate.Stamp
}

// retraction is a result to take back.
type retraction struct {
	key string
	span
	time int64
}

// New returns an operator without any windows. The columns are its own from then on; results are their types.
func New(config Config, columns []aggregate.Column, results []record.Type) *Operator {
	o := &Operator{config: config, keys: newKeys(), columns: columns, results: results, watermark: MinTime, finite: MinTime, mark: MinTime, maxGap: config.Gap}
	o.cells.columns = columns
	o.scratch = o.cells.take()
	o.kind = newKind(o)
	o.begin()
	return o
}

func newKind(o *Operator) kind {
	switch o.config.Kind {
	case Sliding:
		return newSliding(o)
	case Count:
		return newCounting(o)
	case Custom:
		return newCustom(o)
	case Session:
		if o.config.ordered() {
			return newOrdered(o)
		}
		return newSessions(o)
	default:
		return newAligned(o)
	}
}

// begin makes room for results.
func (o *Operator) begin() {
	o.out = &Results{}
	for _, t := range o.results {
		o.out.builders = append(o.out.builders, record.NewBuilder(t, 0))
	}
}

// Results returns what was given since the last call.
func (o *Operator) Results() *Results {
	out := o.out
	if out.Len() > 0 {
		for _, b := range out.builders {
			out.Columns = append(out.Columns, b.Column())
		}
		o.begin()
	}
	return out
}

// Add puts rows into their windows, each at its own watermark, and gives what becomes due in between. It returns the
// rows that were too late.
func (o *Operator) Add(rows *Rows) []Late {
	var late []Late
	var a arrival // one for all rows, as each would be allocated
	for row := range rows.Len() {
		o.Advance(rows.Watermarks[row])
		a = o.arrive(rows, row)
		if missed, ok := o.kind.add(&a); !ok {
			late = append(late, Late{Row: row, Start: missed.start, End: missed.end, Watermark: o.watermark})
		}
	}
	return late
}

func (o *Operator) arrive(rows *Rows, row int) arrival {
	a := arrival{
		rows: rows, row: row, time: rows.Times[row],
		stamp: aggregate.Stamp{Time: rows.Times[row], Input: rows.Inputs[row], Offset: rows.Offsets[row]},
	}
	gap := o.config.Gap
	if rows.Gaps != nil {
		gap = rows.Gaps[row]
	}
	o.widen(gap)
	a.until = plus(a.time, gap)
	a.closes = rows.Closes != nil && rows.Closes[row]
	return a
}

// widen notes how far the last record of a window may lie before the watermark that closes it.
func (o *Operator) widen(gap int64) {
	if gap > o.maxGap {
		o.maxGap = gap
		o.mark = o.Watermark()
	}
}

// Use sets the rules of custom windows. REQUIRES: it is called before the first Add, if there are any.
func (o *Operator) Use(rules Rules) { o.rules = rules }

// Join prepares that open windows of a key become one, the first of them. An error leaves them apart, and the row out.
type Join func(cells []int32) error

// Ask sets what is asked before windows become one; nil: nothing.
func (o *Operator) Ask(join Join) { o.join = join }

// Failed returns the rows that were not added since the last call, as rules or a join failed for them.
func (o *Operator) Failed() []Failed {
	failed := o.failed
	o.failed = nil
	return failed
}

// Advance moves the watermark on and gives what becomes due. MaxTime closes everything.
func (o *Operator) Advance(watermark int64) {
	if watermark <= o.watermark {
		return
	}
	o.watermark = watermark
	if watermark != MaxTime {
		o.finite = watermark
	}
	if o.kind.due() <= watermark {
		o.kind.fire(watermark)
	}
	o.mark = o.Watermark()
}

// Watermark returns the watermark of the results: none that is given from now on lies behind it.
func (o *Operator) Watermark() int64 {
	if o.watermark == MinTime || o.watermark == MaxTime {
		return o.watermark
	}
	switch o.config.Kind {
	case Session, Custom:
		return plus(plus(o.watermark, -o.config.Grace), -o.maxGap)
	case Count, Global:
		return o.watermark
	default:
		return plus(o.watermark, -o.config.Grace)
	}
}

// Commit gives the windows that changed since the last commit, for Updates; for Early what has to be taken back, which is
// not saved.
func (o *Operator) Commit() {
	if o.config.Emit == Updates {
		o.giveChanged()
	}
	o.takeBack()
}

// Tick gives the windows that changed since the last tick, for Early.
func (o *Operator) Tick() {
	if o.config.Emit == Early {
		o.giveChanged()
	}
}

// Key returns the key of a cell that is open.
func (o *Operator) Key(cell int32) []byte { return []byte(o.keys.names[o.cells.at(cell).key]) }

// Open returns how many cells are open.
func (o *Operator) Open() int { return o.cells.open - 1 }

func (o *Operator) giveChanged() {
	o.takeBack()
	cells := slices.DeleteFunc(o.changed, func(cell int32) bool {
		c := o.cells.at(cell)
		given := !c.has(changed)
		c.clear(changed)
		return given
	})
	o.order(cells, func(a, b *cell) int { return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.start, b.start)) })
	for _, cell := range cells {
		o.kind.give(cell)
	}
	o.changed = o.changed[:0]
}

// change notes that the result of a cell is another now.
func (o *Operator) change(cell int32) {
	c := o.cells.at(cell)
	switch o.config.Emit {
	case Updates, Early:
		if !c.has(changed) {
			o.cells.touch(cell).set(changed) // before the next tick there may be a save
			o.changed = append(o.changed, cell)
		}
	case OnTime:
		o.takeBack()
		if c.has(fired) {
			o.kind.give(cell)
		}
	default:
	}
}

// revoke takes the result of a cell back if one was given: its window is another now.
func (o *Operator) revoke(cell int32, at span, time int64) {
	c := o.cells.at(cell)
	if c.rev > 0 {
		o.gone = append(o.gone, retraction{o.keys.names[c.key], at, time})
		c.rev = 0
	}
}

func (o *Operator) takeBack() {
	for _, r := range o.gone {
		o.out.Keys.Append([]byte(r.key))
		o.out.append(r.span, r.time, o.mark)
		o.out.Revs, o.out.Finals, o.out.Retracted = append(o.out.Revs, 0), append(o.out.Finals, false), append(o.out.Retracted, true)
		for _, column := range o.out.builders {
			column.Null()
		}
	}
	o.gone = o.gone[:0]
}

func (r *Results) append(at span, time, watermark int64) {
	r.Starts, r.Ends = append(r.Starts, at.start), append(r.Ends, at.end)
	r.Times, r.Watermarks = append(r.Times, time), append(r.Watermarks, watermark)
}

// result is a result to give.
type result struct {
	// cell is counted as given; values is the cell that holds the aggregates.
	cell, values int32
	span
	time  int64
	final bool
}

func (o *Operator) emit(r result) {
	c := o.cells.at(r.cell)
	o.out.Keys.Data = append(o.out.Keys.Data, o.keys.names[c.key]...)
	o.out.Keys.End(false)
	o.out.append(r.span, r.time, o.mark)
	o.out.Revs, o.out.Finals = append(o.out.Revs, int64(c.rev)), append(o.out.Finals, r.final)
	o.out.Retracted = append(o.out.Retracted, false)
	c.rev++
	c.clear(changed)
	for i, column := range o.columns {
		column.Result(r.values, o.out.builders[i])
	}
}

// closing tells whether a cell that closes now has a last result to give.
func (o *Operator) closing(cell int32) bool {
	switch o.config.Emit {
	case Updates:
		return o.cells.at(cell).has(changed)
	case OnTime:
		return !o.cells.at(cell).has(fired)
	default:
		return true
	}
}

// joined tells whether windows may become one for a row.
func (o *Operator) joined(cells []int32, row int) bool {
	if o.join == nil || len(cells) < 2 {
		return true
	}
	err := o.join(cells)
	if err != nil {
		o.failed = append(o.failed, Failed{row, err})
	}
	return err == nil
}

// put adds a row to a cell.
func (o *Operator) put(cell int32, a *arrival) {
	c := o.cells.touch(cell)
	if p := a.rows.Partials; p != nil {
		c.rows += p.Rows[a.row]
		o.merge(cell, p.State.At(a.row))
		return
	}
	c.rows++
	for i, column := range o.columns {
		column.Add(cell, a.rows.Values[i], a.row, a.stamp)
	}
}

// merge adds encoded accumulators to a cell. They come from Partial, so they decode.
func (o *Operator) merge(cell int32, state []byte) {
	for _, column := range o.columns {
		rest, err := column.Load(o.scratch, state)
		if err != nil {
			panic("partial aggregates that were checked do not decode: " + err.Error())
		}
		column.Merge(cell, o.scratch)
		column.Clear(o.scratch)
		state = rest
	}
}

// sum puts the aggregates of several cells together in the scratch cell. The caller clears it.
func (o *Operator) sum(cells []int32) {
	for _, cell := range cells {
		for _, column := range o.columns {
			column.Merge(o.scratch, cell)
		}
	}
}

func (o *Operator) clearScratch() {
	for _, column := range o.columns {
		column.Clear(o.scratch)
	}
}
