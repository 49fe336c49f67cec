package keyed_test

import (
	"fmt"
	"testing"

	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// emitting runs a test with windows in the task that reads the partition, and behind a hop.
func emitting(t *testing.T, mode planv1.EmitMode, test func(t *testing.T, w *world, last *task)) {
	t.Helper()
	for _, targets := range []int{0, 1} {
		for _, records := range []bool{true, false} {
			if targets == 0 && !records {
				continue
			}
			t.Run(fmt.Sprintf("%d hops, records %t", targets, records), func(t *testing.T) {
				w := newWorld(t, &app{window: tumbling(10), emit: mode, time: fieldTime(0), inputs: 1, targets: targets, records: records && targets > 0})
				if targets == 0 {
					test(t, w, w.sources[0])
				} else {
					test(t, w, w.stages[0])
				}
			})
		}
	}
}

func TestUpdatesAreGivenOnceACommit_E1(t *testing.T) {
	emitting(t, planv1.EmitMode_EMIT_MODE_UPDATES, func(_ *testing.T, w *world, last *task) {
		w.feed(0, "a@1 a@2 a@3")
		w.settle()
		w.expect("before the commit", "")
		w.commit(last)
		w.expect("coalesced", "a[0,10)=3")
		for range 2 {
			w.feed(0, "a@4")
			w.settle()
			w.commit(last)
		}
		w.expect("a commit after each", "a[0,10)=4 a[0,10)=5")
		w.commit(last)
		w.expect("nothing changed", "")
	})
}

func TestEarlyResultsFollowTheClock_E2(t *testing.T) {
	emitting(t, planv1.EmitMode_EMIT_MODE_EARLY, func(t *testing.T, w *world, last *task) {
		at := func(second int64) {
			w.wall = 1000 + 1000*second
			w.settle()
			if len(w.stages) == 0 {
				w.write(last.Tick(t.Context(), w.wall))
			}
		}
		at(0)
		w.feed(0, "a@1")
		at(4)
		w.expect("4 s", "")
		at(5)
		w.expect("5 s", "a[0,10)=1")
		at(10)
		w.expect("10 s: nothing changed", "")
		w.feed(0, "a@2")
		at(11)
		w.expect("11 s", "")
		w.reopen(last)
		at(12)
		at(17)
		w.expect("5 s after the restart", "a[0,10)=2")
		w.finish()
		w.expect("the end", "a[0,10)=2")
		if r := w.out[len(w.out)-1]; !r.Final || r.Rev != 2 {
			t.Errorf("the last result has revision %d, final %t; want 2, true", r.Rev, r.Final)
		}
	})
}

func TestAnIdleClockReachesThroughTwoHops_W3(t *testing.T) {
	w := newWorld(t, &app{window: tumbling(10), time: fieldTime(0), inputs: 2, targets: 1, twice: true})
	w.feed(0, "a@5")
	w.feed(1, "b@7")
	for _, ms := range []int64{0, 0, 10, 10} {
		w.idle(0, ms)
		w.idle(1, ms)
		w.settle()
		w.settle()
	}
	w.expect("20 ms after the last record", "a[0,10)=1 b[0,10)=1")
}
