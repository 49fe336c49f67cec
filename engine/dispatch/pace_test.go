package dispatch_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pyudf/pyudf/engine/dispatch"
)

// timed says that each row took so long, and notes how many rows its calls have.
type timed struct {
	*worker

	row   time.Duration
	mu    *sync.Mutex
	sizes *[]int
}

func (w *timed) Run(ctx context.Context, call *dispatch.Call) (*dispatch.Result, error) {
	w.mu.Lock()
	*w.sizes = append(*w.sizes, call.Rows)
	w.mu.Unlock()
	result, err := w.worker.Run(ctx, call)
	if err == nil {
		result.Busy = time.Duration(call.Rows) * w.row
	}
	return result, err
}

func TestTheFirstRowsOfAFunctionSayHowTheRestIsCut(t *testing.T) {
	cases := map[string]struct {
		row     time.Duration
		workers int
		want    []int
	}{
		"quick":               {time.Microsecond, 1, []int{250, 250, 500}},
		"slow":                {time.Millisecond, 1, append([]int{250, 250}, slices.Repeat([]int{50}, 10)...)},
		"for several workers": {time.Microsecond, 2, []int{250, 250, 250, 250}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var sizes []int
			pool, _ := startPool(t, func(context.Context) (dispatch.Worker, error) {
				return &timed{newWorker(&factory{behaviour: fine}), c.row, &mu, &sizes}, nil
			}, c.workers)
			result, err := pool.Call(t.Context(), function(0), call(1000))
			if err != nil {
				t.Fatal(err)
			}
			check(t, result, 1000)
			if !slices.Equal(sizes, c.want) {
				t.Errorf("the calls had %v rows, want %v", sizes, c.want)
			}
		})
	}
}
