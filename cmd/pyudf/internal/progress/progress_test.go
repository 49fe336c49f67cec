package progress_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/progress"
	"github.com/pyudf/pyudf/engine/metrics"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew") //nolint:gochecknoglobals // a flag

func TestLinesAndSummariesAreTheGoldenOnes(t *testing.T) {
	var got strings.Builder
	for _, state := range []progress.State{
		{Counts: progress.Counts{Behind: -1}},
		{Counts: progress.Counts{In: 26115, Out: 26115, Nulls: 1}, Rate: 130575.9, Elapsed: 200 * time.Millisecond},
		{Counts: progress.Counts{In: 1234567, Out: 999, Dead: 1, Behind: 12034}, Rate: 412345, Elapsed: 42 * time.Second},
		{Counts: progress.Counts{In: 1000, Out: 12, Late: 4, Restarts: 2}, Rate: 100, Elapsed: 10 * time.Second},
		{Counts: progress.Counts{In: 7, Out: 1, Dead: 3, Skipped: 2, Nulls: 5, Restarts: 1, Behind: 0}, Rate: 0.5, Elapsed: time.Hour + 2*time.Minute + 3*time.Second},
	} {
		fmt.Fprintf(&got, "%s\n%s\n\n", state.Line(), state.Summary())
	}
	const golden = "testdata/lines.golden"
	if *rewrite {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Fatalf("%s differs (-rewrite writes it anew); got\n%s", golden, got.String())
	}
}

func TestCountsAreThoseOfTheEngine(t *testing.T) {
	registry := prometheus.NewRegistry()
	set := metrics.New(registry)
	set.RecordsIn.WithLabelValues("weather").Add(3)
	set.RecordsIn.WithLabelValues("buoys").Add(4)
	set.RecordsOut.WithLabelValues("heat").Add(5)
	set.RecordsOut.WithLabelValues("hot.jsonl").Add(1)
	set.RecordsOut.WithLabelValues("heat.dlq").Add(2)
	set.RecordsOut.WithLabelValues("heat.late").Add(2)
	set.RecordsOut.WithLabelValues("key_by-1").Add(30)
	set.RecordsLate.WithLabelValues("agg(n)").Add(2)
	set.RecordsDead.WithLabelValues("with_columns(x)", "raised").Add(2)
	set.Skipped.WithLabelValues("f").Add(1)
	set.NullResults.WithLabelValues("f").Add(6)
	set.WorkerRestarts.Inc()
	results := []string{"heat", "hot.jsonl"}
	got, err := progress.Read(registry, results)
	want := progress.Counts{In: 7, Out: 6, Dead: 2, Late: 2, Skipped: 1, Nulls: 6, Restarts: 1, Behind: -1}
	if err != nil || got != want {
		t.Fatalf("got %+v (%v), want %+v", got, err, want)
	}
	set.Lag.WithLabelValues("weather", "0").Set(10)
	set.Lag.WithLabelValues("weather", "1").Set(1)
	if got, err = progress.Read(registry, results); err != nil || got.Behind != 11 {
		t.Fatalf("got %+v (%v), want 11 behind", got, err)
	}
}

func TestLateRecordsAreManyFromOneInAHundredOn(t *testing.T) {
	for late, want := range map[int64]bool{0: false, 10: false, 11: true} {
		if state := (progress.State{Counts: progress.Counts{In: 1000, Late: late}}); state.OftenLate() != want {
			t.Errorf("%d of 1000: got %t", late, !want)
		}
	}
}

// run is a reporter driven by hand.
type run struct {
	reporter *progress.Reporter
	feed     chan progress.Counts
	last     progress.Counts
	start    time.Time
	ticks    chan time.Time
	done     chan error
	cancel   context.CancelFunc
}

func start(t *testing.T, reporter *progress.Reporter) *run {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &run{reporter: reporter, feed: make(chan progress.Counts, 1), start: time.Unix(0, 0), ticks: make(chan time.Time), done: make(chan error, 1), cancel: cancel}
	if reporter.View.Line == nil {
		reporter.View = progress.OfRun()
	}
	reporter.Read = func() (progress.Counts, error) { return <-r.feed, nil }
	reporter.Width = func() int { return 40 }
	reporter.Start(r.start)
	go func() { r.done <- reporter.Follow(ctx, r.ticks) }()
	return r
}

// at lets the run stand at counts after the given time.
func (r *run) at(after time.Duration, counts progress.Counts) {
	r.last = counts
	r.feed <- counts
	r.ticks <- r.start.Add(after)
}

func (r *run) finish(t *testing.T, after time.Duration) progress.State {
	t.Helper()
	r.cancel()
	if err := <-r.done; err != nil {
		t.Fatal(err)
	}
	r.feed <- r.last
	state, err := r.reporter.Finish(r.start.Add(after))
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// plain drops what changes from run to run.
func plain(out *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
		if attr.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return attr
	}}))
}

func TestAPipeGetsALineOnlyWhenSomethingChanged(t *testing.T) {
	var out bytes.Buffer
	r := start(t, &progress.Reporter{Logger: plain(&out)})
	r.at(time.Second, progress.Counts{In: 1000, Out: 990, Behind: 5})
	r.at(2*time.Second, progress.Counts{In: 1000, Out: 990, Behind: 5})
	r.at(3*time.Second, progress.Counts{In: 4000, Out: 4000, Behind: 0})
	state := r.finish(t, 4*time.Second)
	want := `level=INFO msg="1,000 in  990 out  0 dead  1,000/s  5 behind  0:01"` + "\n" +
		`level=INFO msg="4,000 in  4,000 out  0 dead  1,500/s  0 behind  0:03"` + "\n"
	if out.String() != want {
		t.Fatalf("got\n%swant\n%s", out.String(), want)
	}
	if state.In != 4000 || state.Elapsed != 4*time.Second || state.Rate != 1000 {
		t.Fatalf("the last state is %+v", state)
	}
}

func TestAStructuredLogGetsNumbers(t *testing.T) {
	var out bytes.Buffer
	r := start(t, &progress.Reporter{Logger: plain(&out), Structured: true})
	r.at(500*time.Millisecond, progress.Counts{In: 10, Out: 9, Dead: 1, Behind: -1})
	r.finish(t, time.Second)
	want := "level=INFO msg=progress in=10 out=9 dead=1 late=0 skipped=0 nulls=0 restarts=0 behind=-1 rate=20 elapsed_ms=500\n"
	if out.String() != want {
		t.Fatalf("got\n%swant\n%s", out.String(), want)
	}
}

func TestSendingShowsWhatWasSent(t *testing.T) {
	var out bytes.Buffer
	r := start(t, &progress.Reporter{View: progress.OfSending(), Logger: plain(&out)})
	r.at(2*time.Second, progress.Counts{In: 3000})
	state := r.finish(t, 3*time.Second)
	if want := `level=INFO msg="3,000 sent  1,500/s  0:02"` + "\n"; out.String() != want {
		t.Errorf("got %s, want %s", out.String(), want)
	}
	if got, want := state.Sent("weather"), "3,000 records sent to weather; 3.0 s, 1,000 records/s"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	out.Reset()
	r = start(t, &progress.Reporter{View: progress.OfSending(), Logger: plain(&out), Structured: true})
	r.at(2*time.Second, progress.Counts{In: 3000})
	r.finish(t, 3*time.Second)
	if want := "level=INFO msg=progress sent=3000 rate=1500 elapsed_ms=2000\n"; out.String() != want {
		t.Errorf("got %s, want %s", out.String(), want)
	}
}

func TestATerminalKeepsOneLineBelowTheLog(t *testing.T) {
	var out bytes.Buffer
	screen := progress.NewScreen(&out)
	r := start(t, &progress.Reporter{Screen: screen})
	if _, err := screen.Write([]byte("before\n")); err != nil {
		t.Fatal(err)
	}
	r.at(time.Second, progress.Counts{In: 10, Out: 10, Behind: 1234567})
	r.finish(t, time.Second)
	const line = "10 in  10 out  0 dead  10/s  1,234,567 b"
	if want := "before\n\r\x1b[K" + line[:39] + "\r\x1b[K"; out.String() != want {
		t.Fatalf("got %q, want %q", out.String(), want)
	}
	out.Reset()
	if err := screen.Show("now", 80); err != nil {
		t.Fatal(err)
	}
	if _, err := screen.Write([]byte("a log line\n")); err != nil {
		t.Fatal(err)
	}
	if want := "\r\x1b[Know\r\x1b[Ka log line\nnow"; out.String() != want {
		t.Fatalf("got %q, want %q", out.String(), want)
	}
}

func TestAFailingReadEndsTheReport(t *testing.T) {
	boom := errors.New("boom")
	reporter := &progress.Reporter{Read: func() (progress.Counts, error) { return progress.Counts{}, boom }}
	ticks := make(chan time.Time, 1)
	ticks <- time.Unix(1, 0)
	reporter.Start(time.Unix(0, 0))
	if err := reporter.Follow(t.Context(), ticks); !errors.Is(err, boom) {
		t.Fatalf("got %v, want boom", err)
	}
}

func TestSizesAreShort(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1 << 10: "1.0 KB", 5 << 19: "2.5 MB", 3 << 30: "3.0 GB"} {
		if got := progress.Bytes(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
