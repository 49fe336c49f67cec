package wire

import (
	"errors"
	"fmt"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/record"
	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
)

// requestGroups returns the message for a call's groups, nil if it has none.
func (f *Function) requestGroups(call *dispatch.Call) (*workerv1.Groups, error) {
	g := call.Groups
	if g == nil {
		if f.answers.PerGroup || f.aggregator || f.answers.States > 0 || f.answers.Timers > 0 {
			return nil, errors.New("the function is called with groups, the call has none")
		}
		return nil, nil //nolint:nilnil // no groups are no error
	}
	if err := f.checkGroups(call); err != nil {
		return nil, err
	}
	keys, err := requestRecords(&g.Keys, g.Len())
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	out := &workerv1.Groups{
		Offsets: bytesOf(g.Offsets), Keys: keys, Times: bytesOf(g.Times), Watermarks: bytesOf(g.Watermarks), Action: actionOf(g.Action),
	}
	for i := range g.States {
		values, err := requestValues(&g.States[i], g.Len())
		if err != nil {
			return nil, fmt.Errorf("state %d: %w", i, err)
		}
		out.States = append(out.States, values)
	}
	for i, timer := range g.Timers {
		if err := lengthError("moments of timer", len(timer), g.Len()); err != nil {
			return nil, fmt.Errorf("timer %d: %w", i, err)
		}
		out.Timers = append(out.Timers, &workerv1.Timestamps{Values: bytesOf(timer)})
	}
	return out, nil
}

func (f *Function) checkGroups(call *dispatch.Call) error {
	g := call.Groups
	if len(g.Offsets) == 0 {
		return errors.New("the groups have no offsets")
	}
	if err := checkOffsets(g.Offsets, call.Rows); err != nil {
		return fmt.Errorf("groups: %w", err)
	}
	if g.Offsets[0] != 0 || int(g.Offsets[g.Len()]) != call.Rows {
		return fmt.Errorf("the groups are rows %d to %d of %d", g.Offsets[0], g.Offsets[g.Len()], call.Rows)
	}
	if f.aggregator != (g.Action != dispatch.ActionNone) {
		return fmt.Errorf("action %d does not fit the function's kind", g.Action)
	}
	states := f.answers.States
	if g.Action == dispatch.ActionMerge {
		states = 2
	}
	if err := lengthError("states", len(g.States), states); err != nil {
		return err
	}
	if g.Times != nil && len(g.Times) != call.Rows {
		return lengthError("event times", len(g.Times), call.Rows)
	}
	if g.Watermarks != nil && f.answers.Timers == 0 {
		return errors.New("the groups have watermarks, the function no timers")
	}
	if g.Watermarks != nil && len(g.Watermarks) != call.Rows {
		return lengthError("watermarks", len(g.Watermarks), call.Rows)
	}
	return lengthError("timers", len(g.Timers), f.answers.Timers)
}

func actionOf(action dispatch.Action) workerv1.Action {
	switch action {
	case dispatch.ActionAdd:
		return workerv1.Action_ACTION_ADD
	case dispatch.ActionMerge:
		return workerv1.Action_ACTION_MERGE
	case dispatch.ActionResult:
		return workerv1.Action_ACTION_RESULT
	default:
		return workerv1.Action_ACTION_UNSPECIFIED
	}
}

func requestValues(state *record.Arena, groups int) (*workerv1.Values, error) {
	values, err := requestRecords(state, groups)
	if err != nil {
		return nil, err
	}
	if state.Null != nil && len(state.Null) != groups {
		return nil, lengthError("marks of nulls", len(state.Null), groups)
	}
	present := make([]byte, record.BitmapSize(groups))
	for i := range groups {
		if !state.IsNull(i) {
			record.SetBit(present, i)
		}
	}
	return &workerv1.Values{Values: values, Present: present}, nil
}

// setGroups reads states and timers, which are exactly those that are wanted.
func setGroups(result *dispatch.Result, want dispatch.Shape, response *workerv1.RunResponse) error {
	if err := lengthError("states", len(response.GetStates()), want.States); err != nil {
		return err
	}
	if err := lengthError("timers", len(response.GetTimers()), want.Timers); err != nil {
		return err
	}
	for i, values := range response.GetStates() {
		state, err := stateOf(values, want.Groups)
		if err != nil {
			return fmt.Errorf("state %d: %w", i, err)
		}
		result.States = append(result.States, state)
	}
	for i, timer := range response.GetTimers() {
		if err := lengthError("bytes of moments", len(timer.GetValues()), 8*want.Groups); err != nil {
			return fmt.Errorf("timer %d: %w", i, err)
		}
		result.Timers = append(result.Timers, viewOf[int64](timer.GetValues()))
	}
	if taken := response.GetTaken(); len(taken) > 0 {
		result.Taken = viewOf[int32](taken)
		return lengthError("bytes of taken rows", len(taken), 4*want.Groups)
	}
	return nil
}

func stateOf(values *workerv1.Values, groups int) (record.Arena, error) {
	data := values.GetValues().GetData()
	offsets, err := offsetsOf(values.GetValues().GetOffsets(), len(data))
	if err != nil {
		return record.Arena{}, err
	}
	if err := lengthError("values", len(offsets)-1, groups); err != nil {
		return record.Arena{}, err
	}
	present := values.GetPresent()
	if err := lengthError("bytes of marks", len(present), record.BitmapSize(groups)); err != nil {
		return record.Arena{}, err
	}
	if data == nil {
		data = []byte{} // a value without bytes is a value
	}
	state := arenaOf(data, offsets)
	return state, markAbsent(&state, present)
}

func markAbsent(state *record.Arena, present []byte) error {
	for i := range state.Len() {
		if record.Bit(present, i) {
			continue
		}
		if len(state.At(i)) > 0 {
			return fmt.Errorf("group %d has no value but %d bytes of it", i, len(state.At(i)))
		}
		if state.Null == nil {
			state.Null = make([]bool, state.Len())
		}
		state.Null[i] = true
	}
	return nil
}
