package step

import (
	"context"
	"slices"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/fold"
	"github.com/pyudf/pyudf/engine/key"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// rowTexts returns each row as a function over windows takes it: the record, or an array of the function's arguments.
// Null stands for rows that it does not take.
func (r *run) rowTexts(at *place, call *plan.Call) (record.Column, error) {
	b := record.NewBuilder(record.JSON, at.in.rows)
	if !call.Function.Columns {
		values := at.in.values()
		for row := range at.in.rows {
			b.Text(values.At(row))
		}
		return b.Column(), nil
	}
	spared := map[int]bool{}
	columns := make([]record.Column, len(call.Args))
	for i := range call.Args {
		column, err := r.argument(at, call, &call.Args[i])
		if err != nil {
			return column, err
		}
		r.nulls(at, call.Function, &call.Args[i], &column, spared)
		columns[i] = column
	}
	var text []byte
	for row := range at.in.rows {
		if spared[row] {
			b.Null()
			continue
		}
		text = appendArray(text[:0], columns, row)
		b.Text(text)
	}
	return b.Column(), nil
}

func appendArray(dst []byte, columns []record.Column, row int) []byte {
	dst = append(dst, '[')
	for i := range columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = codec.AppendValue(dst, &columns[i], row)
	}
	return append(dst, ']')
}

// group is rows of one key and window for a call.
type group struct {
	key    []byte
	rows   []fold.Row
	states [][]byte
}

// groupCall returns the call of a function for groups.
func groupCall(call *plan.Call, groups []group, action dispatch.Action) *dispatch.Call {
	out := &dispatch.Call{Function: call.Function.ID, Groups: &dispatch.Groups{Offsets: []int32{0}, Action: action}}
	g := out.Groups
	builders := make([]*record.Builder, len(call.Args))
	for i := range call.Args {
		builders[i] = record.NewBuilder(call.Args[i].Type, 0)
	}
	for _, group := range groups {
		for _, row := range group.rows {
			if !call.Function.Columns {
				out.Records.Append(row.Text)
				continue
			}
			for i, value := range codec.Elements(row.Text) {
				codec.Decode(builders[i], call.Args[i].Type, value)
			}
		}
		out.Rows += len(group.rows)
		g.Offsets = append(g.Offsets, int32(out.Rows)) //nolint:gosec // arenas hold fewer
		g.Keys.Append(key.AppendValue(nil, group.key))
		for len(g.States) < len(group.states) {
			g.States = append(g.States, record.Arena{})
		}
		for i, state := range group.states {
			g.States[i].Append(state)
		}
	}
	for _, b := range builders {
		out.Columns = append(out.Columns, b.Column())
	}
	return out
}

// resultColumn has a function give its value for each window; a result that takes an earlier one back has none. Windows
// for which it fails are dead.
func (r *run) resultColumn(at *place, call *plan.Call, contents *record.Column) (record.Column, error) {
	f := &folding{run: r, step: at.step, call: call}
	sent := rowsWhere(at.in.rows, func(row int) bool { return !contents.IsNull(row) && !at.failed[row] })
	for _, row := range sent {
		content, err := fold.Decode(contents.Text.At(int(row)))
		if err != nil {
			return record.Column{}, err
		}
		f.groups = append(f.groups, group{key: at.in.key.At(int(row)), rows: fold.Sorted(content.Tail)})
		f.lines = append(f.lines, content.Lines)
	}
	if len(sent) == 0 {
		return spread(&record.Column{Type: call.Function.Result}, nil, at.in.rows), nil
	}
	action := dispatch.ActionNone
	if call.Function.Aggregator {
		if err := f.all(); err != nil {
			return record.Column{}, err
		}
		var err error
		if sent, err = f.whole(at, sent); err != nil || len(sent) == 0 {
			return spread(&record.Column{Type: call.Function.Result}, nil, at.in.rows), err
		}
		action = dispatch.ActionResult
	}
	result, err := r.call(at, call.Function, groupCall(call, f.groups, action), sent)
	if err != nil {
		return record.Column{}, err
	}
	return spread(result.Column, sent, at.in.rows), nil
}

// whole buries the results of groups that could not be merged, and leaves the others. sent are the groups' rows.
func (f *folding) whole(at *place, sent []int32) ([]int32, error) {
	if len(f.broken) == 0 {
		return sent, nil
	}
	var failures []dispatch.Failure
	var groups []group
	var rows []int32
	for i, row := range sent {
		if failure, broken := f.broken[i]; broken {
			failure.Row = i
			failures = append(failures, failure)
			continue
		}
		groups, rows = append(groups, f.groups[i]), append(rows, row)
	}
	f.groups = groups
	return rows, f.run.buryFailures(at, f.call.Function, failures, sent)
}

// folding adds rows to an aggregator, for many groups at a time.
type folding struct {
	run    *run
	step   *plan.Step
	call   *plan.Call
	groups []group
	lines  [][]fold.Line
	// broken are the groups whose states could not be merged.
	broken map[int]dispatch.Failure
}

// all leaves each group with nothing but the state in which all of its rows are.
func (f *folding) all() error {
	if err := f.chunks(); err != nil {
		return err
	}
	for i := range f.groups {
		f.groups[i].states = [][]byte{nil}
		if len(f.lines[i]) > 0 {
			f.groups[i].states[0] = f.lines[i][0].State
		}
	}
	for next := 1; ; next++ {
		more, err := f.merge(next)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	unbroken := slices.DeleteFunc(everyOf(len(f.groups)), f.isBroken)
	return f.do(dispatch.ActionAdd, unbroken, func(i int) group { return f.groups[i] }, func(i int, state []byte) {
		f.groups[i].rows, f.groups[i].states = nil, [][]byte{state}
	})
}

func (f *folding) isBroken(i int) bool {
	_, broken := f.broken[i]
	return broken
}

func everyOf(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// chunks adds the chunks of all lines to their states, the first of each, then the second, until there are none.
func (f *folding) chunks() error {
	type place struct{ group, line int }
	for {
		var places []place
		for i, lines := range f.lines {
			for l := range lines {
				if len(lines[l].Chunks) > 0 {
					places = append(places, place{i, l})
				}
			}
		}
		if len(places) == 0 {
			return nil
		}
		line := func(i int) *fold.Line { return &f.lines[places[i].group][places[i].line] }
		err := f.do(dispatch.ActionAdd, everyOf(len(places)), func(i int) group {
			return group{key: f.groups[places[i].group].key, rows: fold.Sorted(line(i).Chunks[0]), states: [][]byte{line(i).State}}
		}, func(i int, state []byte) {
			line(i).State, line(i).Chunks = state, line(i).Chunks[1:]
		})
		if err != nil {
			return err
		}
	}
}

// merge merges the line with the given number into the state of each group that has it.
func (f *folding) merge(number int) (more bool, err error) {
	var with []int
	for i := range f.groups {
		if len(f.lines[i]) > number && !f.isBroken(i) {
			with = append(with, i)
		}
	}
	if len(with) == 0 {
		return false, nil
	}
	return true, f.do(dispatch.ActionMerge, with, func(i int) group {
		return group{key: f.groups[i].key, states: [][]byte{f.groups[i].states[0], f.lines[i][number].State}}
	}, func(i int, state []byte) { f.groups[i].states[0] = state })
}

// do runs an action for some groups and hands out the states that they have then. Rows that fail are dead.
func (f *folding) do(action dispatch.Action, which []int, of func(i int) group, set func(i int, state []byte)) error {
	if len(which) == 0 {
		return nil
	}
	groups := make([]group, len(which))
	for at, i := range which {
		groups[at] = of(i)
	}
	call := groupCall(f.call, groups, action)
	function := f.call.Function
	result, err := f.run.program.caller.Call(f.run.ctx, dispatched(function, action), call)
	if err != nil {
		return err
	}
	for _, failure := range result.Failures {
		if action == dispatch.ActionMerge {
			if f.broken == nil {
				f.broken = map[int]dispatch.Failure{}
			}
			f.broken[which[failure.Row]] = failure
			continue
		}
		if err := f.lose(groups, failure); err != nil {
			return err
		}
	}
	for at, i := range which {
		set(i, slices.Clone(result.States[0].At(at)))
	}
	return nil
}

// lose makes a row dead that could not be added.
func (f *folding) lose(groups []group, failure dispatch.Failure) error {
	var row fold.Row
	at := failure.Row
	for i := range groups {
		if at < len(groups[i].rows) {
			row, at = groups[i].rows[at], i
			break
		}
		at -= len(groups[i].rows)
	}
	r, b := f.run, f.run.outcome.Batch
	letter := letterOf(f.call.Function, failure)
	letter.Step, letter.Record = f.step.Label, b.Len()
	if f.call.Function.OnError == planv1.OnError_ON_ERROR_STOP {
		return &StopError{Partition: b.Partition, Offset: row.Stamp.Offset, Letter: letter}
	}
	if f.call.Function.OnError == planv1.OnError_ON_ERROR_SKIP {
		r.program.metrics.Skipped.WithLabelValues(f.call.Function.Name).Inc()
		return nil
	}
	b.Keys.Append(key.Bytes(groups[at].key))
	b.Values.Append(row.Text)
	b.Times, b.Offsets = append(b.Times, row.Stamp.Time), append(b.Offsets, row.Stamp.Offset)
	if b.Headers != nil {
		b.Headers = append(b.Headers, nil)
	}
	r.outcome.Dead = append(r.outcome.Dead, letter)
	return nil
}

// Fold adds whole chunks of rows to an aggregator's states, so that the rows need not be kept. It changes the lines.
func (p *Program) Fold(ctx context.Context, step *plan.Step, column int, keys [][]byte, lines [][]fold.Line) (*Outcome, error) {
	f := p.folding(ctx, step, column, keys)
	f.lines = lines
	if err := f.chunks(); err != nil {
		return nil, err
	}
	return f.run.finish(nil, &frame{})
}

// Join merges the states of windows of one key that become one, and returns what stands for all their lines. Its error
// is a *RaisedError if the aggregator refused; nothing is changed then.
func (p *Program) Join(ctx context.Context, step *plan.Step, column int, key []byte, lines []fold.Line) (fold.Line, *Outcome, error) {
	f := p.folding(ctx, step, column, [][]byte{key})
	f.lines = [][]fold.Line{slices.Clone(lines)}
	if err := f.chunks(); err != nil {
		return fold.Line{}, nil, err
	}
	f.groups[0].states = [][]byte{f.lines[0][0].State}
	for next := 1; next < len(lines); next++ {
		if _, err := f.merge(next); err != nil {
			return fold.Line{}, nil, err
		}
	}
	if failure, broken := f.broken[0]; broken {
		return fold.Line{}, nil, &RaisedError{Function: f.call.Function.Name, Failure: failure}
	}
	outcome, err := f.run.finish(nil, &frame{})
	return fold.Line{State: f.groups[0].states[0]}, outcome, err
}

func (p *Program) folding(ctx context.Context, step *plan.Step, column int, keys [][]byte) *folding {
	r := &run{program: p, ctx: ctx, outcome: &Outcome{Batch: &record.Batch{}}}
	f := &folding{run: r, step: step, call: step.Aggregate.Columns[column].Call}
	for _, k := range keys {
		f.groups = append(f.groups, group{key: k})
	}
	return f
}
