package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/record"
)

// What a value does to the worker that gets it.
const (
	kills  = -1
	raises = -2
)

// chain is a function whose state depends on the order of all values that it saw: state*31 + value. It gives the state
// after each row, and its timer is the time of the last row and the row's value later.
type chain struct {
	// unlucky tells that this call takes the worker with it, though no value is to blame.
	unlucky func() bool
}

func (w *chain) Kill() {}

func (w *chain) Stop(context.Context) error { return nil }

func (w *chain) Run(_ context.Context, call *dispatch.Call) (*dispatch.Result, error) {
	if w.unlucky() {
		return nil, errKilled
	}
	a := &answer{call: call, column: record.NewBuilder(record.Int64, call.Rows), result: &dispatch.Result{Rows: call.Rows, Busy: 1}}
	for i := range call.Groups.Len() {
		if err := a.group(i); err != nil {
			return nil, err
		}
	}
	a.finish()
	return a.result, nil
}

type answer struct {
	call   *dispatch.Call
	column *record.Builder
	states record.Arena
	timer  []int64
	taken  []int32
	result *dispatch.Result
}

func (a *answer) group(i int) error {
	g := a.call.Groups
	if g.Action == dispatch.ActionMerge {
		return a.merge(i)
	}
	state := number(g.States[0].At(i))
	timer := g.Timers[0][i]
	before := len(a.result.Failures)
	end := g.Offsets[i+1]
	for row := g.Offsets[i]; row < end; row++ {
		if row > g.Offsets[i] && a.isDue(timer, row) {
			end = row
			break
		}
		value := a.call.Columns[0].Ints[row]
		switch value {
		case kills:
			return errKilled
		case raises:
			a.result.Failures = append(a.result.Failures, dispatch.Failure{Row: int(row), Exception: "ValueError"})
		default:
			state, timer = state*31+value, g.Times[row]+value
		}
		if g.Action == dispatch.ActionNone {
			a.column.Int(state)
		}
	}
	if g.Action == dispatch.ActionResult {
		a.failGroup(i, before)
		a.column.Int(state)
		return nil
	}
	for range g.Offsets[i+1] - end {
		a.column.Null()
	}
	a.states.Append(text(state))
	a.timer = append(a.timer, timer)
	a.taken = append(a.taken, end-g.Offsets[i])
	return nil
}

// isDue tells whether the group waits for its timer before a row.
func (a *answer) isDue(timer int64, row int32) bool {
	watermarks := a.call.Groups.Watermarks
	return watermarks != nil && timer != record.NoTime && timer <= watermarks[row]
}

// leaves tells whether a group left rows.
func (a *answer) leaves() bool {
	rows := int32(0)
	for _, taken := range a.taken {
		rows += taken
	}
	return int(rows) < a.call.Rows
}

// failGroup makes one failure of the group of those of its rows.
func (a *answer) failGroup(i, before int) {
	if len(a.result.Failures) > before {
		a.result.Failures = append(a.result.Failures[:before], dispatch.Failure{Row: i, Exception: "ValueError"})
	}
}

func (a *answer) merge(i int) error {
	g := a.call.Groups
	x, y := number(g.States[0].At(i)), number(g.States[1].At(i))
	switch y {
	case kills:
		return errKilled
	case raises:
		a.result.Failures = append(a.result.Failures, dispatch.Failure{Row: i, Exception: "ValueError"})
	default:
		x = x*1009 + y
	}
	a.states.Append(text(x))
	a.timer = append(a.timer, g.Timers[0][i])
	return nil
}

func (a *answer) finish() {
	action := a.call.Groups.Action
	if action == dispatch.ActionNone || action == dispatch.ActionResult {
		column := a.column.Column()
		a.result.Column = &column
	}
	a.result.Timers = [][]int64{a.timer}
	if a.call.Groups.Watermarks != nil && a.leaves() {
		a.result.Taken = a.taken
	}
	if action != dispatch.ActionResult {
		a.result.States = []record.Arena{a.states}
	} else {
		a.result.Timers[0] = a.call.Groups.Timers[0]
	}
}

func number(text []byte) int64 {
	if text == nil {
		return 0
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func text(n int64) []byte {
	if n == 0 {
		return nil
	}
	return strconv.AppendInt(nil, n, 10)
}

func chainFunction() dispatch.Function {
	return dispatch.Function{ID: "chain", Name: "chain", Result: record.Int64, States: 1, Timers: 1}
}

func chainPool(t *testing.T, workers int, unlucky func() bool) *dispatch.Pool {
	t.Helper()
	start := func(context.Context) (dispatch.Worker, error) {
		return &chain{unlucky: unlucky}, nil
	}
	pool, _ := startPool(t, start, workers)
	return pool
}

func lucky() bool { return false }

// grouped returns a call over groups of values; every second group has a state and a timer.
func grouped(action dispatch.Action, groups ...[]int64) *dispatch.Call {
	g := &dispatch.Groups{Offsets: []int32{0}, States: make([]record.Arena, 1), Timers: make([][]int64, 1), Times: []int64{}, Action: action}
	var values []int64
	for i, group := range groups {
		for range group {
			g.Times = append(g.Times, int64(1000+len(g.Times)))
		}
		values = append(values, group...)
		g.Offsets = append(g.Offsets, int32(len(values)))
		g.Keys.Append(fmt.Appendf(nil, "%d", i))
		g.States[0].Append(text(int64(i % 2 * (i + 7))))
		timer := int64(record.NoTime)
		if i%2 == 1 {
			timer = int64(i)
		}
		g.Timers[0] = append(g.Timers[0], timer)
	}
	column := record.Column{Type: record.Int64, Rows: len(values), Ints: values}
	return &dispatch.Call{Function: "chain", Rows: len(values), Columns: []record.Column{column}, Groups: g}
}

// reference computes what a worker would answer that no value can kill.
func reference(t *testing.T, call *dispatch.Call) *dispatch.Result {
	t.Helper()
	mild := *call
	mild.Columns = []record.Column{call.Columns[0]}
	mild.Columns[0].Ints = slices.Clone(call.Columns[0].Ints)
	for i, value := range mild.Columns[0].Ints {
		if value == kills {
			mild.Columns[0].Ints[i] = raises
		}
	}
	result, err := (&chain{unlucky: lucky}).Run(t.Context(), &mild)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func requireSame(t *testing.T, got, want *dispatch.Result) {
	t.Helper()
	if rows, expected := failedRows(got), failedRows(want); !slices.Equal(rows, expected) {
		t.Fatalf("rows %v failed, want %v", rows, expected)
	}
	if got.Rows != want.Rows || (got.Column == nil) != (want.Column == nil) || len(got.States) != len(want.States) {
		t.Fatalf("%d rows, column %v, %d states; want %d, %v, %d", got.Rows, got.Column, len(got.States), want.Rows, want.Column, len(want.States))
	}
	if !slices.Equal(got.Taken, want.Taken) {
		t.Fatalf("groups took %v rows, want %v", got.Taken, want.Taken)
	}
	requireSameValues(t, got, want)
	for s := range want.States {
		for i := range want.States[s].Len() {
			if string(got.States[s].At(i)) != string(want.States[s].At(i)) || got.States[s].IsNull(i) != want.States[s].IsNull(i) {
				t.Fatalf("group %d has state %q, want %q", i, got.States[s].At(i), want.States[s].At(i))
			}
		}
	}
	for i, timer := range want.Timers {
		if !slices.Equal(got.Timers[i], timer) {
			t.Fatalf("timers %v, want %v", got.Timers[i], timer)
		}
	}
}

func requireSameValues(t *testing.T, got, want *dispatch.Result) {
	t.Helper()
	if got.Column == nil {
		return
	}
	for row, value := range want.Column.Ints {
		if !want.Column.IsNull(row) && !slices.Contains(failedRows(want), row) && got.Column.Ints[row] != value {
			t.Fatalf("row %d gave %d, want %d", row, got.Column.Ints[row], value)
		}
	}
}

func failedRows(r *dispatch.Result) []int {
	var rows []int
	for _, failure := range r.Failures {
		rows = append(rows, failure.Row)
	}
	return rows
}
