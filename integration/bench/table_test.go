package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheTableHasMediansAndRatios(t *testing.T) {
	run := func(seconds float64, engine, worker int) measurement {
		return measurement{took: time.Duration(seconds * float64(time.Second)), memory: memory{engine, worker}}
	}
	results := []result{
		{contender{name: limit, title: "limit"}, []measurement{run(1.5, 90, 0), run(1.0, 100, 0), run(1.2, 80, 0)}},
		{contender{name: "scalar", title: "ours"}, []measurement{run(1.8, 150, 60), run(1.9, 140, 60), run(1.7, 140, 65)}},
		{contender{name: floor, title: "loop"}, []measurement{run(9, 60, 0), run(8, 60, 0), run(10, 60, 0)}},
	}
	var out strings.Builder
	printThroughput(&out, results, 900_000)
	var rows []string
	for line := range strings.Lines(out.String()) {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	for _, want := range []string{
		"limit 1.20 1.00 - 1.50 750000 1.00 7.50 100",
		"ours 1.80 1.70 - 1.90 500000 1.50 5.00 150 + 60",
		"loop 9.00 8.00 - 10.00 100000 7.50 1.00 60",
	} {
		if !strings.Contains(strings.Join(rows, "\n"), want) {
			t.Errorf("no row %q in\n%s", want, out.String())
		}
	}
}

func TestQuantilesAreTakenFromWhatWasMeasured(t *testing.T) {
	var delays []int64
	for n := range int64(100) {
		delays = append(delays, n)
	}
	if p50, p99 := quantile(delays, 0.5), quantile(delays, 0.99); p50 != 50 || p99 != 99 {
		t.Errorf("p50 %d, p99 %d, want 50 and 99", p50, p99)
	}
}

func TestTheTableSaysWhatExactlyOnceCosts(t *testing.T) {
	run := func(took, appended time.Duration) []measurement {
		return []measurement{{took: took, appended: appended, inside: 9}}
	}
	results := []result{
		{contender{title: "ours, exactly"}, run(3*time.Second, 2400*time.Millisecond)},
		{contender{title: "ours"}, run(2*time.Second, 2*time.Second)},
		{contender{title: "theirs, exactly"}, run(9*time.Second, 8*time.Second)},
		{contender{title: "theirs"}, run(6*time.Second, 5*time.Second)},
	}
	var out strings.Builder
	printGuarantees(&out, "win", results, goal{records: 3, inside: 9})
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"ours, exactly 3.00 3.00 - 3.00 1.50 2.40 1.20 1.05, OVER all",
		"ours 2.00 2.00 - 2.00 1.00 2.00 1.00 all",
		"theirs, exactly 9.00 9.00 - 9.00 1.50 8.00 1.60 all",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no row %q in\n%s", want, out.String())
		}
	}
}

func TestContendersTakeTurnsThereAndBack(t *testing.T) {
	for turn, want := range [][]int{{0, 1, 2}, {2, 1, 0}, {0, 1, 2}} {
		if got := slices.Collect(order(turn, 3)); !slices.Equal(got, want) {
			t.Errorf("turn %d goes %v, want %v", turn, got, want)
		}
	}
}

func TestTheMedianOfAnEvenNumberOfRunsIsBetweenTheTwoInTheMiddle(t *testing.T) {
	if got := middle([]float64{1, 2, 4, 9}); got != 3 {
		t.Errorf("the median is %v, want 3", got)
	}
}
