package simtest_test

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/record"
)

// worker runs the functions of keeping and copying.
type worker struct{}

var _ dispatch.Worker = worker{}

func (worker) Kill() {}

func (worker) Stop(context.Context) error { return nil }

// Run implements dispatch.Worker.
func (worker) Run(_ context.Context, call *dispatch.Call) (*dispatch.Result, error) {
	if call.Groups == nil {
		return copied(call), nil
	}
	a := &answer{call: call, result: &dispatch.Result{Rows: call.Rows, States: make([]record.Arena, 1)}}
	for group := range call.Groups.Len() {
		err := a.group(group)
		if err != nil {
			return nil, err
		}
	}
	return a.result, nil
}

func copied(call *dispatch.Call) *dispatch.Result {
	result := &dispatch.Result{Rows: call.Rows}
	for row := range call.Rows {
		result.Records.Append(call.Records.At(row))
		result.Sources = append(result.Sources, int32(row)) //nolint:gosec // few
	}
	return result
}

type answer struct {
	call   *dispatch.Call
	result *dispatch.Result
}

// group answers for one key.
func (a *answer) group(group int) error {
	g := a.call.Groups
	r := remembered{timer: record.NoTime}
	if saved := g.States[0].At(group); saved != nil {
		n, err := strconv.ParseInt(string(saved), 10, 64)
		if err != nil {
			return err
		}
		r.n = n
	}
	switch a.call.Function {
	case "rings":
		var key string
		if err := json.Unmarshal(g.Keys.At(group), &key); err != nil {
			return err
		}
		a.give(int32(group), r.ring(key, g.Times[group])) //nolint:gosec // few
	case "keeps":
		r.timer = g.Timers[0][group]
		if err := a.rows(group, &r); err != nil {
			return err
		}
		a.keepTimer(r.timer)
	default:
		if err := a.rows(group, &r); err != nil {
			return err
		}
	}
	a.result.States[0].Append(strconv.AppendInt(nil, r.n, 10))
	return nil
}

// rows takes the rows of a key, up to one before which a timer is due.
func (a *answer) rows(group int, r *remembered) error {
	g := a.call.Groups
	first, end := g.Offsets[group], g.Offsets[group+1]
	row := first
	for ; row < end && (row == first || !a.due(r, row)); row++ {
		var e event
		if err := json.Unmarshal(a.call.Records.At(int(row)), &e); err != nil {
			return err
		}
		a.give(row, r.take(&e))
	}
	if g.Watermarks != nil {
		a.result.Taken = append(a.result.Taken, row-first)
	}
	return nil
}

func (a *answer) due(r *remembered, row int32) bool {
	g := a.call.Groups
	return g.Watermarks != nil && r.timer != record.NoTime && r.timer <= g.Watermarks[row]
}

func (a *answer) give(row int32, text string) {
	a.result.Records.Append([]byte(text))
	a.result.Sources = append(a.result.Sources, row)
}

func (a *answer) keepTimer(timer int64) {
	if a.result.Timers == nil {
		a.result.Timers = make([][]int64, 1)
	}
	a.result.Timers[0] = append(a.result.Timers[0], timer)
}
