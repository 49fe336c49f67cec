package plan

import (
	"errors"
	"fmt"
	"slices"

	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// function returns a function with those that its timers call.
func (c *compiler) function(f *planv1.Function) *Function {
	out := newFunction(f)
	for _, t := range f.GetTimers() {
		timer := Timer{Name: t.GetName(), Callback: newFunction(c.functions[t.GetOnTimer()])}
		for _, s := range timer.Callback.States {
			timer.States = append(timer.States, slices.IndexFunc(out.States, func(own State) bool { return own.Name == s.Name }))
		}
		out.Timers = append(out.Timers, timer)
	}
	return out
}

func (c *compiler) statefulColumn(op *planv1.WithColumns, call *Call, step *Step, in scope) (scope, error) {
	if len(op.GetColumns()) > 1 {
		return in, fmt.Errorf("%s keeps a state, so it needs a with_columns of its own: write .with_columns(a=...).with_columns(b=...)", call.Function.Name)
	}
	if len(call.Function.Timers) > 0 {
		return in, fmt.Errorf("%s has timers, whose calls give records: it cannot give a column; return records and use map", call.Function.Name)
	}
	name := op.GetColumns()[0].GetName()
	if err := stateful(step, *call, name, in); err != nil {
		return in, err
	}
	step.Columns = nil
	return in.make(name, call.Function.Result), nil
}

func stateful(step *Step, call Call, column string, in scope) error {
	for _, timer := range call.Function.Timers {
		if slices.Contains(timer.States, -1) {
			return errors.New("the callback of timer " + timer.Name + " takes a state that " + call.Function.Name + " does not have")
		}
	}
	key, err := in.keyOf()
	step.Stateful = &Stateful{Key: key, Call: call, Column: column}
	return err
}
