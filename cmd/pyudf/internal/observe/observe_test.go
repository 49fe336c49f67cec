package observe_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/observe"
	"github.com/pyudf/pyudf/engine/metrics"
)

func start(t *testing.T, profiles bool) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	metrics.New(registry).RecordsIn.WithLabelValues("weather").Add(7)
	server, err := observe.Start(t.Context(), observe.Config{
		Addr: "127.0.0.1:0", Metrics: registry, Profiles: profiles, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return "http://" + server.Addr()
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestMetricsAreServedAsPrometheusReadsThem(t *testing.T) {
	status, body := get(t, start(t, false)+"/metrics")
	if status != http.StatusOK || !strings.Contains(body, `pyudf_records_in_total{source="weather"} 7`) {
		t.Fatalf("got %d\n%s", status, body)
	}
}

func TestProfilesAreServedOnlyIfAskedFor(t *testing.T) {
	const path = "/debug/pprof/goroutine?debug=1"
	if status, _ := get(t, start(t, false)+path); status != http.StatusNotFound {
		t.Errorf("without being asked for: got %d, want 404", status)
	}
	if status, body := get(t, start(t, true)+path); status != http.StatusOK || !strings.Contains(body, "goroutine profile") {
		t.Errorf("asked for: got %d\n%s", status, body)
	}
}

func TestATakenAddressNamesTheFlag(t *testing.T) {
	taken := strings.TrimPrefix(start(t, false), "http://")
	_, err := observe.Start(t.Context(), observe.Config{Addr: taken, Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.HasPrefix(err.Error(), "--metrics-addr "+taken+": ") {
		t.Fatalf("got %v", err)
	}
}
