package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

const (
	dayMS   = 86_400_000
	startMS = 1_700_000_000_000
	// quiet is how long a run has nothing more to commit before it counts as settled.
	quiet = 3 * time.Second
)

// footprint is what an engine holds at one moment, in MB.
type footprint struct {
	when           string
	resident, disk int
}

// keptState shows what an open window for each of many keys costs, and what is left when all are closed.
func keptState(ctx context.Context, stage *stage, o options) error {
	if !o.has("state") {
		return nil
	}
	fmt.Printf("State: an open window for each of %d keys ...\n", o.records)
	k := &keeper{stage: stage, keys: o.records, dir: filepath.Join(stage.dir, "kept")}
	shown, err := k.run(ctx)
	if err == nil {
		printState(shown, o.records)
	}
	return err
}

// keeper is a run of pyudf whose state is looked at.
type keeper struct {
	*running

	stage   *stage
	keys    int
	dir     string
	metrics string
}

func (k *keeper) run(ctx context.Context) ([]footprint, error) {
	in, out, err := k.stage.delayTopics(ctx, "state")
	if err != nil {
		return nil, err
	}
	if err := k.fill(in); err != nil {
		return nil, err
	}
	if err := k.start(ctx, in, out); err != nil {
		return nil, err
	}
	defer k.stop()
	if err := k.settle(ctx, k.keys); err != nil {
		return nil, err
	}
	shown := []footprint{k.look("all windows open")}
	if err := k.close(in); err != nil {
		return nil, err
	}
	if _, err := k.stage.await(ctx, k.running, out, int64(k.keys)); err != nil {
		return nil, err
	}
	if err := k.settle(ctx, k.keys+partitions); err != nil {
		return nil, err
	}
	shown = append(shown, k.look("all windows closed"))
	k.stop()
	return append(shown, footprint{"stopped", 0, sizeOf(k.dir)}), k.stage.remove(ctx, out)
}

func (k *keeper) start(ctx context.Context, in, out string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("find a free port: %w", err)
	}
	k.metrics = listener.Addr().String()
	if err := listener.Close(); err != nil {
		return fmt.Errorf("free the port: %w", err)
	}
	app := contender{"state", "pyudf", ours("state.py", "--state-dir", k.dir, "--commit-interval", "1s", "--metrics-addr", k.metrics)}
	k.running, err = k.stage.launch(ctx, app, in, out)
	return err
}

// fill puts a reading of each station into a topic.
func (k *keeper) fill(topic string) error {
	return k.stage.produce(topic, k.keys, func(i int) (int32, string, string) {
		station := fmt.Sprintf("st-%07d", i)
		return kafka.PartitionAny, station, dated(station, startMS+int64(i))
	})
}

// close ends the day in all partitions.
func (k *keeper) close(topic string) error {
	return k.stage.produce(topic, partitions, func(i int) (int32, string, string) {
		return int32(i), "the end", dated("the end", startMS+2*dayMS) //nolint:gosec // few partitions
	})
}

// dated is a reading of a station at a moment.
func dated(station string, ts int64) string {
	return fmt.Sprintf(`{"station": %q, "region": "r-1", "ts": %d, "temp_f": 90.5, "rh": 60.5}`, station, ts)
}

// settle returns when so many readings are in and nothing more is committed.
func (k *keeper) settle(ctx context.Context, records int) error {
	ticker := time.NewTicker(4 * tick)
	defer ticker.Stop()
	var commits float64
	var since time.Time
	for began := time.Now(); ; {
		in, now, err := k.measured(ctx)
		if err == nil && (int(in) < records || now != commits || now == 0) {
			commits, since = now, time.Now()
		}
		if !since.IsZero() && time.Since(since) > quiet {
			return nil
		}
		if time.Since(began) > 2*stall {
			return fmt.Errorf("%d of %d readings are in and nothing is settled; see %s (%w)", int(in), records, k.log, err)
		}
		select {
		case <-ticker.C:
		case <-k.ended:
			return errors.New("the run has ended; see " + k.log)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// measured asks the engine for how many readings it took in, and how often it committed.
func (k *keeper) measured(ctx context.Context) (in, commits float64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+k.metrics+"/metrics", http.NoBody)
	if err != nil {
		return 0, 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(response.Body)
	for line := range strings.Lines(string(text)) {
		value, _ := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndex(line, " ")+1:]), 64)
		switch {
		case strings.HasPrefix(line, "pyudf_records_in_total"):
			in += value
		case strings.HasPrefix(line, "pyudf_commits_total"):
			commits += value
		}
	}
	return in, commits, err
}

func (k *keeper) look(when string) footprint {
	return footprint{when, statusOf(k.cmd.Process.Pid, "VmRSS:"), sizeOf(k.dir)}
}

// sizeOf is how much the files below a directory hold, in MB.
func sizeOf(dir string) int {
	var bytes int64
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // a file that is deleted meanwhile holds nothing
		}
		if info, err := entry.Info(); err == nil && !entry.IsDir() {
			bytes += info.Size()
		}
		return nil
	})
	return int(bytes >> 20)
}

func printState(shown []footprint, keys int) {
	fmt.Printf("\nState of %d keys with a window each, count and mean:\n\n", keys)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, fmt.Sprintf("%-24s", "when")+"\tresident MB\tdisk MB\t")
	for _, f := range shown {
		fmt.Fprintf(table, "%-24s\t%d\t%d\t\n", f.when, f.resident, f.disk)
	}
	_ = table.Flush()
}
