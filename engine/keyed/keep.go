package keyed

import (
	"cmp"
	"context"
	"slices"
	"sort"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/key"
	"github.com/pyudf/pyudf/engine/plan"
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
	// lines are the rows of each key, in order; keys are in the order of their first row.
	keys  []string
	lines map[string][]int32

	answer step.Answer
	// order is the place of each record or value of the answer: the row that it belongs before or to.
	columns []*record.Column
	rows    []int32 // of the values of columns
	records []given
}

// given is a record that came of a row or a timer.
type given struct {
	// place is the row of the batch that it belongs to, or, for a timer, before.
	place  int
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
	b := &keeping{f: f, n: n, in: in, k: k, values: map[string]*kept{}, lines: map[string][]int32{}}
	for row := range k.Rows() {
		name := string(k.Keys.At(row))
		if b.lines[name] == nil {
			b.keys = append(b.keys, name)
		}
		b.lines[name] = append(b.lines[name], int32(row)) //nolint:gosec // a batch has fewer rows
	}
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

// run is rows of one key that the function can take in one go.
type run struct {
	v    *kept
	rows []int32
}

// turn takes from each key the rows that can go next: those up to a gap after which a state has expired, or a single row
// if the function has timers, as one may be due before the next.
func (b *keeping) turn() ([]run, error) {
	var turn []run
	for _, name := range b.keys {
		line := b.lines[name]
		if len(line) == 0 {
			continue
		}
		v, err := b.value(name)
		if err != nil {
			return nil, err
		}
		b.n.keeper.expire(v, b.before(line[0]))
		to := 1
		last := max(v.last, b.time(line[0]))
		for len(b.n.keeper.function.Timers) == 0 && to < len(line) && !b.expires(last, b.before(line[to])) {
			last = max(last, b.time(line[to]))
			to++
		}
		turn = append(turn, run{v, line[:to]})
		b.lines[name] = line[to:]
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

// call has the function take the rows of a turn.
func (b *keeping) call(ctx context.Context, turn []run) error {
	var picked []int32
	function := b.n.keeper.function
	groups := &dispatch.Groups{Offsets: []int32{0}, States: make([]record.Arena, len(function.States)), Timers: make([][]int64, len(function.Timers))}
	for _, r := range turn {
		picked = append(picked, r.rows...)
		groups.Offsets = append(groups.Offsets, int32(len(picked))) //nolint:gosec // a batch has fewer rows
		appendKept(groups, r.v, everyState(len(function.States)))
		for i := range function.Timers {
			groups.Timers[i] = append(groups.Timers[i], r.v.timers[i])
		}
	}
	if len(function.Timers) > 0 {
		for _, row := range picked {
			groups.Times = append(groups.Times, b.time(row))
		}
	}
	result, err := b.f.config.Program.Keep(ctx, function, picking(b.k.Request, picked, groups))
	if err != nil {
		return err
	}
	for i, r := range turn {
		r.v.take(result, i, everyState(len(function.States)))
		for t := range function.Timers {
			r.v.timers[t] = result.Timers[t][i]
		}
		for _, row := range r.rows {
			r.v.last = max(r.v.last, b.time(row))
		}
	}
	b.gather(result, picked)
	return nil
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

// gather notes what rows gave.
func (b *keeping) gather(result *dispatch.Result, picked []int32) {
	for _, failure := range result.Failures {
		failure.Row = int(picked[failure.Row])
		b.answer.Failures = append(b.answer.Failures, failure)
	}
	if result.Column != nil {
		b.columns, b.rows = append(b.columns, result.Column), append(b.rows, picked...)
	}
	for i, source := range result.Sources {
		row := picked[source]
		b.records = append(b.records, given{b.origin(row), row, result.Records.At(i)})
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
		return cmp.Or(cmp.Compare(x.place, y.place), cmp.Compare(b.rank(x), b.rank(y)))
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
	b.f.out = append(b.f.out, outcome)
	before := b.in.before
	for _, firing := range b.answer.Fired {
		before = append(slices.Clip(before), firing.Watermark)
	}
	return b.f.kept(ctx, b.n, rows{outcome, before}, after)
}

// rank puts timers before the row that they were due before, in the order of their times.
func (b *keeping) rank(g given) int {
	if fired := int(g.source) - b.k.Rows(); fired >= 0 {
		return fired - len(b.answer.Fired)
	}
	return int(g.source)
}

// fireBefore calls the timers of a turn's keys that are due before their rows.
func (b *keeping) fireBefore(ctx context.Context, turn []run) error {
	if len(b.n.keeper.function.Timers) == 0 {
		return nil
	}
	for {
		var due []moment
		for _, r := range turn {
			if m, ok := r.v.first(b.before(r.rows[0])); ok {
				due = append(due, m)
			}
		}
		if len(due) == 0 {
			return nil
		}
		if err := b.fire(ctx, due); err != nil {
			return err
		}
	}
}

// first returns the first timer of a key that is due.
func (v *kept) first(watermark int64) (moment, bool) {
	out := moment{time: record.MaxTime, key: v.key}
	found := false
	for i, timer := range v.timers {
		if timer != record.NoTime && timer <= watermark && timer < out.time {
			out.time, out.number, found = timer, i, true
		}
	}
	return out, found
}

// fireRest calls the timers that are due behind the rows, of all keys, in the order of their times.
func (b *keeping) fireRest(ctx context.Context, after int64) error {
	k := b.n.keeper
	for after >= k.nextTimer {
		due, next, err := k.due(k.timers, after)
		if err != nil {
			return err
		}
		k.nextTimer = next
		due = firstOfEach(due)
		for _, m := range due {
			if _, err := b.value(m.key); err != nil {
				return err
			}
		}
		if len(due) > 0 {
			if err := b.fire(ctx, due); err != nil {
				return err
			}
		}
		for _, m := range due {
			k.put(b.values[m.key])
		}
		if len(due) == 0 {
			return nil
		}
		k.nextTimer = unknown // until there is none, as calls may set more
	}
	return nil
}

// firstOfEach returns the first of each key.
func firstOfEach(due []moment) []moment {
	seen := map[string]bool{}
	var out []moment
	for _, m := range due {
		if !seen[m.key] {
			seen[m.key] = true
			out = append(out, m)
		}
	}
	return out
}

// fire calls timers, one of a key. Those of the same function go together.
func (b *keeping) fire(ctx context.Context, due []moment) error {
	for number := range b.n.keeper.function.Timers {
		var some []moment
		for _, m := range due {
			if m.number == number {
				some = append(some, m)
			}
		}
		if len(some) > 0 {
			if err := b.fireSome(ctx, &b.n.keeper.function.Timers[number], some); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *keeping) fireSome(ctx context.Context, timer *plan.Timer, due []moment) error {
	groups := &dispatch.Groups{Offsets: []int32{0}, States: make([]record.Arena, len(timer.States))}
	first := b.k.Rows() + len(b.answer.Fired)
	for i, m := range due {
		v := b.values[m.key]
		v.timers[m.number] = record.NoTime
		b.n.keeper.expire(v, m.time)
		groups.Offsets = append(groups.Offsets, int32(i+1)) //nolint:gosec // few
		groups.Times = append(groups.Times, m.time)
		appendKept(groups, v, timer.States)
		b.answer.Fired = append(b.answer.Fired, step.Firing{Key: []byte(m.key), Function: timer.Callback, Time: m.time, Watermark: b.watermarkBefore(m.time)})
	}
	result, err := b.f.config.Program.Keep(ctx, timer.Callback, &dispatch.Call{Function: timer.Callback.ID, Rows: len(due), Groups: groups})
	if err != nil {
		return err
	}
	for i, m := range due {
		b.values[m.key].take(result, i, timer.States)
	}
	for _, failure := range result.Failures {
		failure.Row += first
		b.answer.Failures = append(b.answer.Failures, failure)
	}
	for i, source := range result.Sources {
		b.records = append(b.records, given{b.placeOf(due[source].time), int32(first) + source, result.Records.At(i)}) //nolint:gosec // few
	}
	return nil
}

// placeOf returns the row of the batch before which a timer was due.
func (b *keeping) placeOf(time int64) int {
	return sort.Search(len(b.in.before), func(i int) bool { return b.in.before[i] >= time })
}

// watermarkBefore returns what the watermark was before it reached a timer.
func (b *keeping) watermarkBefore(time int64) int64 {
	if place := b.placeOf(time); place > 0 {
		return b.in.before[place-1]
	}
	return min(time, b.n.reached)
}
