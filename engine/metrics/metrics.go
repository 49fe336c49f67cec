// Package metrics owns the counters of a run: what Prometheus reads at --metrics-addr and what the progress line shows.
//
// Every other package of the engine may count here. It knows nothing of how the numbers are shown.
package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Set is the metrics of one run. Create it with New.
type Set struct {
	// RecordsIn counts records taken from a topic or file. Labels: source.
	RecordsIn *prometheus.CounterVec
	// RecordsOut counts records handed to a topic or file. Labels: sink.
	RecordsOut *prometheus.CounterVec
	// RecordsDead counts records that went to the dead-letter topic. Labels: step, reason.
	RecordsDead *prometheus.CounterVec
	// RecordsLate counts records that came after all windows that they belong to were closed. Labels: step.
	RecordsLate *prometheus.CounterVec
	// StepRows counts the rows that a step took in and gave out. Labels: step, direction (in, out).
	StepRows *prometheus.CounterVec
	// NullResults counts rows whose result is null because a parameter was. Labels: function.
	NullResults *prometheus.CounterVec
	// Skipped counts rows left out by on_error="skip". Labels: function.
	Skipped *prometheus.CounterVec
	// Lag is the number of records between the last one processed and the end of the partition. Labels: topic, partition.
	Lag *prometheus.GaugeVec
	// CallRows observes the rows of a call to a worker. Labels: function.
	CallRows *prometheus.HistogramVec
	// CallSeconds observes the time from sending a call to its answer. Labels: function.
	CallSeconds *prometheus.HistogramVec
	// WorkerBusy counts the seconds that workers spent in user code. Labels: function.
	WorkerBusy *prometheus.CounterVec
	// WorkerRestarts counts workers started in the place of one that died or was killed.
	WorkerRestarts prometheus.Counter
	// Commits counts commits of input offsets.
	Commits prometheus.Counter
	// EpochBytes observes what was written between two commits of a source's tasks, the changelog included.
	EpochBytes prometheus.Histogram
	// CommitSeconds observes the time of draining, flushing and committing.
	CommitSeconds prometheus.Histogram
}

// New returns a set whose metrics are registered with registry.
func New(registry prometheus.Registerer) *Set {
	set := &Set{
		RecordsIn:      counters("records_in_total", "Records taken from a topic or file.", "source"),
		RecordsOut:     counters("records_out_total", "Records handed to a topic or file.", "sink"),
		RecordsDead:    counters("records_dead_total", "Records that went to the dead-letter topic.", "step", "reason"),
		RecordsLate:    counters("records_late_total", "Records that came after all their windows were closed.", "step"),
		StepRows:       counters("step_rows_total", "Rows that a step took in and gave out.", "step", "direction"),
		NullResults:    counters("null_results_total", "Rows whose result is null because a parameter was.", "function"),
		Skipped:        counters("skipped_rows_total", "Rows left out by on_error=skip.", "function"),
		Lag:            prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "lag_records", Help: "Records between the last one processed and the end of the partition."}, []string{"topic", "partition"}),
		CallRows:       histograms("call_rows", "Rows of a call to a worker.", prometheus.ExponentialBuckets(1, 4, 8)),
		CallSeconds:    histograms("call_seconds", "Time from sending a call to its answer.", prometheus.ExponentialBuckets(0.0001, 4, 10)),
		WorkerBusy:     counters("worker_busy_seconds_total", "Seconds that workers spent in user code.", "function"),
		WorkerRestarts: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "worker_restarts_total", Help: "Workers started in the place of one that died or was killed."}),
		Commits:        prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "commits_total", Help: "Commits of input offsets."}),
		EpochBytes:     prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: "epoch_bytes", Help: "Bytes written between two commits.", Buckets: prometheus.ExponentialBuckets(1024, 4, 10)}),
		CommitSeconds:  prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: "commit_seconds", Help: "Time of draining, flushing and committing.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 12)}),
	}
	registry.MustRegister(set.RecordsIn, set.RecordsOut, set.RecordsDead, set.RecordsLate, set.StepRows, set.NullResults, set.Skipped, set.Lag,
		set.CallRows, set.CallSeconds, set.WorkerBusy, set.WorkerRestarts, set.Commits, set.EpochBytes, set.CommitSeconds)
	return set
}

// LagOf returns the lag of a partition, as it was counted last.
func (s *Set) LagOf(topic string, partition int32) int64 {
	var now dto.Metric
	if err := s.Lag.WithLabelValues(topic, strconv.Itoa(int(partition))).Write(&now); err != nil {
		return 0
	}
	return int64(now.GetGauge().GetValue())
}

const namespace = "pyudf"

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histograms(name, help string, buckets []float64) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, []string{"function"})
}
