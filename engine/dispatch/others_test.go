package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pyudf/pyudf/engine/dispatch"
)

// others is a worker of others, which goes with the calls that it is told to.
type others struct {
	*worker
	goes func(*dispatch.Call) bool
	kind error
}

func (o *others) Run(ctx context.Context, c *dispatch.Call) (*dispatch.Result, error) {
	if o.goes(c) {
		return nil, fmt.Errorf("the worker at tls://heat:7443: %w", o.kind)
	}
	return o.worker.Run(ctx, c)
}

func poolOfOthers(t *testing.T, kind error, goes func(*dispatch.Call) bool) *dispatch.Pool {
	t.Helper()
	f := &factory{behaviour: fine}
	pool, _ := startPool(t, func(context.Context) (dispatch.Worker, error) {
		return &others{newWorker(f), goes, kind}, nil
	}, 1)
	return pool
}

// firstCalls tells of the first n calls.
func firstCalls(n int64) func(*dispatch.Call) bool {
	var calls atomic.Int64
	return func(*dispatch.Call) bool { return calls.Add(1) <= n }
}

func TestNoRowIsBlamedForAWorkerThatIsStoppedHoweverOften(t *testing.T) {
	pool := poolOfOthers(t, dispatch.ErrAway, firstCalls(100))
	result, err := pool.Call(t.Context(), function(0), call(1))
	if err != nil {
		t.Fatal(err)
	}
	check(t, result, 1)
}

func TestNoRowIsBlamedForAConnectionThatIsLostAFewTimes(t *testing.T) {
	pool := poolOfOthers(t, dispatch.ErrLost, firstCalls(4))
	result, err := pool.Call(t.Context(), function(0), call(1))
	if err != nil {
		t.Fatal(err)
	}
	check(t, result, 1)
}

func TestARowThatTakesEveryWorkerWithItIsFoundAmongThoseOfOthersToo(t *testing.T) {
	pool := poolOfOthers(t, dispatch.ErrLost, func(c *dispatch.Call) bool {
		return slices.Contains(c.Columns[0].Floats, 300)
	})
	result, err := pool.Call(t.Context(), function(0), call(1000))
	if err != nil {
		t.Fatal(err)
	}
	check(t, result, 1000, 300)
	if got := result.Failures[0]; got.Exception != "WorkerDied" || !strings.Contains(got.Message, "was lost with this record, again and again") {
		t.Errorf("got %+v", got)
	}
}
