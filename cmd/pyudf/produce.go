package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/load"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/progress"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/table"
)

type produceFlags struct {
	kafka      kafkaFlags
	talk       talkFlags
	fields     table.Fields
	format     string
	nulls      string
	partitions int
}

func newProduce(w *world) *cobra.Command {
	var flags produceFlags
	cmd := &cobra.Command{
		Use:     "produce TOPIC FILE",
		Short:   "Send the rows of a CSV or JSON lines file to a topic",
		GroupID: groupData,
		Long: `produce sends each row of FILE as a record to TOPIC, which is created if it is not there.

Rows of a CSV become JSON objects named by its first line. A column is numeric if all that stands in it are
numbers; their digits are not changed. It is boolean if all are true or false. All other columns are text.
A JSON lines file has a JSON value on each line, which is sent as the bytes that it is. FILE may be - for
standard input, with --format.`,
		Example: `  pyudf produce weather weather.csv --key station --time time
  pyudf produce orders orders.jsonl --key customer
  zcat clicks.jsonl.gz | pyudf produce clicks - --format json`,
		Args:              exactly(2),
		ValidArgsFunction: completeFiles(1, "csv", "json", "jsonl", "ndjson"),
		RunE:              func(cmd *cobra.Command, args []string) error { return flags.run(cmd.Context(), w, args[0], args[1]) },
	}
	cmd.Flags().StringVar(&flags.fields.Key, "key", "", "the `FIELD` whose text becomes the record's key; without it records have none")
	cmd.Flags().StringVar(&flags.fields.Time, "time", "", "the `FIELD` with the record's time, ISO 8601 or seconds or milliseconds since 1970; without it, now")
	cmd.Flags().StringVar(&flags.format, "format", "", "the `FORMAT` of the file: csv, or json for JSON lines (default by its name)")
	cmd.Flags().StringVar(&flags.nulls, "null", "NA,", "the `TEXTS` that are null in a CSV, with commas between: NA and the empty text")
	cmd.Flags().IntVar(&flags.partitions, "partitions", defaultPartitions, "the number `N` of partitions if the topic is created")
	flags.kafka.add(cmd)
	flags.talk.add(cmd)
	return cmd
}

func (f *produceFlags) run(ctx context.Context, w *world, topic, name string) error {
	settings, settingsErr := f.kafka.parse(w)
	talk, talkErr := f.talk.open(w)
	format, formatErr := table.FormatOf(name, f.format)
	var partitionsErr error
	if f.partitions < 1 {
		partitionsErr = fmt.Errorf("--partitions %d: write 1 or more", f.partitions)
	}
	if err := errors.Join(settingsErr, talkErr, formatErr, partitionsErr); err != nil {
		return outcome.Mendable(err)
	}
	ctx, release := w.interruptible(ctx, func() { talk.logger.Info("stopping: delivering what was read; press Ctrl-C again to stop at once") })
	defer release()
	file, err := w.openFile(name, format)
	if name == "-" {
		name = "standard input"
	}
	if err != nil {
		return outcome.Mendable(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	rows, err := table.Open(file, format, f.fields, strings.Split(f.nulls, ","))
	if err != nil {
		return outcome.Mendable(badFile(err, name, 0))
	}
	to, closeAll, err := openTopic(ctx, settings, talk.logger, topicSpec{name: topic, partitions: f.partitions})
	if err != nil {
		return err
	}
	defer closeAll()
	return f.send(ctx, w, talk, sending{&load.Loader{From: rows, To: to}, topic, name})
}

// sending is a file on its way.
type sending struct {
	loader      *load.Loader
	topic, name string
}

func (f *produceFlags) send(ctx context.Context, w *world, talk *talk, s sending) error {
	reporter := talk.reporter(w, progress.OfSending(), func() (progress.Counts, error) {
		return progress.Counts{In: s.loader.Sent()}, nil
	})
	state, err := follow(ctx, reporter, talk.screen != nil, s.loader.Run)
	if line, ok := errors.AsType[*table.LineError](err); ok {
		return outcome.Mendable(badFile(line, s.name, state.In))
	}
	if err != nil {
		return fmt.Errorf("%s: %w; %s records were sent, how many of them arrived is not known", s.name, err, progress.Number(state.In))
	}
	how := "done"
	if ctx.Err() != nil {
		how = "stopped"
	}
	talk.conclude(ctx, w, ending{how, state.Sent(s.topic), progress.OfSending().Attrs(state)})
	return nil
}

// badFile puts the file's name to what is wrong with it, and how many records were sent before that.
func badFile(err error, name string, sent int64) error {
	var line *table.LineError
	if !errors.As(err, &line) {
		return fmt.Errorf("%s: %w", name, err)
	}
	before := progress.Number(sent) + " records before it were sent"
	switch sent {
	case 0:
		before = "nothing was sent"
	case 1:
		before = "the record before it was sent"
	}
	return fmt.Errorf("%s, %w; %s: mend the line, or leave it out", name, line, before)
}

// openFile opens a file, or keeps all of standard input for a CSV, which is read twice.
func (w *world) openFile(name string, format table.Format) (readSeekCloser, error) {
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; give the path of a file as seen from this directory, or - for standard input", name, cause(err))
		}
		return file, nil
	}
	if format == table.JSON {
		return onceReader{w.in}, nil
	}
	text, err := io.ReadAll(w.in)
	if err != nil {
		return nil, fmt.Errorf("reading standard input: %w", err)
	}
	return keptReader{bytes.NewReader(text)}, nil
}

type readSeekCloser interface {
	io.ReadSeeker
	io.Closer
}

type keptReader struct{ *bytes.Reader }

func (keptReader) Close() error { return nil }

// onceReader is for readers that never seek.
type onceReader struct{ io.Reader }

func (onceReader) Seek(int64, int) (int64, error) {
	return 0, errors.New("standard input cannot be read twice")
}

func (onceReader) Close() error { return nil }

// follow runs work while the reporter shows how it goes, and returns the last state.
func follow(ctx context.Context, reporter *progress.Reporter, live bool, work func(context.Context) error) (progress.State, error) {
	every := time.Second
	if live {
		every = 200 * time.Millisecond
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	reporter.Start(time.Now())
	watching, enough := context.WithCancel(context.WithoutCancel(ctx))
	watched := make(chan error, 1)
	go func() { watched <- reporter.Follow(watching, ticker.C) }()
	err := work(ctx)
	enough()
	shown := <-watched
	state, last := reporter.Finish(time.Now())
	return state, firstOf(err, shown, last)
}
