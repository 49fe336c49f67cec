package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

const (
	// commits is how often everybody commits where guarantees are compared.
	commits = "1s"
	// dearest is what exactly-once may cost: the time until everything is written as a multiple of at-least-once's. That the
	// last record then waits for its commit is no cost of work, and part of the latency.
	dearest = 1.05

	exactlyOnce   = "exactly-once"
	atLeastOnce   = "at-least-once"
	exactlyOnceV2 = "exactly_once_v2"
	atLeastOnceJ  = "at_least_once"
)

// guarantees measures what exactly-once costs on a task without windows and on one with them.
func guarantees(ctx context.Context, stage *stage, o options) error {
	if !o.has("eos") {
		return nil
	}
	readings, err := stage.takeCensus(ctx)
	if err != nil {
		return err
	}
	goals := []struct {
		task, app string
		goal      goal
	}{
		{"map", "scalar.py", goal{records: int64(o.records)}},
		{"win", "win.py", readings.byStation()},
	}
	for _, g := range goals {
		field := append([]contender{
			guaranteed(g.task, g.app, exactlyOnce), guaranteed(g.task, g.app, atLeastOnce),
		}, streamsField(ctx, g.task, exactlyOnceV2, atLeastOnceJ)...)
		results, err := race(ctx, stage, turns{field, o.runs, g.goal})
		if err != nil {
			return err
		}
		printGuarantees(os.Stdout, g.task, results, g.goal)
	}
	return nil
}

func guaranteed(taskName, app, guarantee string) contender {
	return contender{
		taskName + "-" + guarantee, "pyudf, " + guarantee,
		ours(app, "--guarantee", guarantee, "--commit-interval", commits),
	}
}

// printGuarantees takes results in pairs: exactly-once, then at-least-once.
func printGuarantees(w io.Writer, taskName string, results []result, g goal) {
	fmt.Fprintf(w, "\nWhat exactly-once costs on the task %s, with a commit each %s:\n\n", taskName, commits)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, fmt.Sprintf("%-32s", "contender")+"\tseconds\tmin - max\tx at-least-once\tappended\tx at-least-once\tbudget\tinside\tpeak MB\t")
	for i, r := range results {
		without, most := results[i|1], 0.0 // the second of its pair
		if i == 0 {
			most = dearest
		}
		times := r.sorted()
		ratio := r.appended() / without.appended()
		fmt.Fprintf(table, "%-32s\t%.2f\t%.2f - %.2f\t%.2f\t%.2f\t%.2f\t%s\t%s\t%s\t\n", r.contender.title, r.median(),
			times[0], times[len(times)-1], r.median()/without.median(), r.appended(), ratio,
			budget(ratio, most), r.inside(g), r.memory())
	}
	_ = table.Flush()
	fmt.Fprintf(w, `
seconds   from the start until a reader of committed records can have the last one: the median of %d runs
appended  until the last record was in the topic, committed or not
`, len(results[0].measured))
}
