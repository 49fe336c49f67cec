package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/replay"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/target"
)

type replayFlags struct {
	code codeFlags
	talk talkFlags
}

// newReplay returns the command that app.replay talks to. People have no use for it.
func newReplay(w *world) *cobra.Command {
	var flags replayFlags
	cmd := &cobra.Command{
		Use:     "replay",
		Short:   "Run an app on data of a notebook, for app.replay",
		GroupID: groupTry,
		Hidden:  true,
		Long: `replay runs an app on data that lies still, without a broker. It takes a job on stdin, a JSON object in a line, and
tells on stdout how far it is and how it ended. app.replay in Python is what to use: see docs/replay.md.`,
		Example: `  pyudf replay --attach worker.sock`,
		Args:    atMost(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return flags.run(cmd.Context(), w, args) },
	}
	flags.code.add(cmd)
	flags.talk.addLog(cmd)
	return cmd
}

func (f *replayFlags) run(ctx context.Context, w *world, args []string) error {
	where, targetErr := target.Resolve(args, f.code.target)
	talk, talkErr := f.talk.open(w)
	if err := errors.Join(targetErr, talkErr); err != nil {
		return outcome.Mendable(err)
	}
	ctx, release := w.interruptible(ctx, func() {})
	defer release()
	workers, err := f.code.open(ctx, where, talk.logger)
	if err != nil {
		return err
	}
	defer workers.close()
	job, ctx, err := replay.Receive(ctx, w.in)
	if err != nil {
		return err
	}
	return explainLoad(replay.Serve(ctx, replay.Config{
		Plan: workers.first.Description().GetPlan(), Job: job, Start: workers.Start, Logger: talk.logger,
	}, w.out))
}
