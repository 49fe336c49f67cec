package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/harness"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/target"
)

type harnessFlags struct {
	code       codeFlags
	talk       talkFlags
	partitions int
	now        int64
}

// newHarness returns the command that pyudf.testing talks to. People have no use for it.
func newHarness(w *world) *cobra.Command {
	var flags harnessFlags
	cmd := &cobra.Command{
		Use:     "harness APP.py",
		Short:   "Run an app on what comes on stdin, for pyudf.testing",
		GroupID: groupTry,
		Hidden:  true,
		Long: `harness runs an app without a broker. It takes commands on stdin, a JSON object a line, and answers each on stdout
with what the app wrote. pyudf.testing in Python is what to use: see docs/testing.md.`,
		Example: `  pyudf harness heat.py`,
		Args:    atMost(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return flags.run(cmd.Context(), w, args) },
	}
	flags.code.add(cmd)
	cmd.Flags().IntVar(&flags.partitions, "partitions", 1, "the number `N` of partitions of every topic")
	cmd.Flags().Int64Var(&flags.now, "now", time.Now().UnixMilli(), "where the clock stands at first, in `MS` since the epoch")
	flags.talk.addLog(cmd)
	return cmd
}

func (f *harnessFlags) run(ctx context.Context, w *world, args []string) error {
	where, targetErr := target.Resolve(args, f.code.target)
	talk, talkErr := f.talk.open(w)
	if err := errors.Join(targetErr, talkErr, f.check()); err != nil {
		return outcome.Mendable(err)
	}
	ctx, release := w.interruptible(ctx, func() {})
	defer release()
	workers, err := f.code.open(ctx, where, 1, talk.logger)
	if err != nil {
		return err
	}
	defer workers.close()
	session, err := harness.New(harness.Config{
		Plan: workers.said.GetPlan(), Partitions: f.partitions, Now: f.now, Start: workers.Start, Logger: talk.logger,
	})
	if err != nil {
		return explainLoad(err)
	}
	err = session.Serve(ctx, w.in, w.out)
	return errors.Join(err, session.Close(context.WithoutCancel(ctx)))
}

func (f *harnessFlags) check() error {
	if f.partitions < 1 {
		return fmt.Errorf("--partitions %d: write 1 or more", f.partitions)
	}
	return nil
}
