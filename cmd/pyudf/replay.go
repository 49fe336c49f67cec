package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/replay"
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
	return explainLoad(replay.Serve(ctx, w.in, w.out, nil, talk.logger))
}
