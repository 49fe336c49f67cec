package main

import (
	"net/url"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/graph"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/stored"
)

// choices are what flags take that know few values, by command where that matters.
func choices(command, flag string) []string {
	switch flag {
	case "guarantee":
		return []string{exactlyOnce, atLeastOnce}
	case "progress":
		return []string{"auto", "always", "never"}
	case "log-format":
		return []string{"text", "json"}
	case "log-level":
		return []string{"debug", "info", "warn", "error"}
	case "start":
		return []string{"earliest", "latest"}
	case "socket-mode":
		return []string{"0600", "0660"}
	case "offset":
		return []string{"earliest", "latest", lastShown}
	case "installer":
		return []string{"uv", "pip"}
	case "output":
		return []string{"text", "json"}
	case "format":
		switch command {
		case "plan":
			return graph.Formats()
		case "produce":
			return []string{"csv", "json"}
		default:
			return []string{"text", "json"}
		}
	default:
		return nil
	}
}

// fileFlags are those that name files, on some command at least.
func fileFlags() []string {
	return []string{
		"config", "ready-file", "engine-ready-file", "python", "attach", "from", "to", "snapshots", "out", "with", "requirements",
		"token-file", "tokens", "ca", "client-cert", "client-key", "socket", "tls-cert", "tls-key", "tls-ca", "tls-client-ca",
		"worker-tls-cert", "worker-tls-key", "worker-tls-ca",
	}
}

// completeFlags has the shell complete the values of a command's flags and of those below it: those of a few values, and
// directories. Of all that is left the shell offers files for those that take one, and nothing for the others.
func completeFlags(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		var complete cobra.CompletionFunc
		few := choices(cmd.Name(), flag.Name)
		switch {
		case few != nil:
			complete = cobra.FixedCompletions(few, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder)
		case slices.Contains([]string{"state-dir", "data-dir", "wheels"}, flag.Name):
			complete = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
		case !slices.Contains(fileFlags(), flag.Name):
			complete = cobra.NoFileCompletions
		default:
			return
		}
		if err := cmd.RegisterFlagCompletionFunc(flag.Name, complete); err != nil {
			panic(err) // the flag is there, and nobody else completes it
		}
	})
	for _, sub := range cmd.Commands() {
		completeFlags(sub)
	}
}

// completeFiles completes the argument at a position by files with one of some extensions, and by nothing elsewhere.
func completeFiles(at int, extensions ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) != at {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return extensions, cobra.ShellCompDirectiveFilterFileExt
	}
}

// completeGroups completes the first argument by the groups that have run on this machine, and others by next.
func completeGroups(w *world, next cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return next(cmd, args, typed)
		}
		return groups(w, cmd.Flag("state-dir").Value.String()), cobra.ShellCompDirectiveNoFileComp
	}
}

// groups returns the groups that a state directory knows, in order. What cannot be read has none.
func groups(w *world, stateDir string) []string {
	home, err := stateHome(w, stateDir)
	if err != nil {
		return nil
	}
	found, err := stored.Groups(home)
	if err != nil {
		return nil
	}
	for i, name := range found {
		if plain, err := url.PathUnescape(name); err == nil {
			found[i] = plain
		}
	}
	return found
}
