package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// tailLines is how many of the last lines are kept to explain the end of a worker.
	tailLines = 10
	// tailWidth is how many bytes of each.
	tailWidth = 500
	// maxMessage is how many bytes of one line are logged.
	maxMessage = 64 << 10
)

// output turns what a worker writes into log records and keeps the last lines. A line may be a record of its own, as
// JSON in the way of hclog: @level, @message, @timestamp, and attributes such as the function.
type output struct {
	logger *slog.Logger

	mu   sync.Mutex
	tail []string // guarded by mu
}

func newOutput(logger *slog.Logger) *output { return &output{logger: logger} }

func (o *output) stdoutLine(line []byte) { o.plain(slog.LevelInfo, "stdout", line) }

func (o *output) stderrLine(line []byte) {
	entry, ok := parseEntry(line)
	if !ok {
		o.plain(slog.LevelWarn, "stderr", line)
		return
	}
	if entry.Level >= slog.LevelInfo {
		o.keep(entry.Message)
	}
	o.log(entry)
}

func (o *output) plain(level slog.Level, stream string, line []byte) {
	text := strings.ToValidUTF8(string(line), "?")
	o.keep(text)
	record := slog.NewRecord(time.Now(), level, text, 0)
	record.AddAttrs(slog.String("stream", stream))
	o.log(record)
}

func (o *output) log(record slog.Record) {
	if o.logger.Enabled(context.Background(), record.Level) {
		record.Message = cut(record.Message, maxMessage)
		_ = o.logger.Handler().Handle(context.Background(), record) // a log that cannot be written has nowhere to say so
	}
}

func (o *output) keep(message string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for line := range strings.SplitSeq(strings.TrimRight(cut(message, tailLines*tailWidth), "\n"), "\n") {
		o.tail = append(o.tail, cut(line, tailWidth))
	}
	if extra := len(o.tail) - tailLines; extra > 0 {
		o.tail = slices.Delete(o.tail, 0, extra)
	}
}

// last returns the last lines, oldest first.
func (o *output) last() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.tail)
}

func cut(text string, size int) string {
	if len(text) <= size {
		return text
	}
	return fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(text[:size], ""), len(text))
}

// parseEntry reads a line of JSON as a log record. Anything else, also JSON of another shape, is none.
func parseEntry(line []byte) (slog.Record, bool) {
	var fields map[string]any
	if line[0] != '{' || json.Unmarshal(line, &fields) != nil {
		return slog.Record{}, false
	}
	message, hasMessage := fields["@message"].(string)
	level, hasLevel := fields["@level"].(string)
	if !hasMessage || !hasLevel {
		return slog.Record{}, false
	}
	record := slog.NewRecord(timeOf(fields["@timestamp"]), levelOf(level), message, 0)
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if !strings.HasPrefix(key, "@") {
			record.AddAttrs(slog.Any(key, fields[key]))
		}
	}
	return record, true
}

func timeOf(field any) time.Time {
	text, _ := field.(string)
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at
	}
	return time.Now()
}

func levelOf(name string) slog.Level {
	switch name {
	case "trace", "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}
