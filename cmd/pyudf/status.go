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
	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/fleet"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/node"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/overview"
	"github.com/pyudf/pyudf/engine/status"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

type statusFlags struct {
	stateDir string
	json     bool
	output   string
	watch    bool
	engine   engineFlags
}

func newStatus(w *world) *cobra.Command {
	var flags statusFlags
	cmd := &cobra.Command{
		Use:     "status [GROUP]",
		Short:   "Show how apps and deployments run",
		GroupID: groupRun,
		Long: `status shows the processes that run apps on this machine, or those of GROUP only, which is the app's name
unless --group said otherwise. For each partition that a process has it shows how many epochs were committed,
how many records of the input are not done (lag), the watermark, the size of the state, how old its last
snapshot is, and how long about a machine with an empty disk would take to restore it. Of a partition that is
being restored it shows how many records and how much time are left.

If there is a node, it shows the deployments and nodes of its cluster as well, with the processes on all of
them: the node at --engine, else at $PYUDF_ENGINE, else on this machine if one listens there. --engine none asks
no node. GROUP is then the name of a deployment, too. A process on a node says which one, as engine; its own name
is another one in each group.

On a terminal that is tables; in a pipe a line for each partition, node and deployment, of name=value. --output
json writes all that is known, for programs; --json the array of the processes alone.`,
		Example: `  pyudf status
  pyudf status heat --watch
  pyudf status --json | jq '.[].tasks[].lag'
  pyudf status heat --output json | jq .deployments`,
		Args:              atMost(1),
		ValidArgsFunction: completeGroups(w, cobra.NoFileCompletions),
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.run(cmd.Context(), w, strings.Join(args, ""))
		},
	}
	cmd.Flags().StringVar(&flags.output, "output", "text", "the `FORMAT`: text or json")
	cmd.Flags().BoolVar(&flags.json, "json", false, "write a JSON array of the processes")
	cmd.Flags().BoolVarP(&flags.watch, "watch", "w", false, "show it again every second, until Ctrl-C")
	addStateDir(cmd, &flags.stateDir)
	flags.engine.add(cmd)
	return cmd
}

// addStateDir adds the flag that says where runs keep their state.
func addStateDir(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "state-dir", "", "the `DIR` that the run was given (default ~/.local/state/pyudf)")
}

func (f *statusFlags) run(ctx context.Context, w *world, group string) error {
	if err := oneOf("--output", f.output, "text", "json"); err != nil {
		return outcome.Mendable(err)
	}
	home, err := stateHome(w, f.stateDir)
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
		if wide(w) && f.output != "json" && !f.json {
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

// show shows the runs of a group and its deployment, of all if it is empty.
func (f *statusFlags) show(ctx context.Context, w *world, home, group string) error {
	slots, err := node.All(home)
	if err != nil {
		return err
	}
	runs, silent := askAll(ctx, slots)
	runs = slices.DeleteFunc(runs, func(run status.Run) bool { return group != "" && run.Group != group })
	seen, asked, err := f.cluster(ctx, w, group)
	if err != nil {
		return err
	}
	seen.Join(runs)
	if err := f.write(w, seen); err != nil {
		return err
	}
	if len(silent) > 0 {
		return errors.Join(silent...)
	}
	if f.json || f.output == "json" || len(seen.Runs)+len(seen.Deployments) > 0 {
		return nil
	}
	return nothing(home, group, asked)
}

// nothing says that there is nothing to show, and what to do. asked is the node that was asked, if there is one.
func nothing(home, group, asked string) error {
	what := "no app runs"
	if group != "" {
		what = "no process runs the group " + group
	}
	if asked != "" && group == "" {
		return nil // its nodes were shown
	}
	also := ""
	if asked != "" {
		also = fmt.Sprintf(", and the node at %s knows no deployment %s", asked, group)
	}
	return outcome.Mendf("%s on this machine with its state in %s%s: start one with `pyudf run`, or name the --state-dir of the run", what, home, also)
}

func (f *statusFlags) write(w *world, seen fleet.Status) error {
	switch {
	case f.output == "json":
		return json.NewEncoder(w.out).Encode(seen)
	case f.json:
		return json.NewEncoder(w.out).Encode(seen.Runs)
	case wide(w):
		return tables(w, seen)
	default:
		return firstOf(fleet.Lines(w.out, seen), overview.Lines(w.out, seen.Runs, time.Now()))
	}
}

func tables(w *world, seen fleet.Status) error {
	now := time.Now()
	if len(seen.Nodes) > 0 {
		if err := fleet.NodeTable(w.out, seen.Nodes, now); err != nil {
			return err
		}
		fmt.Fprintln(w.out)
	}
	if len(seen.Deployments) > 0 {
		if err := fleet.Table(w.out, seen.Deployments); err != nil {
			return err
		}
		fmt.Fprintln(w.out)
	}
	return overview.Table(w.out, seen.Runs, now)
}

// cluster returns what the node that was named says of its cluster, or the one on this machine, if there is one: asked is
// where it is. Without one, or if nobody named one and it does not answer, there is nothing to say of a cluster.
func (f *statusFlags) cluster(ctx context.Context, w *world, deployment string) (seen fleet.Status, asked string, err error) {
	none := fleet.Status{Deployments: []fleet.Deployment{}, Nodes: []fleet.Node{}, Runs: []status.Run{}}
	named := f.engine.named(w)
	if named == noEngine {
		return none, "", nil
	}
	client, err := f.engine.dial(w)
	if err != nil {
		return none, "", err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*patience) // the node asks others meanwhile
	defer cancel()
	answer, err := client.Status(ctx, &controlv1.StatusRequest{Deployment: deployment})
	switch {
	case control.IsNotFound(err):
		return none, client.URL(), nil
	case err != nil && named != "":
		return none, "", err
	case errors.Is(err, control.ErrNobody):
		return none, "", nil
	case err != nil:
		w.say("only what runs on this machine is shown: %v", err)
		return none, "", nil
	}
	seen, err = fleet.NewStatus(answer)
	return seen, client.URL(), err
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
