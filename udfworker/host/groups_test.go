package host_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/udfworker/host"
	"github.com/pyudf/pyudf/udfworker/workertest"
)

// arena holds texts; an empty one is a null.
func arena(values ...string) record.Arena {
	var out record.Arena
	for _, value := range values {
		if value == "" {
			out.Append(nil)
			continue
		}
		out.Append([]byte(value))
	}
	return out
}

// groupsOf are groups with keys "a", "b" and so on that have those numbers of rows.
func groupsOf(sizes ...int) *dispatch.Groups {
	g := &dispatch.Groups{Offsets: []int32{0}}
	for i, size := range sizes {
		g.Offsets = append(g.Offsets, g.Offsets[i]+int32(size))
		g.Keys.Append([]byte{'"', byte('a' + i), '"'})
	}
	return g
}

func TestStatesTravelToAWorkerAndBack(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	call := floats(workertest.Keep, 1, 2, 3)
	call.Groups = groupsOf(2, 1)
	call.Groups.States = []record.Arena{arena("x", "")}
	got := run(t, p, call)
	if state := got.States[0]; string(state.At(0)) != "x" || string(state.At(1)) != `"b"` {
		t.Errorf("got %q", state.Data)
	}
}

// pythonPool is workers with the functions of testdata/app.py.
func pythonPool(t *testing.T) (*dispatch.Pool, func(name string, columns ...record.Column) *dispatch.Call) {
	t.Helper()
	interpreter := python(t)
	p := startPython(t, slog.DiscardHandler)
	begin := func(ctx context.Context) (dispatch.Worker, error) {
		return host.Start(ctx, host.Config{Python: interpreter, Args: []string{"app.py"}, Dir: "testdata", StartTimeout: time.Minute})
	}
	pool, err := dispatch.NewPool(t.Context(), begin, 2, metrics.New(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close(context.WithoutCancel(t.Context())) })
	return pool, func(name string, columns ...record.Column) *dispatch.Call { return call(t, p, name, columns...) }
}

func must(t *testing.T, pool *dispatch.Pool, f dispatch.Function, call *dispatch.Call) *dispatch.Result {
	t.Helper()
	f.ID, f.Name = call.Function, call.Function
	result, err := pool.Call(t.Context(), f, call)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func failedRows(r *dispatch.Result) []int {
	var rows []int
	for _, failure := range r.Failures {
		rows = append(rows, failure.Row)
	}
	return rows
}

func TestU2AKeyedRowThatKillsPythonFailsAloneAndTheStateIsExact(t *testing.T) {
	pool, callOf := pythonPool(t)
	c := callOf("count", record.Column{Rows: 6})
	c.Columns, c.Records = nil, arena(`{"x":1}`, `{"x":-1}`, `{"x":3}`, `{"x":-2}`, `{"x":5}`, `{"x":6}`)
	c.Groups = groupsOf(5, 1)
	c.Groups.States = []record.Arena{arena("", "\x07")}
	c.Groups.Timers = [][]int64{{record.NoTime, 9}}
	c.Groups.Times = []int64{1, 2, 3, 4, 5, 6}
	got := must(t, pool, dispatch.Function{Records: true, States: 1, Timers: 1}, c)
	if rows := failedRows(got); !slices.Equal(rows, []int{1, 3}) || got.Failures[0].Exception != "WorkerDied" || got.Failures[1].Exception != "ValueError" {
		t.Errorf("got failures %+v", got.Failures)
	}
	requireRecords(t, got, []string{`{"n":1}`, `{"n":2}`, `{"n":3}`, `{"n":8}`}, []int32{0, 2, 4, 5})
	if string(got.States[0].Data) != "\x03\x08" || !slices.Equal(got.Timers[0], []int64{1005, 1006}) {
		t.Errorf("got states %q and timers %v", got.States[0].Data, got.Timers)
	}
}

func TestAGroupOfPythonStopsBeforeARowForWhichATimerIsDue(t *testing.T) {
	pool, callOf := pythonPool(t)
	c := callOf("count", record.Column{Rows: 7})
	c.Columns, c.Records = nil, arena(`{"x":1}`, `{"x":2}`, `nonsense`, `{"x":-1}`, `{"x":7}`, `{"x":8}`, `{"x":9}`)
	c.Groups = groupsOf(3, 4)
	c.Groups.States = []record.Arena{arena("", "")}
	c.Groups.Timers = [][]int64{{record.NoTime, record.NoTime}}
	c.Groups.Times = make([]int64, 7)
	c.Groups.Watermarks = []int64{0, 1000, 1002, 1002, 1003, 1006, 1008}
	got := must(t, pool, dispatch.Function{Records: true, States: 1, Timers: 1}, c)
	requireRecords(t, got, []string{`{"n":1}`, `{"n":2}`, `{"n":1}`, `{"n":2}`}, []int32{0, 1, 4, 5})
	if rows := failedRows(got); !slices.Equal(rows, []int{3}) {
		t.Errorf("rows %v failed", rows)
	}
	if !slices.Equal(got.Taken, []int32{2, 3}) || !slices.Equal(got.Timers[0], []int64{1002, 1008}) {
		t.Errorf("groups took %v and have timers %v", got.Taken, got.Timers)
	}
}

func TestPythonAssignsWindowsByTheTimesOfGroupsOfOneRow(t *testing.T) {
	pool, callOf := pythonPool(t)
	c := callOf("Shift.assign", ints(5, -1, 1))
	c.Groups = groupsOf(1, 1, 1)
	c.Groups.Keys = record.Arena{Ends: make([]int32, 3)}
	c.Groups.Times = []int64{100, 200, 300}
	got := must(t, pool, dispatch.Function{Result: record.JSON}, c)
	if rows := failedRows(got); !slices.Equal(rows, []int{1}) || got.Failures[0].Exception != "WorkerDied" {
		t.Errorf("got failures %+v", got.Failures)
	}
	if first, last := string(got.Column.Text.At(0)), string(got.Column.Text.At(2)); first != "[[100,110]]" || last != "[[300,302]]" {
		t.Errorf("got %s and %s", first, last)
	}
}

func TestATimersCallbackRunsWithItsKeyMomentAndState(t *testing.T) {
	pool, callOf := pythonPool(t)
	c := callOf("remind", record.Column{Rows: 2})
	c.Columns, c.Groups = nil, groupsOf(1, 1)
	c.Groups.States = []record.Arena{arena("\x05", "")}
	c.Groups.Times = []int64{100, 200}
	got := must(t, pool, dispatch.Function{Records: true, States: 1}, c)
	requireRecords(t, got, []string{`{"key":"a","at":100,"n":5}`, `{"key":"b","at":200,"n":0}`}, []int32{0, 1})
	if state := got.States[0]; string(state.At(0)) != "\x05" || !state.IsNull(1) {
		t.Errorf("got states %q", got.States[0].Data)
	}
}

func TestAnAggregatorAddsMergesAndGivesItsResultInPython(t *testing.T) {
	pool, callOf := pythonPool(t)
	f := dispatch.Function{Result: record.Float64, States: 1}
	add := func(values ...float64) *dispatch.Result {
		c := callOf("Mean", floats("", values...).Columns[0])
		c.Groups = groupsOf(2, len(values)-2)
		c.Groups.Action, c.Groups.States = dispatch.ActionAdd, []record.Arena{arena("", "")}
		return must(t, pool, f, c)
	}
	first, second := add(1, 2, 10, -1, 30), add(3, 6, 100)
	if rows := failedRows(first); !slices.Equal(rows, []int{3}) {
		t.Errorf("rows %v failed", rows)
	}
	c := callOf("Mean", record.Column{})
	c.Columns, c.Groups = nil, groupsOf(0, 0)
	c.Groups.Action, c.Groups.States = dispatch.ActionMerge, []record.Arena{first.States[0], second.States[0]}
	merged := must(t, pool, f, c)
	c.Groups.Action, c.Groups.States = dispatch.ActionResult, merged.States
	if got := must(t, pool, f, c); got.Column.Floats[0] != 3 || got.Column.Floats[1] != 140./3 {
		t.Errorf("got %v", got.Column.Floats)
	}
}

func TestPythonGivesAValueAGroup(t *testing.T) {
	pool, callOf := pythonPool(t)
	c := callOf("spread", floats("", 1, 5, 2, 7, 7).Columns[0])
	c.Groups = groupsOf(3, 0, 2)
	got := must(t, pool, dispatch.Function{Result: record.Float64, PerGroup: true}, c)
	if rows := failedRows(got); !slices.Equal(rows, []int{1}) || got.Column.Floats[0] != 4 || got.Column.Floats[2] != 0 {
		t.Errorf("got %v, %+v", got.Column.Floats, got.Failures)
	}
}
