package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/console"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/node"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/stored"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/journal"
	"github.com/pyudf/pyudf/engine/state/pebblestate"
)

// handFlags say whose state is meant.
type handFlags struct {
	stateDir string
	cluster  string
}

func (f *handFlags) add(cmd *cobra.Command) {
	addStateDir(cmd, &f.stateDir)
	cmd.Flags().StringVar(&f.cluster, "cluster", "", "the `ID` of the cluster, if this machine has state of the group for several")
}

func newState(w *world) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "state",
		Short:   "Look into the state of an app, export and import it",
		GroupID: groupRun,
		Long: `state works on the windows and keyed state that the runs of a group keep on this machine. inspect and export
work while the app runs too: then they see what is committed at that moment.`,
		Example: `  pyudf state inspect heat
  pyudf state export heat --to heat.parquet`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("`pyudf state` can inspect, export or import, not %s", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newInspect(w), newExport(w), newImport(w))
	for _, sub := range cmd.Commands() {
		sub.Flags().SortFlags = false
	}
	return cmd
}

func newInspect(w *world) *cobra.Command {
	var flags handFlags
	var key string
	cmd := &cobra.Command{
		Use:   "inspect GROUP",
		Short: "Show what the state has",
		Long: `inspect shows the stores of GROUP, one for each partition that this machine has or had: their size, the offset
of the input and the watermark that they reflect, and, for each step, how many windows, keys and timers there are,
with a few of them. With --key it shows all that there is of one key.`,
		Example: `  pyudf state inspect heat
  pyudf state inspect heat --key JFK`,
		Args:              exactly(1),
		ValidArgsFunction: completeGroups(w, cobra.NoFileCompletions),
		RunE: func(cmd *cobra.Command, args []string) error {
			survey := stored.Survey{Out: w.out}
			if cmd.Flags().Changed("key") {
				survey.Key = &key
			}
			return flags.look(cmd.Context(), w, args[0], func(_ stored.Origin, root state.Root, names []string) error {
				return eachStore(root, names, survey.Show)
			})
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "show what there is of this `KEY`: a string as it is, several fields as a JSON array")
	flags.add(cmd)
	return cmd
}

// place returns where the state of a group is, and of which cluster.
func (f *handFlags) place(w *world, group string) (dir string, from stored.Origin, err error) {
	home, err := stateHome(w, f.stateDir)
	if err != nil {
		return "", from, err
	}
	from = stored.Origin{Cluster: f.cluster, Group: group}
	if from.Cluster == "" {
		clusters, err := stored.Clusters(home, safe(group))
		switch {
		case err != nil:
			return "", from, err
		case len(clusters) > 1:
			return "", from, outcome.Mendf("%s has state of the group %s for several clusters: add --cluster with one of %s",
				home, group, strings.Join(clusters, ", "))
		case len(clusters) == 1:
			from.Cluster = clusters[0]
		}
	}
	return filepath.Join(home, from.Cluster, safe(group)), from, nil
}

// look opens the stores of a group for reading: copies of them where processes run it.
func (f *handFlags) look(ctx context.Context, w *world, group string, see func(from stored.Origin, root state.Root, names []string) error) error {
	dir, from, err := f.place(w, group)
	if err != nil {
		return err
	}
	ctx, release := w.interruptible(ctx, func() {})
	defer release()
	copies, err := copyAll(ctx, dir)
	defer func() {
		for _, made := range copies {
			_ = os.RemoveAll(made) // else the process that made it removes it when it starts again
		}
	}()
	if err != nil {
		return err
	}
	dirs := copies
	if len(copies) == 0 {
		dirs = []string{dir}
	}
	found := false
	for _, dir := range dirs {
		some, err := seeStores(dir, from, see)
		if err != nil {
			return err
		}
		found = found || some
	}
	if !found {
		return outcome.Mendf("this machine has no state of the group %s in %s: name the group that the run was given, which is the app's name "+
			"without --group, and its --state-dir", group, dir)
	}
	return nil
}

// seeStores opens the stores below a directory; some tells whether there are any.
func seeStores(dir string, from stored.Origin, see func(from stored.Origin, root state.Root, names []string) error) (some bool, err error) {
	names, err := stored.Names(dir)
	if err != nil || len(names) == 0 {
		return false, err
	}
	root, err := pebblestate.Open(dir, pebblestate.Config{})
	if err != nil {
		return false, outcome.Mendable(err)
	}
	err = journal.Recover(root) // else the stores are not of one commit
	if err == nil {
		err = see(from, root, names)
	}
	return true, errors.Join(err, root.Close())
}

// copyAll has the processes that run a group make copies of their stores. The caller removes what was made, after an error
// too.
func copyAll(ctx context.Context, dir string) (copies []string, err error) {
	slots, err := node.Slots(dir)
	if err != nil {
		return nil, err
	}
	for _, slot := range slots {
		made, err := console.Checkpoint(ctx, slot)
		if errors.Is(err, console.ErrNobody) {
			continue
		}
		if err != nil {
			return copies, err
		}
		copies = append(copies, made)
	}
	return copies, nil
}

// eachStore opens stores one after the other.
func eachStore(root state.Root, names []string, do func(name string, store state.Store) error) error {
	for _, name := range names {
		store, err := root.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(do(name, store), store.Close()); err != nil {
			return err
		}
	}
	return nil
}
