package keyed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// keeps is a pipeline with a function that has the states n and log and, unless it gives a column, the timers a and b.
type keeps struct {
	column bool
	bound  int64
	ttl    [2]uint64
}

func (k *keeps) plan(t testing.TB) *plan.Plan {
	t.Helper()
	field := func(name string, t planv1.Type) *planv1.Field { return &planv1.Field{Name: name, Type: t} }
	records, columns := planv1.Output_OUTPUT_RECORDS, planv1.Output_OUTPUT_COLUMN
	n, log := &planv1.State{Name: "n", TtlMs: k.ttl[0]}, &planv1.State{Name: "log", TtlMs: k.ttl[1]}
	f := &planv1.Function{Id: "f", Name: "f", Kind: planv1.Kind_KIND_RECORD, Input: planv1.Input_INPUT_RECORDS, Output: records, States: []*planv1.State{n, log}}
	call := &planv1.Call{Function: "f"}
	keep := &planv1.Step{Id: "2", Input: "1", Op: &planv1.Step_Map{Map: &planv1.Map{Call: call}}}
	if k.column {
		f.Output, f.ResultType = columns, planv1.Type_TYPE_INT64
		column := &planv1.ColumnDef{Name: "d", Value: &planv1.ColumnDef_Call{Call: call}}
		keep.Op = &planv1.Step_WithColumns{WithColumns: &planv1.WithColumns{Columns: []*planv1.ColumnDef{column}}}
	} else {
		f.Timers = []*planv1.Timer{{Name: "a", OnTimer: "onA"}, {Name: "b", OnTimer: "onB"}}
	}
	rings := func(id string, states ...*planv1.State) *planv1.Function {
		return &planv1.Function{Id: id, Name: id, Kind: planv1.Kind_KIND_RECORD, Input: planv1.Input_INPUT_COLUMNS, Output: records, States: states}
	}
	out, err := plan.Compile(&planv1.Plan{
		App: "app", Functions: []*planv1.Function{f, rings("onA", n), rings("onB", log, n)},
		Sources: []*planv1.Source{{
			Id: "0", Key: "k", Kind: &planv1.Source_Topic{Topic: &planv1.Topic{Name: "in"}}, Time: fieldTime(uint64(k.bound)),
			Schema: []*planv1.Field{field("k", planv1.Type_TYPE_STRING), field("ok", planv1.Type_TYPE_BOOL), field("id", planv1.Type_TYPE_INT64)},
		}},
		Steps: []*planv1.Step{
			{Id: "1", Input: "0", Op: &planv1.Step_Where{Where: &planv1.Where{Condition: &planv1.Expr{Node: &planv1.Expr_Column{Column: "ok"}}}}},
			keep,
			{Id: "3", Input: "2", Op: &planv1.Step_To{To: &planv1.To{Kind: &planv1.To_Topic{Topic: &planv1.Topic{Name: "out"}}}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// event is a record of the input.
type event struct {
	K  *string `json:"k"`
	TS int64   `json:"ts"`
	ID int     `json:"id"`
	OK bool    `json:"ok"`
	// Do is what the function does with it; In is when a timer that it sets is due, from the record's time on.
	Do int   `json:"do"`
	In int64 `json:"in"`
}

// What the function does besides counting.
const (
	setsA = iota
	setsB
	setsBoth
	cancels
	raisesError
	isSilent
	clears
	does // how many there are
)

// memory is what the function has for a key.
type memory struct {
	n, log []byte // nil: none
	timers [2]int64
}

func parsed(data []byte) int64 {
	if data == nil {
		return 0
	}
	n, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// take is the function. It gives a record, "" for none; a record for which it raises changes nothing.
func (m *memory) take(e *event) (out string, raised bool) {
	if e.Do == raisesError {
		return "", true
	}
	m.n = strconv.AppendInt(nil, parsed(m.n)+1, 10)
	m.log = fmt.Appendf(slices.Clip(m.log), "%d,", e.ID)
	out = fmt.Sprintf(`{"k":%q,"id":%d,"n":%s,"log":%q}`, *e.K, e.ID, m.n, m.log)
	switch e.Do {
	case setsA, setsB:
		m.timers[e.Do] = e.TS + e.In
	case setsBoth:
		m.timers = [2]int64{e.TS + e.In, e.TS + e.In}
	case cancels:
		m.timers = [2]int64{record.NoTime, record.NoTime}
	case isSilent:
		out = ""
	case clears:
		m.n, m.log = nil, nil
	}
	return out, false
}

// ring is what the timers call.
func (m *memory) ring(timer int, key string, at int64) string {
	if timer == 0 {
		m.n = strconv.AppendInt(nil, parsed(m.n)+100, 10)
		return fmt.Sprintf(`{"k":%q,"a":%d,"n":%s}`, key, at, m.n)
	}
	log := m.log
	m.log = nil
	return fmt.Sprintf(`{"k":%q,"b":%d,"n":%d,"log":%q}`, key, at, parsed(m.n), log)
}

// caller runs the functions as a worker does.
type caller struct {
	calls, rows int
}

func (c *caller) Call(_ context.Context, f dispatch.Function, call *dispatch.Call) (*dispatch.Result, error) {
	c.calls++
	c.rows += call.Rows
	a := &answering{f: &f, call: call, values: record.NewBuilder(record.Int64, call.Rows), result: &dispatch.Result{Rows: call.Rows}}
	a.states, a.result.Timers = make([]record.Arena, f.States), make([][]int64, f.Timers)
	for i := range call.Groups.Len() {
		if f.ID == "f" {
			a.take(i)
		} else {
			a.ring(i)
		}
	}
	a.result.States = a.states
	if !f.Records {
		column := a.values.Column()
		a.result.Column = &column
	}
	return a.result, nil
}

type answering struct {
	f      *dispatch.Function
	call   *dispatch.Call
	states []record.Arena
	values *record.Builder
	result *dispatch.Result
}

func (a *answering) take(group int) {
	g := a.call.Groups
	m := memory{n: g.States[0].At(group), log: g.States[1].At(group)}
	for i := range a.f.Timers {
		m.timers[i] = g.Timers[i][group]
	}
	row, end := g.Offsets[group], g.Offsets[group+1]
	for first := row; row < end && (row == first || !a.waits(&m, row)); row++ {
		a.row(&m, row)
	}
	for range end - row {
		a.values.Int(-1)
	}
	a.keep(m.n, m.log)
	for i := range a.f.Timers {
		a.result.Timers[i] = append(a.result.Timers[i], m.timers[i])
	}
	if g.Watermarks != nil {
		a.result.Taken = append(a.result.Taken, row-g.Offsets[group])
	}
}

func (a *answering) waits(m *memory, row int32) bool {
	for i := range a.f.Timers {
		if m.timers[i] != record.NoTime && m.timers[i] <= a.call.Groups.Watermarks[row] {
			return true
		}
	}
	return false
}

func (a *answering) row(m *memory, row int32) {
	var e event
	if err := json.Unmarshal(a.call.Records.At(int(row)), &e); err != nil {
		panic(err)
	}
	out, raised := m.take(&e)
	if raised {
		a.result.Failures = append(a.result.Failures, dispatch.Failure{Row: int(row), Exception: "ValueError"})
	}
	if a.values.Int(parsed(m.n)); out != "" {
		a.give(row, out)
	}
}

func (a *answering) ring(group int) {
	g := a.call.Groups
	var key string
	if err := json.Unmarshal(g.Keys.At(group), &key); err != nil {
		panic(err)
	}
	if a.f.ID == "onA" {
		m := memory{n: g.States[0].At(group)}
		a.give(int32(group), m.ring(0, key, g.Times[group]))
		a.keep(m.n)
		return
	}
	m := memory{log: g.States[0].At(group), n: g.States[1].At(group)}
	a.give(int32(group), m.ring(1, key, g.Times[group]))
	a.keep(m.log, m.n)
}

func (a *answering) give(row int32, text string) {
	if a.f.Records {
		a.result.Records.Append([]byte(text))
		a.result.Sources = append(a.result.Sources, row)
	}
}

func (a *answering) keep(states ...[]byte) {
	for i, s := range states {
		a.states[i].Append(s)
	}
}
