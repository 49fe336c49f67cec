package main

import (
	"strings"
	"testing"
	"time"
)

func TestOnlyWhatALaterReadingHasClosedIsCounted(t *testing.T) {
	c := &census{
		latest:   map[int32]int64{0: 25_000, 1: 12_000},
		home:     map[string]int32{"a": 0, "b": 1},
		stations: map[window]int64{{"a", 0}: 3, {"a", 10_000}: 4, {"a", 20_000}: 5, {"b", 0}: 6, {"b", 10_000}: 7},
		regions:  map[window]int64{{"r", 0}: 9, {"r", 10_000}: 11},
		sessions: []session{{0, 1_000, 2}},
		open:     map[string]*session{"a": {0, 20_000, 3}, "b": {1, 6_999, 4}},
	}
	for what, is := range map[string]struct{ got, want goal }{
		"by station": {c.byStation(), goal{3, 3 + 4 + 6}},
		"by region":  {c.byRegion(), goal{1, 9}},
		"by session": {c.bySession(), goal{2, 2 + 4}},
	} {
		if is.got != is.want {
			t.Errorf("%s: %+v, want %+v", what, is.got, is.want)
		}
	}
}

func TestATableOfWindowsSaysWhetherAllReadingsAreInside(t *testing.T) {
	right, wrong := tasks[0].ours, tasks[0].loop
	results := []result{
		{right, []measurement{{took: time.Second, inside: 90}, {took: time.Second, inside: 90}}},
		{wrong, []measurement{{took: 4 * time.Second, inside: 90}, {took: 4 * time.Second, inside: 89}}},
	}
	var out strings.Builder
	printWindows(&out, tasks[0], results, goal{10, 90})
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"10 results are right, with 90 readings", "pyudf 1.00 1.00 - 1.00 4.00 0 all", "bare Python loop 4.00 4.00 - 4.00 1.00 0 89, WRONG"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
