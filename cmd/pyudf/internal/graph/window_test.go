package graph

import (
	"testing"

	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

func TestWindowsAreSaidInWords(t *testing.T) {
	b := builder{topics: true, functions: map[string]*planv1.Function{"m.S.assign": {Name: "Shifts.assign"}, "m.S.merge": {Name: "Shifts.merge"}, "m.S.over": {Name: "Shifts.should_close"}}}
	for _, test := range []struct {
		window *planv1.Window
		emit   *planv1.Emit
		want   string
	}{
		{
			&planv1.Window{Kind: &planv1.Window_Tumbling{Tumbling: &planv1.Tumbling{SizeMs: 86_400_000, OffsetMs: 18_000_000}}},
			&planv1.Emit{Mode: planv1.EmitMode_EMIT_MODE_UPDATES},
			"tumbling 24h shifted by 5h; a result at each commit after a change",
		},
		{
			&planv1.Window{Kind: &planv1.Window_Session{Session: &planv1.Session{GapBy: "gap"}}},
			&planv1.Emit{Mode: planv1.EmitMode_EMIT_MODE_FINAL},
			"sessions with gaps up to gap ms; one result, at the close",
		},
		{
			&planv1.Window{Kind: &planv1.Window_Global{Global: &planv1.Global{}}},
			&planv1.Emit{Mode: planv1.EmitMode_EMIT_MODE_FINAL},
			"all records; one result, at the end of a run with --flush",
		},
		{
			&planv1.Window{Kind: &planv1.Window_Custom{Custom: &planv1.CustomWindow{Assign: &planv1.Call{Function: "m.S.assign"}, Merge: "m.S.merge", ShouldClose: "m.S.over"}}},
			&planv1.Emit{Mode: planv1.EmitMode_EMIT_MODE_ON_TIME_AND_LATE},
			"windows by Shifts.assign in Python, put together by Shifts.merge, closed by Shifts.should_close; a result at the end, and at each change after it",
		},
	} {
		kind, shape := b.shape(test.window)
		if got := shape + "; " + b.results(kind, test.emit); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestSpansAreInTheLargestUnitThatFits(t *testing.T) {
	for ms, want := range map[uint64]string{
		0: "0ms", 1: "1ms", 1000: "1s", 1500: "1500ms", 90_000: "90s", 60_000: "1m", 2_700_000: "45m", 86_400_000: "24h", 172_800_000: "2d",
	} {
		if got := span(ms); got != want {
			t.Errorf("%d: got %s, want %s", ms, got, want)
		}
	}
}
