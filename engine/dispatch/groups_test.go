package dispatch_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/record"
)

func TestStatesAreThoseOfASequentialRunWhateverDies(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 4)) //nolint:gosec // a test is to repeat itself
			call := randomCall(random)
			var calls atomic.Int64
			unlucky := 1 + random.Int64N(40) // one alone: two might meet the same row, which would be blamed for it
			pool := chainPool(t, 1+random.IntN(3), func() bool { return calls.Add(1) == unlucky })
			for range 2 { // the second time the pace is known
				got, err := pool.Call(t.Context(), chainFunction(), call)
				if err != nil {
					t.Fatal(err)
				}
				requireSame(t, got, reference(t, call))
			}
		})
	}
}

func randomCall(random *rand.Rand) *dispatch.Call {
	groups := make([][]int64, random.IntN(60))
	for i := range groups {
		groups[i] = make([]int64, random.IntN(1+random.IntN(60)))
		for row := range groups[i] {
			groups[i][row] = 1 + random.Int64N(9)
			if random.IntN(200) == 0 {
				groups[i][row] = kills
			}
			if random.IntN(50) == 0 {
				groups[i][row] = raises
			}
		}
	}
	action := []dispatch.Action{dispatch.ActionNone, dispatch.ActionAdd, dispatch.ActionResult}[random.IntN(3)]
	call := grouped(action, groups...)
	if action == dispatch.ActionNone && random.IntN(4) > 0 {
		addWatermarks(random, call.Groups)
	}
	return call
}

// addWatermarks has the timers of some groups be due between their rows.
func addWatermarks(random *rand.Rand, g *dispatch.Groups) {
	lag := random.Int64N(25)
	watermark := int64(0)
	for _, time := range g.Times {
		if random.IntN(10) > 0 {
			watermark = max(watermark, time-lag)
		}
		g.Watermarks = append(g.Watermarks, watermark)
	}
}

func TestAGroupTakesItsRowsUpToADueTimerWhateverDies(t *testing.T) {
	call := grouped(dispatch.ActionNone, slices.Repeat([]int64{5}, 40), []int64{kills, 1, 1}, []int64{1, 2}, nil)
	call.Columns[0].Ints[3], call.Columns[0].Ints[20] = kills, kills
	call.Groups.Watermarks = append(slices.Repeat([]int64{1000}, 20), slices.Repeat([]int64{1030}, 25)...)
	got, err := chainPool(t, 2, lucky).Call(t.Context(), chainFunction(), call)
	if err != nil {
		t.Fatal(err)
	}
	requireSame(t, got, reference(t, call))
	if !slices.Equal(got.Taken, []int32{20, 1, 2, 0}) || !slices.Equal(failedRows(got), []int{3, 40}) {
		t.Errorf("groups took %v, rows %v failed", got.Taken, failedRows(got))
	}
}

func TestWindowsAreAssignedByTheTimesOfGroupsOfOneRow(t *testing.T) {
	call := grouped(dispatch.ActionNone, []int64{1}, []int64{kills}, []int64{raises}, []int64{4})
	call.Groups.States, call.Groups.Timers = nil, nil
	f := dispatch.Function{ID: "assign", Name: "assign", Result: record.Int64}
	start := func(context.Context) (dispatch.Worker, error) { return assign{}, nil }
	pool, _ := startPool(t, start, 2)
	got, err := pool.Call(t.Context(), f, call)
	if err != nil || got.Column.Ints[0] != 1001 || got.Column.Ints[3] != 1007 || !slices.Equal(failedRows(got), []int{1, 2}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// assign gives the sum of a row's time and value.
type assign struct{}

func (assign) Kill() {}

func (assign) Stop(context.Context) error { return nil }

func (assign) Run(_ context.Context, call *dispatch.Call) (*dispatch.Result, error) {
	b := record.NewBuilder(record.Int64, call.Rows)
	result := &dispatch.Result{Rows: call.Rows}
	for row, value := range call.Columns[0].Ints {
		switch value {
		case kills:
			return nil, errKilled
		case raises:
			result.Failures = append(result.Failures, dispatch.Failure{Row: row})
		}
		b.Int(call.Groups.Times[row] + value)
	}
	column := b.Column()
	result.Column = &column
	return result, nil
}

func TestU2OneRowOfAGroupKillsAndTheGroupsOtherRowsCount(t *testing.T) {
	call := grouped(dispatch.ActionNone, []int64{1, 2}, []int64{3, kills, 4}, []int64{5})
	got, err := chainPool(t, 1, lucky).Call(t.Context(), chainFunction(), call)
	if err != nil {
		t.Fatal(err)
	}
	requireSame(t, got, reference(t, call))
	if rows := failedRows(got); !slices.Equal(rows, []int{3}) || got.Failures[0].Exception != "WorkerDied" {
		t.Errorf("got failures %+v", got.Failures)
	}
	if state := number(got.States[0].At(1)); state != (8*31+3)*31+4 {
		t.Errorf("the group's state is %d", state)
	}
}

func TestAGroupThatKillsIsOneFailureOfThatGroup(t *testing.T) {
	call := grouped(dispatch.ActionResult, []int64{1, 2}, []int64{3, kills, 4}, []int64{5})
	got, err := chainPool(t, 2, lucky).Call(t.Context(), chainFunction(), call)
	if err != nil {
		t.Fatal(err)
	}
	requireSame(t, got, reference(t, call))
	if rows := failedRows(got); !slices.Equal(rows, []int{1}) || !strings.Contains(got.Failures[0].Message, "died with this group of records") {
		t.Errorf("got failures %+v", got.Failures)
	}
}

func TestS15AMergeThatKillsLeavesTheFirstStateAsItWas(t *testing.T) {
	call := grouped(dispatch.ActionMerge, nil, nil, nil, nil)
	call.Columns = nil
	var second record.Arena
	for _, value := range []int64{4, kills, raises, 6} {
		second.Append(text(value))
	}
	call.Groups.States = append(call.Groups.States, second)
	got, err := chainPool(t, 1, lucky).Call(t.Context(), chainFunction(), call)
	if err != nil {
		t.Fatal(err)
	}
	if rows := failedRows(got); !slices.Equal(rows, []int{1, 2}) {
		t.Errorf("groups %v failed", rows)
	}
	for i, want := range []int64{4, 8, 0, 10*1009 + 6} {
		if state := number(got.States[0].At(i)); state != want {
			t.Errorf("group %d has %d, want %d", i, state, want)
		}
	}
}

func TestACallIsCutBetweenGroupsOnly(t *testing.T) {
	sizes := make(chan int, 10)
	start := func(context.Context) (dispatch.Worker, error) {
		return &watched{chain{unlucky: lucky}, sizes}, nil
	}
	pool, _ := startPool(t, start, 1)
	groups := make([][]int64, 4)
	for i := range groups {
		groups[i] = slices.Repeat([]int64{1}, 200)
	}
	call := grouped(dispatch.ActionAdd, groups...)
	got, err := pool.Call(t.Context(), chainFunction(), call)
	if err != nil {
		t.Fatal(err)
	}
	requireSame(t, got, reference(t, call))
	close(sizes)
	var rows []int
	for size := range sizes {
		rows = append(rows, size)
	}
	// An unknown function gets 256 rows a call, of which a worker has two; the rest is cut by how long those took.
	if want := []int{200, 200, 400}; !slices.Equal(rows, want) {
		t.Errorf("the calls had %v rows, want %v", rows, want)
	}
}

// watched tells how many rows each call has.
type watched struct {
	chain

	sizes chan<- int
}

func (w *watched) Run(ctx context.Context, call *dispatch.Call) (*dispatch.Result, error) {
	w.sizes <- call.Rows
	return w.chain.Run(ctx, call)
}

func TestACallHasOnlySoManyBytesOfStates(t *testing.T) {
	call := grouped(dispatch.ActionNone, []int64{1}, []int64{2})
	call.Groups.States[0] = record.Arena{}
	for range 2 {
		call.Groups.States[0].Append(make([]byte, 33<<20))
	}
	if ends := dispatch.CutOf(call, 256); !slices.Equal(ends, []int{1, 2}) {
		t.Errorf("the call is cut at %v", ends)
	}
}

func TestU8AnAnswerWithTheWrongStatesIsNotUsed(t *testing.T) {
	for name, spoil := range map[string]func(*dispatch.Result){
		"no states":        func(r *dispatch.Result) { r.States = nil },
		"too few groups":   func(r *dispatch.Result) { r.States[0] = r.States[0].Slice(0, 1) },
		"too many states":  func(r *dispatch.Result) { r.States = append(r.States, record.Arena{}) },
		"no timers":        func(r *dispatch.Result) { r.Timers = nil },
		"timers of groups": func(r *dispatch.Result) { r.Timers[0] = r.Timers[0][1:] },
		"a row of a group": func(r *dispatch.Result) { r.Failures = []dispatch.Failure{{Row: 3}} },
		"no row taken":     func(r *dispatch.Result) { r.Taken = []int32{0, 1} },
		"too many taken":   func(r *dispatch.Result) { r.Taken = []int32{2, 2} },
		"taken of groups":  func(r *dispatch.Result) { r.Taken = []int32{2} },
		"a row not taken": func(r *dispatch.Result) {
			r.Taken, r.Failures = []int32{1, 1}, []dispatch.Failure{{Row: 1}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			call := grouped(dispatch.ActionNone, []int64{1, 2}, []int64{3})
			call.Groups.Watermarks = make([]int64, 3)
			var started int
			start := func(context.Context) (dispatch.Worker, error) {
				started++
				good := &chain{unlucky: lucky}
				if started == 1 {
					return &spoiled{good, spoil}, nil
				}
				return good, nil
			}
			pool, _ := startPool(t, start, 1)
			got, err := pool.Call(t.Context(), chainFunction(), call)
			if err != nil {
				t.Fatal(err)
			}
			requireSame(t, got, reference(t, call))
			if started != 2 {
				t.Errorf("%d workers started", started)
			}
		})
	}
}

type spoiled struct {
	dispatch.Worker

	spoil func(*dispatch.Result)
}

func (s *spoiled) Run(ctx context.Context, call *dispatch.Call) (*dispatch.Result, error) {
	result, err := s.Worker.Run(ctx, call)
	if err == nil {
		s.spoil(result)
	}
	return result, err
}

func TestFiredTimersTakeNeitherColumnsNorRecords(t *testing.T) {
	call := grouped(dispatch.ActionNone, []int64{1}, []int64{2})
	call.Columns = nil
	for i, want := range []string{"0", "1"} {
		part := dispatch.PartOf(call, i, i+1)
		if part.Rows != 1 || part.Records.Len() != 0 || string(part.Groups.Keys.At(0)) != want || part.Groups.Times[0] != int64(1000+i) {
			t.Errorf("part %d is %+v of %+v", i, part, part.Groups)
		}
	}
}

func TestAGroupThatHangsIsCutOffAtItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := func(context.Context) (dispatch.Worker, error) { return hanging{}, nil }
		pool, _ := startPool(t, start, 1)
		f := chainFunction()
		f.Timeout = time.Second
		got, err := pool.Call(t.Context(), f, grouped(dispatch.ActionResult, []int64{1, 2}))
		if err != nil || len(got.Failures) != 1 || got.Failures[0].Exception != "Timeout" || got.Failures[0].Row != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

type hanging struct{}

func (hanging) Kill() {}

func (hanging) Stop(context.Context) error { return nil }

func (hanging) Run(ctx context.Context, _ *dispatch.Call) (*dispatch.Result, error) {
	<-ctx.Done()
	return nil, errors.New("killed")
}
