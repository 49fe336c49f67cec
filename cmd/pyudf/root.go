package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
)

// The groups of commands, by what a person wants to do.
const (
	groupRun   = "run"
	groupShip  = "ship"
	groupData  = "data"
	groupTry   = "try"
	groupOther = "other"
)

// execute runs a command line and returns the exit code. An error leaves one message on stderr.
func execute(ctx context.Context, args []string, w *world) int {
	root := newRoot(w) //nolint:contextcheck // cobra hands each command the context
	// What fails before a command begins is a fault of the command line.
	begun := false
	root.PersistentPreRun = func(*cobra.Command, []string) { begun = true }
	root.SetArgs(args)
	ran, err := root.ExecuteContextC(ctx)
	if err == nil {
		return outcome.Done
	}
	if !begun {
		err = outcome.Mendf("%w\nsee `%s --help`", err, ran.CommandPath())
	}
	w.say("pyudf: %s", strings.ReplaceAll(strings.TrimRight(err.Error(), "\n"), "\n", "\n  "))
	return outcome.Code(err)
}

func newRoot(w *world) *cobra.Command {
	root := &cobra.Command{
		Use:   "pyudf",
		Short: "Run Python functions, unchanged, on Kafka streams",
		Long: `pyudf runs Python functions, unchanged, on Kafka streams.

It ends with 0 if all went well, with 1 if something failed on the way, and with 2 if you have to mend
something first: a flag, the name of a topic, a password, the app itself.`,
		Example: `  pyudf dev                                          a broker and a node to try things with, in one terminal
  pyudf produce weather weather.csv --key station    some data, in another
  pyudf run heat.py --until-end                      your app, here and now
  pyudf deploy heat.ipynb                            a notebook, to the node: it runs from now on
  pyudf tail heat                                    what came out`,
		Version:       identity(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cobra.EnableCommandSorting = false
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetOut(w.out)
	root.SetErr(w.err)
	root.AddGroup(
		&cobra.Group{ID: groupRun, Title: "Run your functions:"},
		&cobra.Group{ID: groupShip, Title: "Take them to production:"},
		&cobra.Group{ID: groupData, Title: "Put data in and look at what came out:"},
		&cobra.Group{ID: groupTry, Title: "Try things out:"},
		&cobra.Group{ID: groupOther, Title: "Other:"},
	)
	root.SetHelpCommandGroupID(groupOther)
	root.SetCompletionCommandGroupID(groupOther)
	root.AddCommand(newRun(w), newStatus(w), newState(w), newPlan(w),
		newDeploy(w), newList(w), newLogs(w), newHistory(w), newRollback(w), newStop(w), newStart(w), newDelete(w),
		newEngine(w), newWorker(w), newBundle(w), newToken(w),
		newProduce(w), newTail(w), newDev(w), newHarness(w), newReplay(w), newVersion(w))
	for _, cmd := range root.Commands() {
		cmd.Flags().SortFlags = false
	}
	completeFlags(root)
	return root
}

// exactly wants n arguments, the ones that the command's Use names.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return fmt.Errorf("`%s` takes %s, not %d", cmd.Parent().CommandPath()+" "+cmd.Use, arguments(n), len(args))
		}
		return nil
	}
}

// atMost wants no more than n arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return fmt.Errorf("`%s` takes %s, not %d", cmd.Parent().CommandPath()+" "+cmd.Use, arguments(n), len(args))
		}
		return nil
	}
}

func arguments(n int) string {
	switch n {
	case 0:
		return "no arguments"
	case 1:
		return "1 argument"
	default:
		return fmt.Sprintf("%d arguments", n)
	}
}

// oneOf returns an error unless value is one of choices.
func oneOf(flag, value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	last := len(choices) - 1
	return fmt.Errorf("%s %s: write %s or %s", flag, value, strings.Join(choices[:last], ", "), choices[last])
}
