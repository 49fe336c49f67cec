package pebblestate

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

func (r *Root) options(dir string) *pebble.Options {
	options := &pebble.Options{
		FS:        logDisk{r.config.disk},
		Cache:     r.cache,
		FileCache: r.files,
		Logger:    logger{r.config.Log.With("store", dir)},
		// A later format notes in the log what was synced and takes a log that is shorter for damaged.
		FormatMajorVersion: pebble.FormatColumnarBlocks,
		MemTableSize:       r.config.MemtableBytes,
	}
	for i := range options.Levels {
		// Most keys that a window asks for are not there yet.
		options.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return options
}

// logger says in slog what Pebble says.
type logger struct {
	log *slog.Logger
}

// Infof implements pebble.Logger.
func (l logger) Infof(format string, args ...any) {
	l.log.Debug("state store", "text", fmt.Sprintf(format, args...))
}

// Errorf implements pebble.Logger.
func (l logger) Errorf(format string, args ...any) {
	l.log.Warn("state store", "text", fmt.Sprintf(format, args...))
}

// fatal is why a database cannot go on.
type fatal struct {
	text string
}

// Error implements error.
func (f fatal) Error() string { return f.text }

// Fatalf implements pebble.Logger. It must not return: Apply recovers, and elsewhere the process ends as in a crash, which
// loses nothing.
func (l logger) Fatalf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.log.Error("state store cannot go on", "text", text)
	panic(fatal{text})
}
