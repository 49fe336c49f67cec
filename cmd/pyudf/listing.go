package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/fleet"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

func newList(w *world) *cobra.Command {
	var flags remoteFlags
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "Show what is deployed",
		GroupID: groupShip,
		Long: `list shows the deployments of a cluster: which version is to run, on how many of the nodes that have taken it
up it runs, who deployed it and when, and below what a node has to say where it does not.

` + engineHelp,
		Example: `  pyudf list
  pyudf list --output json | jq '.[] | select(.state == "failed")'`,
		Args:              exactly(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return flags.with(cmd.Context(), w, func(ctx context.Context, r *remote) error {
				found, err := r.client.List(ctx)
				if err != nil {
					return err
				}
				all := fleet.All(found.GetDeployments(), found.GetNodes())
				switch {
				case r.json:
					return json.NewEncoder(w.out).Encode(all)
				case len(all) == 0:
					w.say("nothing is deployed yet: `pyudf deploy TARGET` does it")
					return nil
				default:
					return fleet.Table(w.out, all)
				}
			})
		},
	}
	flags.add(cmd)
	return cmd
}

func newHistory(w *world) *cobra.Command {
	var flags remoteFlags
	cmd := &cobra.Command{
		Use:     "history NAME",
		Short:   "Show the versions of a deployment",
		GroupID: groupShip,
		Long: `history shows the versions of a deployment, the newest first: when each was deployed, by whom, and the hash of
its bundle, which ` + "`pyudf bundle show`" + ` prints too. With --output json it shows their settings as well.

` + engineHelp,
		Example: `  pyudf history heat
  pyudf history heat --output json | jq '.[0].settings'`,
		Args:              exactly(1),
		ValidArgsFunction: completeDeployments(w, &flags.engine),
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.with(cmd.Context(), w, func(ctx context.Context, r *remote) error {
				found, err := r.client.List(ctx)
				if err != nil {
					return err
				}
				deployment := fleet.Find(found.GetDeployments(), args[0])
				if deployment == nil {
					return outcome.Mendf("there is no deployment %s: `pyudf list` shows those that there are", args[0])
				}
				versions := fleet.History(deployment)
				if r.json {
					return json.NewEncoder(w.out).Encode(versions)
				}
				return fleet.HistoryTable(w.out, versions)
			})
		},
	}
	flags.add(cmd)
	return cmd
}

type logsFlags struct {
	remote remoteFlags
	follow bool
	lines  uint32
}

func newLogs(w *world) *cobra.Command {
	var flags logsFlags
	cmd := &cobra.Command{
		Use:     "logs NAME",
		Short:   "Show what a deployment wrote",
		GroupID: groupShip,
		Long: `logs shows what the workers of a deployment and the engine wrote for it, on all nodes, oldest first: the time, the
node, the level, the message and what else was noted. With --output json each line is a JSON object.

` + engineHelp,
		Example: `  pyudf logs heat
  pyudf logs heat --follow --lines 10
  pyudf logs heat --output json | jq 'select(.level == "ERROR")'`,
		Args:              exactly(1),
		ValidArgsFunction: completeDeployments(w, &flags.remote.engine),
		RunE:              func(cmd *cobra.Command, args []string) error { return flags.run(cmd.Context(), w, args[0]) },
	}
	cmd.Flags().BoolVarP(&flags.follow, "follow", "f", false, "go on with what comes, until Ctrl-C")
	cmd.Flags().Uint32Var(&flags.lines, "lines", 100, "begin with the last `N` lines of each node")
	flags.remote.add(cmd)
	return cmd
}

func (f *logsFlags) run(ctx context.Context, w *world, name string) error {
	if f.lines == 0 {
		return outcome.Mendf("--lines 0: write 1 or more")
	}
	return f.remote.with(ctx, w, func(ctx context.Context, r *remote) error {
		request := &controlv1.LogsRequest{Deployment: name, Follow: f.follow, Lines: f.lines}
		err := r.client.Logs(ctx, request, func(line *controlv1.LogsResponse) error {
			return writeLog(w.out, line, r.json)
		})
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	})
}

func writeLog(out io.Writer, line *controlv1.LogsResponse, asJSON bool) error {
	var err error
	if asJSON {
		_, err = fmt.Fprintf(out, "%s\n", fleet.LogJSON(line))
	} else {
		_, err = fmt.Fprintln(out, fleet.LogText(line))
	}
	return err
}
