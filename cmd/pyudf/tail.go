package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/tail"
)

type tailFlags struct {
	kafka     kafkaFlags
	talk      talkFlags
	key       string
	keyed     bool
	offset    string
	partition int
	follow    bool
	limit     int
	format    string
}

// lastShown is where tail begins if nothing else is said.
const lastShown = "-10"

func newTail(w *world) *cobra.Command {
	var flags tailFlags
	cmd := &cobra.Command{
		Use:     "tail TOPIC",
		Short:   "Show the records of a topic",
		GroupID: groupData,
		Long: `tail shows the last 10 records of each partition of TOPIC, or those from --offset on; with --key, all
that have the key. A line has the record's time, partition:offset, key and value, a dash for a null; its headers
stand below, so a dead letter shows its reason and traceback, and a late record the window that it missed.
It stops at the end, unless it is to --follow.

With --format json each line is an object with topic, partition, offset, time, key, headers and value. A
header that occurs more than once has a list of values; what is no text is {"base64": ...}.`,
		Example: `  pyudf tail heat
  pyudf tail heat --follow
  pyudf tail heat --key JFK --limit 5
  pyudf tail heat --offset earliest --format json | jq .value.heat_index
  pyudf tail heat.dlq                    # what could not be handled, and why
  pyudf tail heat.late                   # what came too late for a window`,
		Args:              exactly(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.keyed = cmd.Flags().Changed("key")
			if flags.keyed && !cmd.Flags().Changed("offset") {
				flags.offset = "earliest"
			}
			return flags.run(cmd.Context(), w, args[0])
		},
	}
	cmd.Flags().StringVar(&flags.key, "key", "", "show records with this `KEY` only")
	cmd.Flags().StringVar(&flags.offset, "offset", lastShown, "`WHERE` to begin: a number, earliest, latest, or -N for the last N of each partition")
	cmd.Flags().IntVar(&flags.partition, "partition", -1, "show this `PARTITION` only")
	cmd.Flags().BoolVarP(&flags.follow, "follow", "f", false, "go on with what comes, until Ctrl-C")
	cmd.Flags().IntVar(&flags.limit, "limit", 0, "stop after `N` records")
	cmd.Flags().StringVar(&flags.format, "format", "text", "the `FORMAT`: text or json")
	flags.kafka.add(cmd)
	flags.talk.addLog(cmd)
	return cmd
}

func (f *tailFlags) run(ctx context.Context, w *world, topic string) error {
	settings, settingsErr := f.kafka.parse(w)
	talk, talkErr := f.talk.open(w)
	offset, offsetErr := tail.Offset(f.offset)
	var limitErr error
	if f.limit < 0 {
		limitErr = fmt.Errorf("--limit %d: write 1 or more, or leave it out", f.limit)
	}
	formatErr := oneOf("--format", f.format, "text", "json")
	if err := errors.Join(settingsErr, talkErr, offsetErr, limitErr, formatErr); err != nil {
		return outcome.Mendable(err)
	}
	ctx, release := w.interruptible(ctx, func() {})
	defer release()
	options := tail.Options{Limit: f.limit, JSON: f.format == "json"}
	if f.keyed {
		options.Key = &f.key
	}
	from, closeAll, err := openReading(ctx, settings, talk.logger, reading{topic: topic, partition: f.partition, offset: offset, follow: f.follow})
	if err != nil {
		return err
	}
	defer closeAll()
	return tail.Show(ctx, from, w.out, options)
}
