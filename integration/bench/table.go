package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// result is all that was measured of a contender.
type result struct {
	contender contender
	measured  []measurement
}

// sorted are the times in seconds, fastest first.
func (r result) sorted() []float64 {
	return r.each(func(m measurement) float64 { return m.took.Seconds() })
}

func (r result) median() float64 { return middle(r.sorted()) }

// appended is the median of the times until the last record was in the topic, in seconds.
func (r result) appended() float64 {
	return middle(r.each(func(m measurement) float64 { return m.appended.Seconds() }))
}

// each is something of each run, smallest first.
func (r result) each(of func(m measurement) float64) []float64 {
	var all []float64
	for _, m := range r.measured {
		all = append(all, of(m))
	}
	slices.Sort(all)
	return all
}

// middle is the median.
func middle(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// budget says what a measure may be at most, and whether it is over that; nothing if most is 0.
func budget(is, most float64) string {
	switch {
	case most == 0:
		return ""
	case is > most:
		return fmt.Sprintf("%g, OVER", most)
	}
	return fmt.Sprintf("%g", most)
}

// memory is the largest of all runs.
func (r result) memory() memory {
	largest := slices.MaxFunc(r.measured, func(a, b measurement) int {
		return cmp.Compare(a.memory.engine+a.memory.worker, b.memory.engine+b.memory.worker)
	})
	return largest.memory
}

func printThroughput(w io.Writer, results []result, records int) {
	fastest, slowest := medianOf(results, limit), medianOf(results, floor)
	fmt.Fprintf(w, "\nHeat index of %d readings on a real Kafka, from cold start to the last record:\n\n", records)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, fmt.Sprintf("%-24s", "contender")+"\tseconds\tmin - max\trecords/s\tx limit\tx loop\tpeak MB\t")
	for _, r := range results {
		times := r.sorted()
		fmt.Fprintf(table, "%-24s\t%.2f\t%.2f - %.2f\t%.0f\t%.2f\t%.2f\t%s\t\n", r.contender.title, r.median(),
			times[0], times[len(times)-1], float64(records)/r.median(), r.median()/fastest, slowest/r.median(), r.memory())
	}
	_ = table.Flush()
	fmt.Fprintf(w, `
seconds   the median of %d runs
x limit   the time as a multiple of the limit's
x loop    how many times as fast as the bare loop
peak MB   the most memory at any time: the process, plus its worker
`, len(results[0].measured))
}

func printWindows(w io.Writer, task task, results []result, g goal) {
	slowest := medianOf(results, task.loop.name)
	fmt.Fprintf(w, "\n%s: %d results are right, with %d readings inside:\n\n", task.title, g.records, g.inside)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, fmt.Sprintf("%-24s", "contender")+"\tseconds\tmin - max\tx loop\tpeak MB\tinside\t")
	for _, r := range results {
		times := r.sorted()
		fmt.Fprintf(table, "%-24s\t%.2f\t%.2f - %.2f\t%.2f\t%s\t%s\t\n", r.contender.title, r.median(),
			times[0], times[len(times)-1], slowest/r.median(), r.memory(), r.inside(g))
	}
	_ = table.Flush()
}

// inside says how many readings the results of each run held.
func (r result) inside(g goal) string {
	for _, m := range r.measured {
		if m.inside != g.inside {
			return fmt.Sprintf("%d, WRONG", m.inside)
		}
	}
	return "all"
}

func medianOf(results []result, name string) float64 {
	at := slices.IndexFunc(results, func(r result) bool { return r.contender.name == name })
	return results[at].median()
}

func printLatency(w io.Writer, delays []delay) {
	fmt.Fprint(w, "\nLatency of a reading at a steady rate, from when the broker has it until others can read what came of it:\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, fmt.Sprintf("%-36s", "contender")+"\trecords/s\tp50 ms\tp99 ms\tbudget\tmax ms\t")
	for _, d := range delays {
		fmt.Fprintf(table, "%-36s\t%d\t%d\t%d\t%s\t%d\t\n", d.contender.title, d.rate, d.p50, d.p99,
			budget(float64(d.p99), d.budget), d.most)
	}
	_ = table.Flush()
	fmt.Fprint(w, `
budget    what p99 may be, in ms
A reading counts as written when the broker has it; with exactly-once, when a reader of committed records is given it.
`)
}
