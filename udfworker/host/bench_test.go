package host_test

import (
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/pyudf/pyudf/udfworker/host"
)

// BenchmarkPython measures the way of rows to a Python function and back, two calls under way at a time.
func BenchmarkPython(b *testing.B) {
	p, err := host.Start(b.Context(), host.Config{
		Python: python(b), Args: []string{"app.py"}, Dir: "testdata",
		Logger: slog.New(slog.DiscardHandler), StartTimeout: time.Minute,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Kill()
	const rows = 20_000
	values := make([]float64, rows)
	c := call(b, p, "half", floats("", values...).Columns[0])
	var busy time.Duration
	var mu sync.Mutex
	b.ResetTimer()
	start := time.Now()
	calls := make(chan struct{})
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for range calls {
				result, err := p.Run(b.Context(), c)
				if err != nil {
					b.Error(err)
					continue
				}
				mu.Lock()
				busy += result.Busy
				mu.Unlock()
			}
		})
	}
	for range b.N {
		calls <- struct{}{}
	}
	close(calls)
	all.Wait()
	b.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(b.N*rows), "ns/row")
	b.ReportMetric(float64(busy)/float64(time.Since(start))*100, "%busy")
}

// BenchmarkPythonOneRow measures the latency of a call that is not waited for by another.
func BenchmarkPythonOneRow(b *testing.B) {
	p, err := host.Start(b.Context(), host.Config{Python: python(b), Args: []string{"app.py"}, Dir: "testdata"})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Kill()
	c := call(b, p, "half", floats("", 1).Columns[0])
	for b.Loop() {
		if _, err := p.Run(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}
