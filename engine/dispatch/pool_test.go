package dispatch_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/record"
)

// factory starts fake workers that double their input. What they do with each value is behaviour's choice.
type factory struct {
	behaviour func(ctx context.Context, w *worker, value float64) error
	started   atomic.Int64
	calls     atomic.Int64
}

func (f *factory) start(context.Context) (dispatch.Worker, error) {
	f.started.Add(1)
	return newWorker(f), nil
}

func newWorker(f *factory) *worker {
	return &worker{factory: f, killed: make(chan struct{}), turn: make(chan struct{}, 1)}
}

type worker struct {
	factory *factory
	once    sync.Once
	killed  chan struct{}
	turn    chan struct{} // a worker answers in order
}

var errKilled = errors.New("killed by SIGKILL")

func (w *worker) Run(ctx context.Context, call *dispatch.Call) (*dispatch.Result, error) {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	w.factory.calls.Add(1)
	b := record.NewBuilder(record.Float64, call.Rows)
	result := &dispatch.Result{Rows: call.Rows, Busy: time.Duration(call.Rows) * time.Microsecond}
	for row, value := range call.Columns[0].Floats {
		if err := w.factory.behaviour(ctx, w, value); err != nil {
			result.Failures = append(result.Failures, dispatch.Failure{Row: row, Exception: "ValueError", Message: err.Error()})
		}
		select {
		case <-w.killed:
			return nil, errKilled
		case <-ctx.Done():
			return nil, ctx.Err()
		default:
		}
		b.Float(2 * value)
	}
	column := b.Column()
	result.Column = &column
	return result, nil
}

// hang is a function that never returns.
func (w *worker) hang(ctx context.Context) {
	select {
	case <-w.killed:
	case <-ctx.Done():
	}
}

func (w *worker) Kill() { w.once.Do(func() { close(w.killed) }) }

func (w *worker) Stop(context.Context) error { return nil }

func newPool(t *testing.T, f *factory, workers int) (*dispatch.Pool, *metrics.Set) {
	t.Helper()
	return startPool(t, f.start, workers)
}

func startPool(t *testing.T, start dispatch.Start, workers int) (*dispatch.Pool, *metrics.Set) {
	t.Helper()
	set := metrics.New(prometheus.NewRegistry())
	pool, err := dispatch.NewPool(t.Context(), start, workers, set, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return pool, set
}

func call(rows int) *dispatch.Call {
	b := record.NewBuilder(record.Float64, rows)
	for i := range rows {
		b.Float(float64(i))
	}
	return &dispatch.Call{Function: "f", Rows: rows, Columns: []record.Column{b.Column()}}
}

func function(timeout time.Duration) dispatch.Function {
	return dispatch.Function{ID: "f", Name: "f", Timeout: timeout, Result: record.Float64}
}

// check fails unless every row but the dead ones has its value.
func check(t *testing.T, result *dispatch.Result, rows int, dead ...int) {
	t.Helper()
	var failed []int
	for _, failure := range result.Failures {
		failed = append(failed, failure.Row)
	}
	if !slices.Equal(failed, dead) {
		t.Errorf("rows %v failed, want %v", failed, dead)
	}
	if result.Rows != rows || len(result.Column.Floats) != rows {
		t.Fatalf("%d rows, want %d", result.Rows, rows)
	}
	for row, value := range result.Column.Floats {
		if !slices.Contains(dead, row) && value != 2*float64(row) {
			t.Fatalf("row %d has %v", row, value)
		}
	}
}

func fine(context.Context, *worker, float64) error { return nil }

func TestRowsComeBackInOrderHoweverACallIsCut(t *testing.T) {
	for _, workers := range []int{1, 2, 4} {
		f := &factory{behaviour: fine}
		pool, _ := newPool(t, f, workers)
		for _, rows := range []int{1, 255, 257, 5000} {
			result, err := pool.Call(t.Context(), function(0), call(rows))
			if err != nil {
				t.Fatal(err)
			}
			check(t, result, rows)
		}
		if f.started.Load() != int64(workers) {
			t.Errorf("%d workers started", f.started.Load())
		}
	}
}

func TestARowThatRaisesFailsAlone(t *testing.T) {
	f := &factory{behaviour: func(_ context.Context, _ *worker, value float64) error {
		if value == 300 {
			return errors.New("bad")
		}
		return nil
	}}
	pool, _ := newPool(t, f, 2)
	result, err := pool.Call(t.Context(), function(0), call(1000))
	if err != nil {
		t.Fatal(err)
	}
	check(t, result, 1000, 300)
}

func TestU2ARowThatKillsItsProcessIsFoundAndItsNeighboursComeThrough(t *testing.T) {
	f := &factory{behaviour: func(_ context.Context, w *worker, value float64) error {
		if value == 7 || value == 731 {
			w.Kill()
		}
		return nil
	}}
	pool, set := newPool(t, f, 2)
	result, err := pool.Call(t.Context(), function(0), call(1000))
	if err != nil {
		t.Fatal(err)
	}
	check(t, result, 1000, 7, 731)
	if result.Failures[0].Exception != "WorkerDied" {
		t.Errorf("%+v", result.Failures[0])
	}
	if testutil.ToFloat64(set.WorkerRestarts) == 0 {
		t.Error("no restart was counted")
	}
}

func TestU7AWorkerKilledFromOutsideLosesNothing(t *testing.T) {
	var calls atomic.Int64
	f := &factory{behaviour: func(_ context.Context, w *worker, _ float64) error {
		if n := calls.Add(1); n%997 == 0 && n < 20000 {
			w.Kill()
		}
		return nil
	}}
	pool, _ := newPool(t, f, 2)
	for range 5 {
		result, err := pool.Call(t.Context(), function(0), call(2000))
		if err != nil {
			t.Fatal(err)
		}
		check(t, result, 2000)
	}
}

func TestU3ARowThatNeverReturnsIsCutOffAtItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{behaviour: func(ctx context.Context, w *worker, value float64) error {
			if value == 3 {
				w.hang(ctx)
			}
			return nil
		}}
		pool, _ := newPool(t, f, 1)
		result, err := pool.Call(t.Context(), function(time.Second), call(40))
		if err != nil {
			t.Fatal(err)
		}
		check(t, result, 40, 3)
		if got := result.Failures[0]; got.Exception != "Timeout" || got.Message != "f did not return within its timeout of 1s, twice; its process was killed" {
			t.Errorf("%+v", got)
		}
	})
}

func TestACallBehindALongOneHasItsWholeTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{behaviour: func(context.Context, *worker, float64) error {
			<-time.After(800 * time.Millisecond) // the fake clock's
			return nil
		}}
		pool, _ := newPool(t, f, 1)
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				result, err := pool.Call(t.Context(), function(time.Second), call(1))
				if err != nil {
					t.Error(err)
					return
				}
				check(t, result, 1)
			})
		}
		wait.Wait()
		if f.started.Load() != 1 {
			t.Errorf("%d workers started, none should have been killed", f.started.Load())
		}
	})
}

// overtaken takes its second call before the first; each takes 800 ms of the fake clock.
type overtaken struct {
	calls  atomic.Int64
	second chan struct{}
}

func (o *overtaken) Kill() {}

func (o *overtaken) Stop(context.Context) error { return nil }

func (o *overtaken) Run(ctx context.Context, c *dispatch.Call) (*dispatch.Result, error) {
	if o.calls.Add(1) == 1 {
		<-o.second
	} else {
		defer close(o.second)
	}
	select {
	case <-time.After(800 * time.Millisecond):
		return &dispatch.Result{Rows: c.Rows, Column: &c.Columns[0]}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestACallThatAnotherOvertakesHasItsWholeTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		only := &overtaken{second: make(chan struct{})}
		start := func(context.Context) (dispatch.Worker, error) { return only, nil }
		pool, _ := startPool(t, start, 1)
		var wait sync.WaitGroup
		for range 2 {
			wait.Go(func() {
				if _, err := pool.Call(t.Context(), function(time.Second), call(1)); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if calls := only.calls.Load(); calls != 2 {
			t.Errorf("%d calls, none of the two should have been cut off", calls)
		}
	})
}

// liar answers with a result that does not fit its call.
type liar struct {
	*worker
	spoil func(*dispatch.Result)
}

func (l *liar) Run(ctx context.Context, c *dispatch.Call) (*dispatch.Result, error) {
	result, err := l.worker.Run(ctx, c)
	if err == nil {
		l.spoil(result)
	}
	return result, err
}

func TestU8AnAnswerThatDoesNotFitIsNotUsedAndItsWorkerKilled(t *testing.T) {
	for name, spoil := range map[string]func(*dispatch.Result){
		"rows":    func(r *dispatch.Result) { r.Rows-- },
		"column":  func(r *dispatch.Result) { r.Column = nil },
		"type":    func(r *dispatch.Result) { r.Column.Type = record.Int64 },
		"failure": func(r *dispatch.Result) { r.Failures = []dispatch.Failure{{Row: 99}} },
	} {
		f := &factory{behaviour: fine}
		var bad *liar
		start := func(ctx context.Context) (dispatch.Worker, error) {
			if bad == nil {
				bad = &liar{worker: newWorker(f), spoil: spoil}
				return bad, nil
			}
			return f.start(ctx)
		}
		pool, _ := startPool(t, start, 1)
		result, err := pool.Call(t.Context(), function(0), call(10))
		if err != nil {
			t.Fatal(name, err)
		}
		check(t, result, 10)
		select {
		case <-bad.killed:
		default:
			t.Errorf("%s: the worker lives", name)
		}
	}
}

func TestAWorkerThatCannotBeStartedEndsTheRun(t *testing.T) {
	broken := errors.New("no module named pandas")
	start := func(context.Context) (dispatch.Worker, error) { return nil, broken }
	_, err := dispatch.NewPool(t.Context(), start, 2, metrics.New(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
	if !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestCallsEndWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{behaviour: func(ctx context.Context, w *worker, _ float64) error { w.hang(ctx); return nil }}
		pool, _ := newPool(t, f, 1)
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 3)
		for range 3 {
			go func() {
				_, err := pool.Call(ctx, function(0), call(1))
				errs <- err
			}()
		}
		synctest.Wait()
		cancel()
		for range 3 {
			if err := <-errs; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	})
}
