package progress

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Counts is where a run stands.
type Counts struct {
	In       int64
	Out      int64
	Dead     int64
	Skipped  int64
	Nulls    int64
	Restarts int64
	// Behind is the number of records that wait in the topics; -1 if it is not known.
	Behind int64
}

// Read reads the counters of engine/metrics. What was written to the sink called deadLetters counts as dead only.
func Read(metrics prometheus.Gatherer, deadLetters string) (Counts, error) {
	families, err := metrics.Gather()
	if err != nil {
		return Counts{}, fmt.Errorf("reading the counters: %w", err)
	}
	counts := Counts{Behind: -1}
	for _, family := range families {
		switch family.GetName() {
		case "pyudf_records_in_total":
			counts.In = sum(family, "")
		case "pyudf_records_out_total":
			counts.Out = sum(family, deadLetters)
		case "pyudf_records_dead_total":
			counts.Dead = sum(family, "")
		case "pyudf_skipped_rows_total":
			counts.Skipped = sum(family, "")
		case "pyudf_null_results_total":
			counts.Nulls = sum(family, "")
		case "pyudf_worker_restarts_total":
			counts.Restarts = sum(family, "")
		case "pyudf_lag_records":
			counts.Behind = sum(family, "")
		}
	}
	return counts, nil
}

// sum adds the values of a family but for those with a label of the given value.
func sum(family *dto.MetricFamily, without string) int64 {
	total := 0.0
	for _, metric := range family.GetMetric() {
		if without == "" || !hasLabel(metric, without) {
			total += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	return int64(total)
}

func hasLabel(metric *dto.Metric, value string) bool {
	for _, label := range metric.GetLabel() {
		if label.GetValue() == value {
			return true
		}
	}
	return false
}
