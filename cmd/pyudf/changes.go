package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/fleet"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

type rollbackFlags struct {
	remote remoteFlags
	to     uint32
	reset  bool
	quiet  bool
}

func newRollback(w *world) *cobra.Command {
	var flags rollbackFlags
	cmd := &cobra.Command{
		Use:     "rollback NAME",
		Short:   "Run an earlier version of a deployment again",
		GroupID: groupShip,
		Long: `rollback makes an earlier version of a deployment the one that runs, with the settings that it had, as deploy
does: checked first, and without stopping the stream. It becomes a new version, so that the history stays.

` + engineHelp,
		Example: `  pyudf rollback heat
  pyudf rollback heat --to 3`,
		Args:              exactly(1),
		ValidArgsFunction: completeDeployments(w, &flags.remote.engine),
		RunE:              func(cmd *cobra.Command, args []string) error { return flags.run(cmd.Context(), w, args[0]) },
	}
	cmd.Flags().Uint32Var(&flags.to, "to", 0, "the version `N` to run again, as `pyudf history` shows it (default the one before)")
	cmd.Flags().BoolVar(&flags.reset, "reset-state", false, "begin with empty windows and state, where that version cannot go on with those that are there")
	cmd.Flags().BoolVarP(&flags.quiet, "quiet", "q", false, "do not say what goes on")
	flags.remote.add(cmd)
	return cmd
}

func (f *rollbackFlags) run(ctx context.Context, w *world, name string) error {
	return f.remote.with(ctx, w, func(ctx context.Context, r *remote) error {
		tell := newTeller(w, f.quiet)
		done, err := r.client.Rollback(ctx, &controlv1.RollbackRequest{Name: name, Version: f.to, ResetState: f.reset}, tell.step)
		tell.end()
		if control.IsNotFound(err) {
			return err
		}
		if err != nil {
			return r.undone(ctx, name, err)
		}
		return r.done(done)
	})
}

func newStop(w *world) *cobra.Command {
	var flags remoteFlags
	cmd := &cobra.Command{
		Use:     "stop NAME",
		Short:   "Stop a deployment on all nodes",
		GroupID: groupShip,
		Long: `stop ends a deployment on all nodes: they finish the records under way and commit. Its positions and its state
stay, so that start goes on where it ended.

` + engineHelp,
		Example:           `  pyudf stop heat`,
		Args:              exactly(1),
		ValidArgsFunction: completeDeployments(w, &flags.engine),
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.with(cmd.Context(), w, func(ctx context.Context, r *remote) error {
				deployment, err := r.client.Stop(ctx, args[0])
				if err != nil {
					return err
				}
				d := fleet.New(deployment, nil)
				return r.show(d, "%s %d is stopped; `pyudf start %s` goes on", d.Name, d.Version, d.Name)
			})
		},
	}
	flags.add(cmd)
	return cmd
}

func newStart(w *world) *cobra.Command {
	var flags remoteFlags
	cmd := &cobra.Command{
		Use:     "start NAME",
		Short:   "Go on with a deployment that was stopped",
		GroupID: groupShip,
		Long: `start goes on with a deployment that was stopped, where it ended and with its state.

` + engineHelp,
		Example:           `  pyudf start heat`,
		Args:              exactly(1),
		ValidArgsFunction: completeDeployments(w, &flags.engine),
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.with(cmd.Context(), w, func(ctx context.Context, r *remote) error {
				deployment, err := r.client.Start(ctx, args[0])
				if err != nil {
					return err
				}
				d := fleet.New(deployment, nil)
				return r.show(d, "%s %d starts; `pyudf status %s` shows how it is", d.Name, d.Version, d.Name)
			})
		},
	}
	flags.add(cmd)
	return cmd
}

func newDelete(w *world) *cobra.Command {
	var flags remoteFlags
	var yes bool
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Forget a deployment that was stopped",
		GroupID: groupShip,
		Long: `delete forgets a deployment with all its versions, its positions and its state, on all nodes. It has to be stopped
before. The topics that it read and wrote stay as they are.

` + engineHelp,
		Example: `  pyudf stop heat && pyudf delete heat
  pyudf delete heat --yes`,
		Args:              exactly(1),
		ValidArgsFunction: completeDeployments(w, &flags.engine),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			if !yes {
				if err := confirm(w, name); err != nil {
					return err
				}
			}
			return flags.with(cmd.Context(), w, func(ctx context.Context, r *remote) error {
				if err := r.client.Delete(ctx, name); err != nil {
					return err
				}
				return r.show(map[string]string{"deleted": name}, "%s is deleted", name)
			})
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask first")
	flags.add(cmd)
	return cmd
}

// confirm has a person at a terminal type the name of what goes away.
func confirm(w *world, name string) error {
	if _, terminal := w.terminal(); !terminal {
		return outcome.Mendf("delete forgets %s with all its versions, and asks first at a terminal: add --yes", name)
	}
	fmt.Fprintf(w.err, "This forgets %s with all its versions. Type its name to go on: ", name)
	typed, _ := bufio.NewReader(w.in).ReadString('\n') // the end of the input is an answer too
	if strings.TrimSpace(typed) != name {
		return outcome.Mendf("that is not %s: nothing was deleted", name)
	}
	return nil
}
