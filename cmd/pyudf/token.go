package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
)

type tokenFlags struct {
	tokens string
	output string
}

func newToken(w *world) *cobra.Command {
	var flags tokenFlags
	cmd := &cobra.Command{
		Use:     "token NAME ROLE",
		Short:   "Make a token for the nodes of a cluster",
		GroupID: groupShip,
		Long: `token makes a token, which whoever speaks to a node shows, and the line for the file that nodes are started with
as --tokens. The file has a hash only, so keep the token: it is shown this once. NAME stands in the history of
what was deployed. A ROLE may do what those before it may:

  viewer      look: list, history, status and logs
  deployer    deploy, rollback, stop and start
  admin       delete

With --tokens the line is added to a file, which nodes read again at once, and the token alone is written.`,
		Example: `  pyudf token ann deployer
  pyudf token ann deployer --tokens /etc/pyudf/tokens > ann.token
  pyudf deploy heat.py --engine https://engine-1:9191 --token-file ann.token`,
		Args: exactly(2),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) != 1 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return control.Roles(), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		},
		RunE: func(_ *cobra.Command, args []string) error { return flags.run(w, args[0], args[1]) },
	}
	cmd.Flags().StringVar(&flags.tokens, "tokens", "", "add the line to this tokens `FILE`, and write the token alone")
	cmd.Flags().StringVar(&flags.output, "output", "text", "the `FORMAT`: text or json")
	return cmd
}

func (f *tokenFlags) run(w *world, name, roleName string) error {
	role, err := control.ParseRole(roleName)
	if err = errors.Join(err, oneOf("--output", f.output, "text", "json")); err != nil {
		return outcome.Mendable(err)
	}
	token, line, err := control.NewToken(name, role)
	if err != nil {
		return outcome.Mendable(err)
	}
	if f.tokens != "" {
		if err := appendLine(f.tokens, line); err != nil {
			return outcome.Mendf("--tokens %s: %w", f.tokens, err)
		}
	}
	switch {
	case f.output == "json":
		err = json.NewEncoder(w.out).Encode(map[string]string{"token": token, "line": line})
	case f.tokens != "":
		_, err = fmt.Fprintln(w.out, token)
	default:
		_, err = fmt.Fprintf(w.out, "the token, which is shown this once:\n  %s\nits line in the nodes' tokens file:\n  %s\n", token, line)
	}
	return err
}

// appendLine adds a line to a file, which others may not read. A last line without an end gets one first.
func appendLine(path, line string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return cause(err)
	}
	if info, statErr := file.Stat(); statErr == nil && info.Size() > 0 {
		var last [1]byte
		if _, readErr := file.ReadAt(last[:], info.Size()-1); readErr == nil && last[0] != '\n' {
			line = "\n" + line
		}
	}
	_, err = io.WriteString(file, line+"\n")
	return firstOf(err, file.Close())
}
