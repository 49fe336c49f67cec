package logging_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"regexp"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/logging"
)

func logger(t *testing.T, out *bytes.Buffer, options logging.Options) *slog.Logger {
	t.Helper()
	created, err := logging.New(out, options)
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func TestTextLinesReadWell(t *testing.T) {
	var out bytes.Buffer
	log := logger(t, &out, logging.Options{Format: "text", Level: "info"})
	log.Debug("not seen")
	log.Info("the worker answers", "pid", 42, "python", "3.11.9")
	log.With("function", "heat_index").WithGroup("row").Warn("raised", "why", "x = 0", "of", slog.GroupValue(slog.Int("offset", 7)))
	log.Error("stopped", "traceback", "File a.py\n  1 / 0\n", "empty", "")
	clock := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d`)
	got := clock.ReplaceAllString(out.String(), "12:00:00")
	want := `12:00:00 info   the worker answers pid=42 python=3.11.9
12:00:00 warn   raised function=heat_index row.why="x = 0" row.of.offset=7
12:00:00 error  stopped traceback=
    File a.py
      1 / 0 empty=""
`
	if got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

func TestJSONLinesAreJSON(t *testing.T) {
	var out bytes.Buffer
	logger(t, &out, logging.Options{Format: "json", Level: "debug"}).Debug("hello", "n", 1)
	var line struct {
		Level, Msg string
		N          int
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Level != "DEBUG" || line.Msg != "hello" || line.N != 1 {
		t.Fatalf("got %s (%v)", out.Bytes(), err)
	}
}

func TestWrongOptionsNameTheirFlag(t *testing.T) {
	for want, options := range map[string]logging.Options{
		"--log-format xml: write text or json":               {Format: "xml", Level: "info"},
		"--log-level loud: write debug, info, warn or error": {Format: "text", Level: "loud"},
	} {
		_, err := logging.New(&bytes.Buffer{}, options)
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
