package keyed

import (
	"context"
	"sort"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/step"
)

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
		b.n.keeper.expire(v, b.reached(m))
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
		record, after := b.behind(due[source])
		b.records = append(b.records, given{record, after, int32(first) + source, result.Records.At(i)}) //nolint:gosec // few
	}
	return nil
}

// reached returns the watermark at which a timer is called: it may have been set to a time that was over.
func (b *keeping) reached(m moment) int64 {
	if row := b.values[m.key].row; row >= 0 {
		return max(m.time, b.before(row))
	}
	return m.time
}

// behind returns where the records of a timer go: before the record for which it was due, but behind the row that set it.
func (b *keeping) behind(m moment) (record int, after int32) {
	record = b.placeOf(m.time)
	if row := b.values[m.key].row; row >= 0 && record <= b.origin(row) {
		return b.origin(row), row
	}
	return record, -1
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
