// Command bench measures pyudf on a real Kafka beside a bare Python loop and beside a Go program that copies records
// unread, in one run on one machine, and prints one table. `make bench` builds what it needs and runs it.
//
// The clock of the throughput runs goes from the start of the contender's process until the output topic holds every
// record, asked every 50 ms; contenders take turns. Latency is the broker's append time in the output topic less the
// time at which the reading was produced.
package main

import (
	"context"
	"flag"
	"fmt"
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

func run(ctx context.Context) error {
	runs := flag.Int("runs", 3, "how often each contender runs; the table shows medians")
	records := flag.Int("records", 1_000_000, "how many readings a run has")
	only := flag.String("only", "", "a contender to measure alone, beside the limit and the bare loop; empty: all")
	rates := flag.Bool("latency", true, "measure latency too")
	flag.Parse()
	stage, err := openStage(ctx)
	if err != nil {
		return err
	}
	defer stage.close()
	fmt.Printf("Producing %d readings ...\n", *records)
	if err := stage.load(ctx, *records); err != nil {
		return err
	}
	results, err := race(ctx, stage, turns{field(*only), *runs, *records})
	if err != nil {
		return err
	}
	printThroughput(os.Stdout, results, *records)
	if !*rates {
		return nil
	}
	delays, err := delays(ctx, stage)
	if err != nil {
		return err
	}
	printLatency(os.Stdout, delays)
	return nil
}

// turns is who runs, how often, over how many readings.
type turns struct {
	field         []contender
	runs, records int
}

// race lets the contenders take turns, so that what the machine does besides hits all of them.
func race(ctx context.Context, stage *stage, turns turns) ([]result, error) {
	results := make([]result, len(turns.field))
	for i, c := range turns.field {
		results[i].contender = c
	}
	for turn := range turns.runs {
		for i := range results {
			fmt.Printf("Run %d of %d: %s ...\n", turn+1, turns.runs, results[i].contender.title)
			m, err := stage.measure(ctx, results[i].contender, turns.records)
			if err != nil {
				return nil, err
			}
			results[i].measured = append(results[i].measured, m)
		}
	}
	return results, nil
}
