// Package logging owns how log lines look: for people by default, JSON on demand.
//
// It knows nothing of what is logged.
package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options says how to log.
type Options struct {
	// Format is "text" or "json".
	Format string
	// Level is "debug", "info", "warn" or "error".
	Level string
}

// New returns a logger that writes each line with one call of out's Write. Its error names the flag to mend.
func New(out io.Writer, options Options) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(options.Level)); err != nil {
		return nil, fmt.Errorf("--log-level %s: write debug, info, warn or error", options.Level)
	}
	switch options.Format {
	case "text":
		return slog.New(&textHandler{out: out, level: level, lock: &sync.Mutex{}}), nil
	case "json":
		return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level})), nil
	default:
		return nil, fmt.Errorf("--log-format %s: write text or json", options.Format)
	}
}

// textHandler writes `15:04:05 level  message key=value` lines. Further lines of a message or value are indented.
type textHandler struct {
	out   io.Writer
	level slog.Level
	attrs string
	group string
	lock  *sync.Mutex // serialises writes to out, for all handlers that come of one
}

func (h *textHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

func (h *textHandler) Handle(_ context.Context, entry slog.Record) error {
	var line strings.Builder
	at := entry.Time
	if at.IsZero() {
		at = time.Now()
	}
	fmt.Fprintf(&line, "%s %-5s  %s%s", at.Format(time.TimeOnly), levelName(entry.Level), indent(entry.Message), h.attrs)
	entry.Attrs(func(attr slog.Attr) bool {
		appendAttr(&line, h.group, attr)
		return true
	})
	line.WriteByte('\n')
	h.lock.Lock()
	defer h.lock.Unlock()
	_, err := io.WriteString(h.out, line.String())
	return err
}

func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var text strings.Builder
	for _, attr := range attrs {
		appendAttr(&text, h.group, attr)
	}
	with := *h
	with.attrs += text.String()
	return &with
}

func (h *textHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.group += name + "."
	return &with
}

func levelName(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "error"
	case level >= slog.LevelWarn:
		return "warn"
	case level >= slog.LevelInfo:
		return "info"
	default:
		return "debug"
	}
}

func appendAttr(line *strings.Builder, group string, attr slog.Attr) {
	value := attr.Value.Resolve()
	if attr.Equal(slog.Attr{}) {
		return
	}
	if value.Kind() == slog.KindGroup {
		if attr.Key != "" {
			group += attr.Key + "."
		}
		for _, inner := range value.Group() {
			appendAttr(line, group, inner)
		}
		return
	}
	fmt.Fprintf(line, " %s%s=%s", group, attr.Key, quote(value.String()))
}

// quote leaves a value as it is where it can be read back so; a text of several lines stands below, indented.
func quote(value string) string {
	switch {
	case strings.Contains(value, "\n"):
		return indent("\n" + strings.TrimRight(value, "\n"))
	case value == "" || strings.ContainsAny(value, " \t\"="):
		return strconv.Quote(value)
	default:
		return value
	}
}

func indent(text string) string { return strings.ReplaceAll(text, "\n", "\n    ") }
