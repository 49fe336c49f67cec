// Command bench measures pyudf on a real Kafka beside a bare Python loop and beside a Go program that copies records
// unread, in one run on one machine, and prints one table. `make bench` builds what it needs and runs it.
//
// The clock of the throughput runs goes from the start of the contender's process until a reader of committed records can
// have every record of the output topic, asked every 50 ms; contenders take turns, there and back. Tasks with windows are
// over when the topic holds every window that the input closes; the readings inside are counted, so that it shows if any
// was lost. Latency is the time at which a record of the output can be read less the time at which the reading was
// produced. Recovery is the time from the start of a process, after its predecessor with much state was killed, until
// the first record that it wrote can be read.
package main

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

// options are what the command line says.
type options struct {
	runs, records int
	// keys are how many have state in the part recovery.
	keys int
	// only is a contender of the map task; part what to measure. Empty: all.
	only, part string
}

func parse() options {
	var o options
	flag.IntVar(&o.runs, "runs", 3, "how often each contender runs; the table shows medians")
	flag.IntVar(&o.records, "records", 1_000_000, "how many readings a run has")
	flag.StringVar(&o.only, "only", "", "a contender of map to measure alone, beside the limit and the bare loop; empty: all")
	flag.StringVar(&o.part, "part", "", "what to measure: map, latency, win, rekey, session, agg, state, eos, recovery or replay; empty: all")
	flag.IntVar(&o.keys, "recovery-keys", 10_000_000, "how many keys have state when a process is killed")
	flag.Parse()
	return o
}

// has tells whether a part is to be measured.
func (o options) has(part string) bool { return o.part == "" || o.part == part }

func run(ctx context.Context) error {
	o := parse()
	if err := replay(ctx, o); err != nil || o.part == "replay" {
		return err
	}
	opened, err := openStage(ctx)
	if err != nil {
		return err
	}
	defer opened.close()
	if o.part != "latency" && o.part != "state" && o.part != "recovery" {
		fmt.Printf("Producing %d readings ...\n", o.records)
		if err := opened.load(ctx, o.records); err != nil {
			return err
		}
	}
	for _, part := range []func(context.Context, *stage, options) error{throughput, latency, windows, keptState, guarantees, recovery} {
		if err := part(ctx, opened, o); err != nil {
			return err
		}
	}
	return nil
}

func throughput(ctx context.Context, stage *stage, o options) error {
	if !o.has("map") {
		return nil
	}
	results, err := race(ctx, stage, turns{field(o.only), o.runs, goal{records: int64(o.records)}})
	if err == nil {
		printThroughput(os.Stdout, results, o.records)
	}
	return err
}

func latency(ctx context.Context, stage *stage, o options) error {
	if !o.has("latency") {
		return nil
	}
	delays, err := delays(ctx, stage)
	if err == nil {
		printLatency(os.Stdout, delays)
	}
	return err
}

// windows measures the tasks with windows.
func windows(ctx context.Context, stage *stage, o options) error {
	var readings *census
	for _, task := range tasks {
		if !o.has(task.name) {
			continue
		}
		if readings == nil {
			var err error
			if readings, err = stage.takeCensus(ctx); err != nil {
				return err
			}
		}
		goal := task.goal(readings)
		results, err := race(ctx, stage, turns{[]contender{task.ours, task.loop}, o.runs, goal})
		if err != nil {
			return err
		}
		printWindows(os.Stdout, task, results, goal)
	}
	return nil
}

// turns is who runs, how often, and to which end.
type turns struct {
	field []contender
	runs  int
	goal  goal
}

// race lets the contenders take turns, there and back, so that what the machine does besides hits all of them.
func race(ctx context.Context, stage *stage, turns turns) ([]result, error) {
	results := make([]result, len(turns.field))
	for i, c := range turns.field {
		results[i].contender = c
	}
	for turn := range turns.runs {
		for i := range order(turn, len(results)) {
			fmt.Printf("Run %d of %d: %s ...\n", turn+1, turns.runs, results[i].contender.title)
			m, err := stage.measure(ctx, results[i].contender, turns.goal)
			if err != nil {
				return nil, err
			}
			results[i].measured = append(results[i].measured, m)
		}
	}
	return results, nil
}

// order is who follows whom: in every second turn those who were last are first.
func order(turn, contenders int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range contenders {
			if turn%2 == 1 {
				i = contenders - 1 - i
			}
			if !yield(i) {
				return
			}
		}
	}
}
