package progress

import (
	"fmt"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Counts is where a run stands.
type Counts struct {
	In int64
	// Out is what went to where the app writes its results; with windows it has little to do with In.
	Out  int64
	Dead int64
	// Late counts records that came after all their windows were closed, once for each step with windows.
	Late     int64
	Skipped  int64
	Nulls    int64
	Restarts int64
	// Behind is the number of records that wait in the topics; -1 if it is not known.
	Behind int64
}

// Read reads the counters of engine/metrics. Only what was handed to the sinks called results counts as out: neither dead
// letters and late records, nor what the engine passes on from stage to stage.
func Read(metrics prometheus.Gatherer, results []string) (Counts, error) {
	families, err := metrics.Gather()
	if err != nil {
		return Counts{}, fmt.Errorf("reading the counters: %w", err)
	}
	counts := Counts{Behind: -1}
	into := map[string]*int64{
		"pyudf_records_in_total":      &counts.In,
		"pyudf_records_dead_total":    &counts.Dead,
		"pyudf_records_late_total":    &counts.Late,
		"pyudf_skipped_rows_total":    &counts.Skipped,
		"pyudf_null_results_total":    &counts.Nulls,
		"pyudf_worker_restarts_total": &counts.Restarts,
		"pyudf_lag_records":           &counts.Behind,
	}
	for _, family := range families {
		if family.GetName() == "pyudf_records_out_total" {
			counts.Out = sum(family, func(metric *dto.Metric) bool { return isOf(metric, results) })
		} else if count := into[family.GetName()]; count != nil {
			*count = sum(family, func(*dto.Metric) bool { return true })
		}
	}
	return counts, nil
}

// sum adds the values of some metrics of a family.
func sum(family *dto.MetricFamily, wanted func(*dto.Metric) bool) int64 {
	total := 0.0
	for _, metric := range family.GetMetric() {
		if wanted(metric) {
			total += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	return int64(total)
}

func isOf(metric *dto.Metric, sinks []string) bool {
	return slices.ContainsFunc(metric.GetLabel(), func(label *dto.LabelPair) bool { return slices.Contains(sinks, label.GetValue()) })
}
