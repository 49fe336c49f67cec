package simtest_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/simtest"
)

//nolint:gochecknoglobals // flags of the test binary
var (
	oneSeed = flag.Int64("seed", -1, "run this seed alone, and print what happens")
	seeds   = flag.Int("seeds", 300, "how many seeds to run")
	first   = flag.Int("first", 0, "the first of them")
)

// tries is how often a seed is run that shall fail again: a few tell another story now and then.
const tries = 20

// enough seeds have all kinds of trouble.
const enough = 100

// TestCrashesChangeNoResult has the engine run on nodes that crash, lose partitions and get no replies.
func TestCrashesChangeNoResult(t *testing.T) {
	if *oneSeed >= 0 {
		for i := 0; i < tries && !t.Failed(); i++ {
			simulate(t, uint64(*oneSeed))
		}
		return
	}
	kinds := []string{"crash", "crash in a call", "stop", "standstill", "out of the group", "rebalance", "timeout", "empty disk", "retention", "results in trouble"}
	total := map[string]int{}
	for seed := *first; seed < *first+*seeds; seed++ {
		_, trouble := simulate(t, uint64(seed)) //nolint:gosec // not negative
		for what, n := range trouble {
			total[what] += n
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d seeds: %v", *seeds, total)
	for _, what := range kinds {
		if total[what] == 0 && *seeds >= enough {
			t.Errorf("in %d seeds there was no %s", *seeds, what)
		}
	}
}

// simulate runs one seed and returns what happened, and what trouble there was how often.
func simulate(t *testing.T, seed uint64) (trace []string, trouble map[string]int) {
	t.Helper()
	draw := rand.New(rand.NewPCG(seed, 3))
	app := []func() app{copying, windowed, keeping, waiting, windowed, keeping}[draw.IntN(6)]()
	atLeastOnce := app.repeats && draw.IntN(2) == 0
	input := events(draw, app.late)
	want := app.expect(input)
	records, junk := encoded(t, draw, input)
	config := simtest.Config{
		Plan: app.plan, Topic: "in", Input: records, Nodes: 1 + draw.IntN(3), Steps: 200 + draw.IntN(1500), Hops: 1 + draw.IntN(3), Want: junk,
		Scratch: t.TempDir(), AtLeastOnce: atLeastOnce,
		Start:   func(context.Context) (dispatch.Worker, error) { return worker{}, nil },
		Metrics: func() *metrics.Set { return metrics.New(prometheus.NewRegistry()) },
		Results: []string{simtest.DeadLetters},
	}
	for topic, results := range want {
		config.Results = append(config.Results, topic)
		config.Want += len(results)
	}
	slices.Sort(config.Results)
	if *oneSeed >= 0 {
		config.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	synctest.Test(t, func(t *testing.T) {
		world := simtest.New(seed, config)
		if err := world.Run(); err != nil {
			t.Error(err)
		}
		for topic, want := range want {
			var got []string
			for _, r := range world.Results(topic) {
				got = append(got, app.read(t, r.Value))
			}
			got, want = sorted(got, app.ordered), sorted(want, app.ordered)
			if atLeastOnce {
				got = slices.Compact(got)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s", topic, difference(got, want))
			}
		}
		if n := len(world.Results(simtest.DeadLetters)); n != junk && (!atLeastOnce || n < junk) {
			t.Errorf("%d dead letters of %d", n, junk)
		}
		if t.Failed() {
			for _, line := range world.Trace(lines()) {
				t.Log(line)
			}
			t.Logf("seed %d: go test -run TestCrashesChangeNoResult ./engine/simtest -seed %d", seed, seed)
		}
		trace, trouble = world.Trace(all), world.Count
		trouble["results"] = config.Want
	})
	return trace, trouble
}

// all is more lines than there are.
const all = 1 << 30

func lines() int {
	if *oneSeed >= 0 {
		return all
	}
	return 40
}

func difference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("%d results of %d; number %d is %s, want %s", len(got), len(want), i, got[i], want[i])
		}
	}
	return fmt.Sprintf("%d results of %d", len(got), len(want))
}
