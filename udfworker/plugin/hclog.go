package plugin

import (
	"context"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// libraryLogger takes go-plugin's own messages, all of them at debug: what a user should know is said elsewhere.
func libraryLogger(logger *slog.Logger) hclog.Logger {
	if !logger.Enabled(context.Background(), slog.LevelDebug) {
		return hclog.NewNullLogger()
	}
	return hclog.New(&hclog.LoggerOptions{
		Name:       "go-plugin",
		Level:      hclog.Debug,
		Output:     debugWriter{newOutput(logger)},
		JSONFormat: true,
	})
}

// debugWriter gets one line of JSON a call.
type debugWriter struct{ output *output }

func (w debugWriter) Write(line []byte) (int, error) {
	if entry, ok := parseEntry(line); ok {
		entry.Level = slog.LevelDebug
		w.output.log(entry)
	}
	return len(line), nil
}
