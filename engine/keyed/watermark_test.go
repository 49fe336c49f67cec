package keyed_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// merged is an app of two partitions that hop to one task, which waits for both.
func merged(inputs int, records bool) *app {
	return &app{window: tumbling(10), time: fieldTime(0), inputs: inputs, targets: 1, records: records}
}

// both runs a test with records that hop and with partial aggregates.
func both(t *testing.T, inputs int, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("records", func(t *testing.T) { test(t, newWorld(t, merged(inputs, true))) })
	t.Run("partial aggregates", func(t *testing.T) { test(t, newWorld(t, merged(inputs, false))) })
}

func TestAnIdleInputHoldsNothingBack_W1_W2(t *testing.T) {
	both(t, 2, func(t *testing.T, w *world) {
		w.feed(0, "a@100")
		w.feed(1, "b@5")
		w.settle()
		w.expect("W1: p1 is at 5", "")
		w.idle(1, 0)
		w.settle()
		w.expect("W1: p1 is idle", "b[0,10)=1")
		w.feed(1, "b@50 b@51")
		w.feed(1, "b@120")
		w.settle()
		w.expect("W2", "")
		if n := lateRecords(t, w); n != 2 {
			t.Errorf("W2: %d records are late (%q), want 2", n, w.late)
		}
		w.finish()
		w.expect("at the end", "a[100,110)=1 b[120,130)=1")
	})
}

func TestAnInputThatWasIdleHoldsAllBackAgainByItsRecords_W2(t *testing.T) {
	both(t, 2, func(_ *testing.T, w *world) {
		w.feed(0, "a@100")
		w.feed(1, "b@5")
		w.idle(1, 0)
		w.idle(1, 10_000)
		w.settle()
		w.expect("p1 is idle", "b[0,10)=1")
		w.feed(1, "b@150")
		w.settle()
		w.reopen(w.sources[1])
		w.feed(0, "a@500")
		w.settle()
		w.expect("p1 is at 150", "a[100,110)=1")
		w.feed(1, "b@151 c@152")
		w.finish()
		w.expect("the end", "b[150,160)=2 c[150,160)=1 a[500,510)=1")
		w.expectLate()
	})
}

func TestWhenAllInputsAreIdleTheWatermarkHoldsOrFollowsTheClock_W3(t *testing.T) {
	both(t, 2, func(t *testing.T, w *world) {
		w.feed(0, "a@5")
		w.feed(1, "b@7")
		w.settle()
		for _, x := range w.sources {
			w.write(x.Tick(t.Context(), 1_000_000))
		}
		w.settle()
		w.expect("idle=None", "")
		w.idle(0, 0)
		w.idle(1, 0)
		w.settle()
		w.expect("they are idle from now on", "")
		w.idle(0, 3)
		w.idle(1, 3)
		w.settle()
		w.expect("3 ms later the higher is at 10", "a[0,10)=1 b[0,10)=1")
	})
}

func TestAClockThatMovedTheWatermarkIsReplayed_W3(t *testing.T) {
	w := newWorld(t, &app{window: tumbling(10), time: fieldTime(0), inputs: 1})
	w.feed(0, "a@5")
	w.idle(0, 0)
	w.idle(0, 100)
	w.expect("it follows the clock", "a[0,10)=1")
	w.reopen(w.sources[0])
	w.feed(0, "a@6 a@104 a@105")
	w.finish()
	w.expect("what it closed stays closed", "a[100,110)=2")
	w.expectLate("a@6 [0,10) at 105")
}

func TestAnInputThatNeverHadARecordHoldsAllBackUntilItIsIdle_W4(t *testing.T) {
	both(t, 3, func(_ *testing.T, w *world) {
		w.feed(0, "a@100")
		w.feed(1, "b@30 b@50")
		w.settle()
		w.settle()
		w.expect("the third has none", "")
		w.idle(2, 0)
		w.settle()
		w.expect("the third is idle", "b[30,40)=1")
	})
}

func TestATaskOfOnePartitionIsIdleOnlyWhenItIsTold_W5(t *testing.T) {
	w := newWorld(t, &app{window: tumbling(10), time: fieldTime(0), inputs: 1})
	w.feed(0, "a@5")
	w.idle(0, 0)
	w.feed(0, "a@6")
	w.idle(0, 1000)
	w.expect("records came in between", "")
	w.idle(0, 4)
	w.expect("four ms later", "a[0,10)=2")
}

func TestAFinishedInputCountsForNothing_W6(t *testing.T) {
	both(t, 3, func(t *testing.T, w *world) {
		w.feed(0, "a@5")
		w.feed(1, "b@25")
		w.feed(2, "c@3")
		w.settle()
		w.write(w.sources[0].Finish(t.Context()))
		w.settle()
		w.expect("c is at 3", "")
		w.idle(2, 0)
		w.settle()
		w.expect("c is idle, b at 25", "a[0,10)=1 c[0,10)=1")
		w.idle(1, 0)
		w.settle()
		w.expect("none is left, but no end of time", "")
		w.finish()
		w.expect("all are finished", "b[20,30)=1")
	})
}

func TestARestartKeepsTheWatermark_W7(t *testing.T) {
	both(t, 2, func(_ *testing.T, w *world) {
		w.feed(0, "a@100")
		w.feed(1, "b@100")
		w.settle()
		for _, x := range slices.Concat(w.sources, w.stages) {
			w.reopen(x)
		}
		w.feed(0, "a@50")
		w.settle()
		w.expectLate("a@50 [50,60) at 100")
		w.finish()
		w.expect("at the end", "a[100,110)=1 b[100,110)=1")
	})
}

func TestABackfillingInputLosesNothing_W9(t *testing.T) {
	both(t, 2, func(t *testing.T, w *world) {
		for at := range 10 {
			w.feed(0, fmt.Sprintf("a@%d", 1000+10*at))
			w.feed(1, fmt.Sprintf("a@%d b@%d", 800+10*at, 803+10*at))
			w.settle()
		}
		w.finish()
		w.expectLate()
		records := int64(0)
		for _, r := range w.out {
			records += r.N
		}
		if records != 30 {
			t.Errorf("%d records are in results, want 30", records)
		}
	})
}

func TestAProcessThatGoesAwayLeavesItsPartitionsWatermark_W10(t *testing.T) {
	both(t, 2, func(_ *testing.T, w *world) {
		w.feed(0, "a@100")
		w.feed(1, "b@5")
		w.settle()
		w.reopen(w.sources[1]) // another process goes on with it
		w.settle()
		w.expect("p1 is still at 5", "")
		w.feed(1, "b@100")
		w.settle()
		w.expect("p1 goes on", "b[0,10)=1")
	})
}

func TestTimesOutOfTheFutureAreDead_T14(t *testing.T) {
	time := fieldTime(0)
	time.MaxFutureMs = 3_600_000
	w := newWorld(t, &app{window: tumbling(10), time: time, inputs: 1, now: func() int64 { return 1_000_000 }})
	w.feed(0, "a@5 a@9000000000000 a@6")
	w.finish()
	w.expect("T14", "a[0,10)=2")
	if !slices.Equal(w.dead, []string{"bad_timestamp"}) {
		t.Errorf("dead are %q", w.dead)
	}
}

func TestTimesThatNoWindowHoldsAreDead_T14(t *testing.T) {
	hopping := &planv1.Window{Kind: &planv1.Window_Hopping{Hopping: &planv1.Hopping{SizeMs: 10, EveryMs: 3, OffsetMs: 1}}}
	for _, window := range []*planv1.Window{tumbling(10), hopping} {
		w := newWorld(t, &app{window: window, time: fieldTime(5), inputs: 1, targets: 1})
		w.feed(0, "a@9223372036854775807 a@-9223372036854775808 a@-9223372036854775807 a@9223372036854775800 a@5")
		w.finish()
		if len(w.dead) != 4 || len(w.out) == 0 {
			t.Errorf("dead are %q, results %v", w.dead, w.out)
		}
	}
}

func TestNullKeysAndTombstonesAreNotAggregated_T15(t *testing.T) {
	w := newWorld(t, &app{window: tumbling(10), inputs: 1, ownKey: true})
	w.feed(0, "null@5 a@6=null a@7")
	w.finish()
	w.expect("T15", "[0,10)=1")
	if !slices.Equal(w.dead, []string{"undecodable", "null_key"}) {
		t.Errorf("dead are %q", w.dead)
	}
}

func TestResultsOnTimeDoNotDependOnTheCut_T12_E3(t *testing.T) {
	for _, records := range []bool{true, false} {
		for _, cut := range [][]string{{"a@5 b@12 a@6 a@7 b@30 a@8"}, {"a@5", "b@12", "a@6", "a@7", "b@30", "a@8"}, {"a@5 b@12 a@6", "a@7 b@30 a@8"}} {
			a := merged(1, records)
			a.emit, a.window.GraceMs = planv1.EmitMode_EMIT_MODE_ON_TIME_AND_LATE, 100
			w := newWorld(t, a)
			for _, batch := range cut {
				w.feed(0, batch)
				w.settle()
			}
			w.expect(strings.Join(cut, "|"), "a[0,10)=1 a[0,10)=2 a[0,10)=3 b[10,20)=1 a[0,10)=4")
		}
	}
}
