package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/logging"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/progress"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/settings"
)

// kafkaFlags say which cluster to talk to, and how.
type kafkaFlags struct {
	brokers string
	config  string
	pairs   []string
}

func (f *kafkaFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.brokers, "brokers", "", "the brokers, as `HOST:PORT,...` (default $"+settings.BrokersEnv+", else "+settings.DefaultBrokers+")")
	cmd.Flags().StringVar(&f.config, "config", "", "`FILE` of key=value lines with librdkafka settings, such as security.protocol")
	cmd.Flags().StringArrayVarP(&f.pairs, "set", "X", nil, "a librdkafka setting, as `KEY=VALUE`; may be repeated and wins over --config")
}

// parse returns the settings, or all their faults.
func (f *kafkaFlags) parse(w *world) (map[string]string, error) {
	given := settings.Given{Pairs: f.pairs, Brokers: f.brokers, Environment: w.getenv(settings.BrokersEnv)}
	if f.config != "" {
		file, err := os.Open(f.config)
		if err != nil {
			return nil, fmt.Errorf("--config %s: %w", f.config, cause(err))
		}
		defer func() { _ = file.Close() }() // it was only read
		given.File, given.FileName = file, f.config
	}
	return settings.Parse(given)
}

// cause drops the operation and path that an error of package os names: the message around it does.
func cause(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}

// talkFlags say how the program talks while it works.
type talkFlags struct {
	logFormat string
	logLevel  string
	progress  string
}

func (f *talkFlags) addLog(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.logFormat, "log-format", "text", "`FORMAT` of log lines: text or json")
	cmd.Flags().StringVar(&f.logLevel, "log-level", "info", "the least `LEVEL` that is logged: debug, info, warn or error")
}

func (f *talkFlags) add(cmd *cobra.Command) {
	f.addLog(cmd)
	cmd.Flags().StringVar(&f.progress, "progress", "auto", "`WHEN` to show progress: auto (a live line on a terminal, else a line a second), always (the live line) or never")
}

// talk is a logger, and the screen that it shares with the live line, nil without one.
type talk struct {
	logger     *slog.Logger
	screen     *progress.Screen
	silent     bool
	structured bool
}

func (f *talkFlags) open(w *world) (*talk, error) {
	t := &talk{structured: f.logFormat == "json", silent: f.progress == "never"}
	_, terminal := w.terminal()
	out := w.err
	if f.progress == "always" || (f.progress == "auto" && terminal && !t.structured) {
		t.screen = progress.NewScreen(w.err)
		out = t.screen
	}
	var err error
	t.logger, err = logging.New(out, logging.Options{Format: f.logFormat, Level: f.logLevel})
	if f.progress == "" {
		return t, err
	}
	return t, errors.Join(err, oneOf("--progress", f.progress, "auto", "always", "never"))
}

// reporter returns a reporter that shows view as the flags say.
func (t *talk) reporter(w *world, view progress.View, read func() (progress.Counts, error)) *progress.Reporter {
	r := &progress.Reporter{View: view, Read: read, Screen: t.screen, Structured: t.structured}
	r.Width = func() int {
		width, _ := w.terminal()
		return width
	}
	if t.screen == nil && !t.silent {
		r.Logger = t.logger
	}
	return r
}

// ending is how the work of a command came to its end, for people and as numbers.
type ending struct {
	how     string // done or stopped
	summary string
	attrs   []slog.Attr
}

// conclude says how it ended, as a line for people or as a log line with numbers.
func (t *talk) conclude(ctx context.Context, w *world, e ending) {
	switch {
	case t.structured:
		t.logger.LogAttrs(ctx, slog.LevelInfo, "finished", append([]slog.Attr{slog.String("how", e.how)}, e.attrs...)...)
	case !t.silent:
		w.say("%s: %s", e.how, e.summary)
	}
}
