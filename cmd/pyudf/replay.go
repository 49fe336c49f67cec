package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/replay"
	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source/bounded"
)

// newReplay returns the command that app.replay talks to. People have no use for it.
func newReplay(w *world) *cobra.Command {
	var talk talkFlags
	cmd := &cobra.Command{
		Use:     "replay",
		Short:   "Run an app on data of a notebook, for app.replay",
		GroupID: groupTry,
		Hidden:  true,
		Long: `replay runs an app on data that lies still, without a broker. The plan and the job come on stdin; calls of functions
go to stdout, as does at last how it ended. app.replay in Python is what to use: see docs/replay.md.`,
		Example: `  pyudf replay`,
		Args:    exactly(0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return runReplay(cmd.Context(), w, talk) },
	}
	talk.addLog(cmd)
	return cmd
}

func runReplay(ctx context.Context, w *world, flags talkFlags) error {
	talk, err := flags.open(w)
	if err != nil {
		return outcome.Mendable(err)
	}
	ctx, release := w.interruptible(ctx, func() {})
	defer release()
	open := func(ctx context.Context, settings map[string]string, slice *replay.Slice, partition record.Partition) (bounded.Reader, error) {
		cluster, err := connect(ctx, settings, talk.logger)
		if err != nil {
			return nil, err
		}
		defer cluster.Close()
		return openSlice(ctx, cluster, slice, partition)
	}
	return explainLoad(replay.Serve(ctx, w.in, w.out, open, talk.logger))
}

// openSlice reads a slice of a topic, without a group.
func openSlice(ctx context.Context, cluster *kafka.Cluster, slice *replay.Slice, partition record.Partition) (_ bounded.Reader, err error) {
	info, err := cluster.Topic(ctx, slice.Topic)
	if err != nil {
		return nil, explainTopic(err, slice.Topic)
	}
	config := kafka.SourceConfig{Topic: slice.Topic, UntilEnd: true}
	if slice.Since != nil {
		config.Start = kafka.Start{Kind: kafka.At, Time: time.UnixMilli(*slice.Since)}
	}
	for index := range info.Partitions {
		at := record.Partition{Topic: slice.Topic, Index: int32(index)} //nolint:gosec // few partitions
		config.Assign = append(config.Assign, record.Position{Partition: at, Offset: fromBeginning})
	}
	from, err := cluster.OpenSource(ctx, config)
	if err != nil {
		return nil, outcome.Mendable(err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	return replay.ReadSlice(ctx, from, slice, partition)
}

// fromBeginning is librdkafka's logical offset of the beginning.
const fromBeginning = -2
