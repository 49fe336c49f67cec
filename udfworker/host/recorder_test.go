package host_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
)

// recorder keeps log records.
type recorder struct {
	mu      sync.Mutex
	records []slog.Record // guarded by mu
}

func (r *recorder) Enabled(context.Context, slog.Level) bool { return true }

func (r *recorder) Handle(_ context.Context, record slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, record)
	return nil
}

func (r *recorder) WithAttrs([]slog.Attr) slog.Handler { return r }

func (r *recorder) WithGroup(string) slog.Handler { return r }

// count returns how often a text stands in all messages.
func (r *recorder) count(text string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, record := range r.records {
		n += strings.Count(record.Message, text)
	}
	return n
}

// function returns the attribute of the record with the message.
func (r *recorder) function(message string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := ""
	for _, record := range r.records {
		if record.Message != message {
			continue
		}
		record.Attrs(func(a slog.Attr) bool {
			if a.Key == "function" {
				found = a.Value.String()
			}
			return true
		})
	}
	return found
}
