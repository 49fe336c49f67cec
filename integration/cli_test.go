package integration_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// features is a function of a file without pyudf.
func features() string { return filepath.Join("testdata", "apps", "features.py") + ":celsius" }

func temperatures() []kafkatest.Record {
	return []kafkatest.Record{
		{Key: []byte("a"), Value: []byte(`{"temp_f":50}`)},
		{Key: []byte("b"), Value: []byte(`{"temp_f":212}`)},
		{Key: []byte("c"), Value: []byte(`{"temp_f":-2000}`)},
		{Key: []byte("d"), Value: []byte(`{"temp_f":null}`)},
	}
}

// entry is a log line of --log-format json.
type entry struct {
	Level    string
	Msg      string
	Function string
	How      string
	In       *int
	Out      int
	Dead     int
	Nulls    int
}

func entries(t *testing.T, text string) []entry {
	t.Helper()
	var all []entry
	for line := range strings.Lines(text) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Errorf("a log line that is no JSON: %s", line)
		}
		all = append(all, e)
	}
	return all
}

func find(entries []entry, is func(entry) bool) *entry {
	for _, e := range entries {
		if is(e) {
			return &e
		}
	}
	return nil
}

func TestAFunctionWithoutAnAppRunsOnAStreamAndItsPrintsAreLogLines(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		in, out := b.Topic(t, 1), kafkatest.Name(t, "out")
		b.Produce(t, in, temperatures()...)
		run := pyudf(t, b, "run", features(), "--from", in, "--to", out, "--column", "temp_c",
			"--group", kafkatest.Name(t, "group"), "--until-end", "--log-format", "json")
		got := values(t, b.ReadAll(t, out))
		for key, want := range map[string]string{"a": `{"temp_f":50,"temp_c":10.0}`, "b": `{"temp_f":212,"temp_c":100.0}`, "d": `{"temp_f":null,"temp_c":null}`} {
			if compact([]byte(got[key])) != compact([]byte(want)) {
				t.Errorf("%s is %q, want %s", key, got[key], want)
			}
		}
		logged := entries(t, run.err.String())
		if find(logged, func(e entry) bool { return e.Msg == "boiling" && e.Function == "celsius" && e.Level == "INFO" }) == nil {
			t.Errorf("what celsius printed is no log line:\n%s", run.err)
		}
		end := find(logged, func(e entry) bool { return e.Msg == "finished" })
		if end == nil || end.How != "done" || end.In == nil || *end.In != 4 || end.Out != 3 || end.Dead != 1 || end.Nulls != 1 {
			t.Errorf("the run ended with %+v:\n%s", end, run.err)
		}
	})
}

func TestPlanSaysWhatARunWouldDoInFourFormats(t *testing.T) {
	plan := func(format string) string {
		return start(t, nil, env{"PYUDF_BROKERS": "127.0.0.1:1"}, "plan", heatFile(t), "--format", format).succeed(t).out.String()
	}
	contains(t, "the text", plan("text"), "weather", "heat_index", "temp_f", "rh", "heat.dlq")
	var graph map[string]any
	if err := json.Unmarshal([]byte(plan("json")), &graph); err != nil || len(graph) == 0 {
		t.Errorf("the JSON: %v", err)
	}
	dot := plan("dot")
	contains(t, "the graph", dot, "digraph", "heat_index", "->")
	svg := plan("svg")
	contains(t, "the drawing", svg, "<svg", "heat_index")
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the drawing is no XML: %v", err)
		}
	}
}

func TestTailShowsResultsAndDeadLettersWithTheirReasons(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		s := newStream(t, b, "faults.py", 1)
		s.produce(t, `{"x":1}`, `{"x":2,"do":"raise"}`)
		s.run(t)
		contains(t, "tail", pyudf(t, b, "tail", s.out).out.String(), `{"x":1,"y":2`)
		contains(t, "tail of dead letters", pyudf(t, b, "tail", s.app+".dlq").out.String(), "raised", "no 2 today", "raise ValueError")
		var line struct {
			Topic   string
			Key     string
			Value   struct{ X, Y float64 }
			Headers map[string]string
		}
		text := pyudf(t, b, "tail", s.out, "--key", "0", "--format", "json").out.String()
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Topic != s.out || line.Key != "0" || line.Value.Y != 2 {
			t.Errorf("got %s (%v)", text, err)
		}
	})
}

func TestMetricsCountWhatHappens(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		s := newStream(t, b, "faults.py", 1)
		s.produce(t, `{"x":0}`, `{"x":1,"do":"raise"}`, `{"x":`, `{"x":null}`, `{"x":4,"do":"exit"}`, `{"x":5}`)
		run := s.start(t, "--metrics-addr", "127.0.0.1:0", "--commit-interval", "100ms", "--pprof")
		eventually(t, "a commit and no lag", func() bool {
			m := run.measured(t)
			lag, known := m[`pyudf_lag_records{partition="0",topic="`+s.in+`"}`]
			return m["pyudf_commits_total"] > 0 && known && lag == 0 && m["pyudf_records_out_total"] == 3
		})
		m := run.measured(t)
		for name, want := range map[string]float64{
			`pyudf_records_in_total{source="` + s.in + `"}`: 6,
			`pyudf_records_out_total{sink="` + s.out + `"}`: 3,
			"pyudf_records_dead_total":                      3,
			`pyudf_null_results_total{function="act"}`:      1,
		} {
			if m[name] != want {
				t.Errorf("%s is %v, want %v", name, m[name], want)
			}
		}
		for _, name := range []string{
			"pyudf_worker_restarts_total", "pyudf_call_rows_count", "pyudf_call_seconds_count", "pyudf_worker_busy_seconds_total",
			"pyudf_step_rows_total", "pyudf_commit_seconds_count", "go_goroutines",
		} {
			if m[name] <= 0 {
				t.Errorf("%s is %v", name, m[name])
			}
		}
		run.stop(t)
	})
}

func TestAWorkerThatWasStartedByHandIsUsedAndLeftAlone(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		s := newStream(t, b, "double.py", 1)
		s.produce(t, `{"x":1}`, `{"x":2}`)
		dir, err := os.MkdirTemp("", "pyudf") //nolint:usetesting // a socket's path must be short
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		socket := filepath.Join(dir, "worker.sock")
		worker := exec.CommandContext(t.Context(), kafkatest.Python(t), "-m", "pyudf.worker", s.file, "--socket", socket)
		worker.Env = os.Environ()
		for key, value := range s.env() {
			worker.Env = append(worker.Env, key+"="+value)
		}
		handshake, err := worker.StdoutPipe()
		if err == nil {
			err = worker.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = worker.Process.Kill(); _ = worker.Wait() }) // it may have ended with the test
		if _, err := handshake.Read(make([]byte, 1)); err != nil {         // it listens
			t.Fatal(err)
		}
		for _, group := range []string{"one", "two"} {
			run := pyudf(t, b, "run", "--attach", socket, "--until-end", "--group", kafkatest.Name(t, group))
			contains(t, "the end", run.err.String(), "2 records in, 2 out, 0 dead letters")
		}
		if got := len(s.results(t)); got != 4 {
			t.Errorf("%d results of two runs, want 4", got)
		}
	})
}
