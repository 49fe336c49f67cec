package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/console"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/node"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/overview"
	"github.com/pyudf/pyudf/engine/status"
)

type statusFlags struct {
	stateDir string
	json     bool
	watch    bool
}

func newStatus(w *world) *cobra.Command {
	var flags statusFlags
	cmd := &cobra.Command{
		Use:     "status [GROUP]",
		Short:   "Show how the apps that run on this machine are",
		GroupID: groupRun,
		Long: `status shows the processes that run apps on this machine, or those of GROUP only, which is the app's name
unless --group said otherwise. For each partition that a process has it shows how many epochs were committed,
how many records of the input are not done (lag), the watermark, the size of the state, how old its last
snapshot is, and how long about a machine with an empty disk would take to restore it. Of a partition that is
being restored it shows how many records and how much time are left.

On a terminal that is a table; in a pipe a line for each partition, of name=value. --json writes all that is
known, for programs.`,
		Example: `  pyudf status
  pyudf status heat --watch
  pyudf status --json | jq '.[].tasks[].lag'`,
		Args:              atMost(1),
		ValidArgsFunction: completeGroups(w, cobra.NoFileCompletions),
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.run(cmd.Context(), w, strings.Join(args, ""))
		},
	}
	cmd.Flags().BoolVar(&flags.json, "json", false, "write a JSON array of the processes")
	cmd.Flags().BoolVarP(&flags.watch, "watch", "w", false, "show it again every second, until Ctrl-C")
	addStateDir(cmd, &flags.stateDir)
	return cmd
}

// addStateDir adds the flag that says where runs keep their state.
func addStateDir(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "state-dir", "", "the `DIR` that the run was given (default ~/.local/state/pyudf)")
}

func (f *statusFlags) run(ctx context.Context, w *world, group string) error {
	home, err := (&runFlags{stateDir: f.stateDir}).stateHome(w)
	if err != nil {
		return err
	}
	ctx, release := w.interruptible(ctx, func() {})
	defer release()
	if !f.watch {
		return f.show(ctx, w, home, group)
	}
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for ctx.Err() == nil {
		if wide(w) && !f.json {
			fmt.Fprint(w.out, "\x1b[H\x1b[2J") // from the top of an empty screen
		}
		if err := f.show(ctx, w, home, group); err != nil && outcome.Code(err) != outcome.Mend {
			return unlessStopped(ctx, err)
		} else if err != nil {
			w.say("%v", err)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// show shows the runs of a group, of all if it is empty.
func (f *statusFlags) show(ctx context.Context, w *world, home, group string) error {
	slots, err := node.All(home)
	if err != nil {
		return err
	}
	runs, silent := askAll(ctx, slots)
	runs = slices.DeleteFunc(runs, func(run status.Run) bool { return group != "" && run.Group != group })
	if err := f.write(w, runs); err != nil {
		return err
	}
	if len(silent) > 0 {
		return errors.Join(silent...)
	}
	if len(runs) == 0 && !f.json {
		what := "no app runs"
		if group != "" {
			what = "no process runs the group " + group
		}
		return outcome.Mendf("%s on this machine with its state in %s: start one with `pyudf run`, or name the --state-dir of the run", what, home)
	}
	return nil
}

func (f *statusFlags) write(w *world, runs []status.Run) error {
	switch {
	case f.json:
		if runs == nil {
			runs = []status.Run{}
		}
		return json.NewEncoder(w.out).Encode(runs)
	case wide(w):
		return overview.Table(w.out, runs, time.Now())
	default:
		return overview.Lines(w.out, runs, time.Now())
	}
}

// wide tells whether what is written to out is for a person at a terminal.
func wide(w *world) bool {
	file, ok := w.out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// patience is how long a process may take to say how it is.
const patience = 3 * time.Second

// askAll asks the processes of slots how they are, side by side. Slots that nobody has are left out; silent says of those
// that do not answer what is wrong.
func askAll(ctx context.Context, slots []string) (runs []status.Run, silent []error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answers, faults := make([]status.Run, len(slots)), make([]error, len(slots))
	var asking sync.WaitGroup
	for i, slot := range slots {
		asking.Go(func() { answers[i], faults[i] = console.Status(ctx, slot) })
	}
	asking.Wait()
	for i, err := range faults {
		switch {
		case err == nil:
			runs = append(runs, answers[i])
		case !errors.Is(err, console.ErrNobody):
			silent = append(silent, err)
		}
	}
	return runs, silent
}
