package keyed

import (
	"cmp"
	"context"
	"slices"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/key"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/step"
)

// keeping is a batch of rows on its way through a function with states.
type keeping struct {
	f      *Flow
	n      *node
	in     *rows
	k      *step.Keyed
	values map[string]*kept
	// lines are the rows of each key, in the order of their first row.
	lines []*line

	answer step.Answer
	// order is the place of each record or value of the answer: the row that it belongs before or to.
	columns []*record.Column
	rows    []int32 // of the values of columns
	records []given
}

// given is a record that came of a row or a timer.
type given struct {
	// record is the record of the batch that it belongs to, or, for a timer, before.
	record int
	// after is the row that it comes of or behind; -1: it comes before all rows of the record.
	after  int32
	source int32
	text   []byte
}

// keep has a function with states take rows, each key's in their order and between its timers, and goes on with what it
// gives.
func (f *Flow) keep(ctx context.Context, n *node, in *rows, k *step.Keyed, after int64) error {
	if k == nil {
		k = &step.Keyed{Step: n.step}
		if after < n.keeper.nextTimer {
			return f.kept(ctx, n, rows{&step.Outcome{}, nil}, after)
		}
	}
	b := &keeping{f: f, n: n, in: in, k: k, values: map[string]*kept{}, lines: linesOf(k)}
	err := b.run(ctx, after)
	n.reached = after
	if err != nil {
		return err
	}
	return b.goOn(ctx, after)
}

// kept moves the nodes behind a function on where there is nothing for them.
func (f *Flow) kept(ctx context.Context, n *node, out rows, after int64) error {
	if err := n.keeper.forget(after); err != nil {
		return err
	}
	return f.level(ctx, n.next, out, after)
}

func (b *keeping) run(ctx context.Context, after int64) error {
	for {
		turn, err := b.turn()
		if err != nil {
			return err
		}
		if len(turn) == 0 {
			break
		}
		if err := b.fireBefore(ctx, turn); err != nil {
			return err
		}
		if err := b.call(ctx, turn); err != nil {
			return err
		}
	}
	for _, v := range b.values {
		b.n.keeper.put(v)
	}
	return b.fireRest(ctx, after)
}

// line is the rows of one key that are still to be taken, in their order.
type line struct {
	key  string
	rows []int32
	// most is how many go together: few while timers come in between, since those behind a timer are sent in vain.
	most int
}

func linesOf(k *step.Keyed) []*line {
	var lines []*line
	byKey := map[string]*line{}
	for row := range k.Rows() {
		l := byKey[string(k.Keys.At(row))]
		if l == nil {
			l = &line{key: string(k.Keys.At(row)), most: k.Rows()}
			byKey[l.key] = l
			lines = append(lines, l)
		}
		l.rows = append(l.rows, int32(row)) //nolint:gosec // a batch has fewer rows
	}
	return lines
}

// took moves on behind rows that were taken of those that were sent.
func (l *line) took(taken, sent int) {
	if l.rows = l.rows[taken:]; taken < sent {
		l.most = 2 * taken
	} else {
		l.most = max(l.most, 2*taken)
	}
}

// run is rows of one key that the function gets in one go. It may leave some of them, for which a timer is due first.
type run struct {
	v    *kept
	line *line
	rows []int32
}

// turn returns for each key the rows that can go next: those up to a gap after which a state has expired.
func (b *keeping) turn() ([]run, error) {
	var turn []run
	for _, l := range b.lines {
		if len(l.rows) == 0 {
			continue
		}
		v, err := b.value(l.key)
		if err != nil {
			return nil, err
		}
		to := 1
		last := max(v.last, b.time(l.rows[0]))
		for to < min(len(l.rows), l.most) && !b.expires(last, b.before(l.rows[to])) {
			last = max(last, b.time(l.rows[to]))
			to++
		}
		turn = append(turn, run{v, l, l.rows[:to]})
	}
	return turn, nil
}

func (b *keeping) expires(last, watermark int64) bool {
	for _, s := range b.n.keeper.function.States {
		if s.TTL > 0 && watermark > last+s.TTL {
			return true
		}
	}
	return false
}

func (b *keeping) value(name string) (*kept, error) {
	if v := b.values[name]; v != nil {
		return v, nil
	}
	v, err := b.n.keeper.get(name)
	b.values[name] = v
	return v, err
}

func (b *keeping) origin(row int32) int   { return b.k.OriginOf(int(row)) }
func (b *keeping) before(row int32) int64 { return b.in.before[b.origin(row)] }
func (b *keeping) time(row int32) int64   { return b.in.Times[b.origin(row)] }

// call has the function take the rows of a turn, those for which no timer is due first.
func (b *keeping) call(ctx context.Context, turn []run) error {
	function := b.n.keeper.function
	picked, groups := b.groups(turn)
	result, err := b.f.config.Program.Keep(ctx, function, picking(b.k.Request, picked, groups))
	if err != nil {
		return err
	}
	var taken []int32
	for i, r := range turn {
		n := len(r.rows)
		if result.Taken != nil {
			n = int(result.Taken[i])
		}
		r.v.take(result, i, everyState(len(function.States)))
		for t := range function.Timers {
			r.v.timers[t] = result.Timers[t][i]
		}
		for at, row := range r.rows[:n] {
			r.v.last, r.v.row = max(r.v.last, b.time(row)), row
			taken = append(taken, groups.Offsets[i]+int32(at)) //nolint:gosec // a batch has fewer rows
		}
		r.line.took(n, len(r.rows))
	}
	b.gather(result, picked, taken)
	return nil
}

// groups returns the rows of a turn, and what a call needs to know of them.
func (b *keeping) groups(turn []run) (picked []int32, groups *dispatch.Groups) {
	function := b.n.keeper.function
	groups = &dispatch.Groups{Offsets: []int32{0}, States: make([]record.Arena, len(function.States)), Timers: make([][]int64, len(function.Timers))}
	for _, r := range turn {
		b.n.keeper.expire(r.v, b.before(r.rows[0]))
		picked = append(picked, r.rows...)
		groups.Offsets = append(groups.Offsets, int32(len(picked))) //nolint:gosec // a batch has fewer rows
		appendKept(groups, r.v, everyState(len(function.States)))
		for i := range function.Timers {
			groups.Timers[i] = append(groups.Timers[i], r.v.timers[i])
		}
	}
	if len(function.Timers) == 0 {
		return picked, groups
	}
	for _, row := range picked {
		groups.Times = append(groups.Times, b.time(row))
		groups.Watermarks = append(groups.Watermarks, b.before(row))
	}
	return picked, groups
}

func everyState(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// appendKept adds a group with some of the states of a key.
func appendKept(groups *dispatch.Groups, v *kept, states []int) {
	groups.Keys.Append(key.AppendValue(nil, []byte(v.key)))
	for i, s := range states {
		groups.States[i].Append(v.states[s])
	}
}

// take takes over what a group has now.
func (v *kept) take(result *dispatch.Result, group int, states []int) {
	for i, s := range states {
		v.states[s] = nil
		if !result.States[i].IsNull(group) {
			v.states[s] = append([]byte{}, result.States[i].At(group)...)
		}
	}
}

// picking returns a call for some rows of another.
func picking(all *dispatch.Call, rows []int32, groups *dispatch.Groups) *dispatch.Call {
	out := &dispatch.Call{Function: all.Function, Rows: len(rows), Groups: groups}
	if all.Columns == nil {
		out.Records = all.Records.Take(rows)
		return out
	}
	for i := range all.Columns {
		out.Columns = append(out.Columns, all.Columns[i].Take(rows))
	}
	return out
}

// gather notes what rows gave, of those that were picked the ones that were taken.
func (b *keeping) gather(result *dispatch.Result, picked, taken []int32) {
	for _, failure := range result.Failures {
		failure.Row = int(picked[failure.Row])
		b.answer.Failures = append(b.answer.Failures, failure)
	}
	if result.Column != nil {
		column := result.Column.Take(taken)
		b.columns = append(b.columns, &column)
		for _, at := range taken {
			b.rows = append(b.rows, picked[at])
		}
	}
	for i, source := range result.Sources {
		row := picked[source]
		b.records = append(b.records, given{b.origin(row), row, row, result.Records.At(i)})
	}
}

// goOn runs the steps behind the function on what it gave.
func (b *keeping) goOn(ctx context.Context, after int64) error {
	if b.k.Request == nil && len(b.answer.Fired) == 0 {
		return b.f.kept(ctx, b.n, rows{&step.Outcome{}, nil}, after)
	}
	if len(b.columns) > 0 {
		all := record.Concat(b.columns)
		position := make([]int32, len(b.rows))
		for i, row := range b.rows {
			position[row] = int32(i) //nolint:gosec // a batch has fewer rows
		}
		b.answer.Column = all.Take(position)
	}
	slices.SortStableFunc(b.records, func(x, y given) int {
		return cmp.Or(cmp.Compare(x.record, y.record), cmp.Compare(x.after, y.after), cmp.Compare(x.source, y.source))
	})
	for _, g := range b.records {
		b.answer.Records.Append(g.text)
		b.answer.Sources = append(b.answer.Sources, g.source)
	}
	in := b.in.Outcome
	if in.Batch == nil {
		in = &step.Outcome{Batch: &record.Batch{Partition: b.f.config.Partition}}
	}
	outcome, err := b.f.config.Program.Answered(ctx, in, b.k, &b.answer)
	if err != nil {
		return err
	}
	if err := b.f.hand(outcome); err != nil {
		return err
	}
	before := b.in.before
	for _, firing := range b.answer.Fired {
		before = append(slices.Clip(before), firing.Watermark)
	}
	return b.f.kept(ctx, b.n, rows{outcome, before}, after)
}
