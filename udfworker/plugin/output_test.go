package plugin

import (
	"bytes"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"testing"
)

func TestALineOfStderrBecomesARecord(t *testing.T) {
	for line, want := range map[string]string{
		`{"@level":"info","@message":"hello","function":"heat_index","@module":"x"}`: "level=INFO msg=hello function=heat_index",
		`{"@level":"warn","@message":"careful"}`:                                     "level=WARN msg=careful",
		`{"@level":"error","@message":"no","b":1,"a":"x"}`:                           "level=ERROR msg=no a=x b=1",
		`{"@level":"debug","@message":"detail"}`:                                     "level=DEBUG msg=detail",
		`{"@level":"loud","@message":"unknown level"}`:                               `level=INFO msg="unknown level"`,
		`Segmentation fault`:                                                         `level=WARN msg="Segmentation fault" stream=stderr`,
		`{"@level":1,"@message":"x"}`:                                                `level=WARN msg="{\"@level\":1,\"@message\":\"x\"}" stream=stderr`,
		`{"@level":"info","@message":7}`:                                             `level=WARN msg="{\"@level\":\"info\",\"@message\":7}" stream=stderr`,
		`{"temp":96}`:                                                                `level=WARN msg="{\"temp\":96}" stream=stderr`,
		`{`:                                                                          `level=WARN msg={ stream=stderr`,
		"not \xff UTF-8":                                                             `level=WARN msg="not ? UTF-8" stream=stderr`,
	} {
		var log bytes.Buffer
		newOutput(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{
			Level: slog.LevelDebug,
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			},
		}))).stderrLine([]byte(line))
		if got := strings.TrimSpace(log.String()); got != want {
			t.Errorf("%s\n got  %s\n want %s", line, got, want)
		}
	}
}

func TestARecordKeepsTheTimeThatTheWorkerGave(t *testing.T) {
	entry, ok := parseEntry([]byte(`{"@level":"info","@message":"x","@timestamp":"2013-07-04T12:00:00.000001Z"}`))
	if !ok || entry.Time.UnixMicro() != 1372939200000001 {
		t.Errorf("got %v, %t", entry.Time, ok)
	}
}

func TestTheLastTenLinesAreKeptEachCutShort(t *testing.T) {
	o := newOutput(slog.New(slog.DiscardHandler))
	for i := range 20 {
		o.stderrLine([]byte("line " + strconv.Itoa(i)))
	}
	o.stderrLine([]byte(`{"@level":"debug","@message":"not worth keeping"}`))
	o.stderrLine([]byte(`{"@level":"error","@message":"two\nlines\n"}`))
	o.stdoutLine([]byte(strings.Repeat("x", 1000)))
	got := o.last()
	if len(got) != 10 || got[0] != "line 13" || got[8] != "lines" || got[9] != strings.Repeat("x", 500)+"... (1000 bytes)" {
		t.Errorf("got %q", got)
	}
}

func TestEveryLineIsReadHoweverLong(t *testing.T) {
	var got []int
	text := "a\n\nbb\r\n" + strings.Repeat("x", maxLine+1) + "\n" + strings.Repeat("y", 70<<10)
	eachLine(io.NopCloser(strings.NewReader(text)), func(line []byte) { got = append(got, len(line)) })
	want := []int{1, 2, maxLine, 70 << 10}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d has %d bytes, want %d", i, got[i], want[i])
		}
	}
}
