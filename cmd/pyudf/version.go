package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
)

// What make hands to the linker: the version of the Python package of this tree, and the commit.
var (
	version = "dev"
	commit  = "" //nolint:gochecknoglobals // the linker sets it
)

func newVersion(w *world) *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Say which pyudf this is",
		GroupID:           groupOther,
		Args:              exactly(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(w.out, identity())
			return err
		},
	}
}

// identity says which pyudf this is: of which version and commit, built by which Go for which machine.
func identity() string {
	name := strings.TrimSpace(version + " " + commit)
	return fmt.Sprintf("pyudf %s (%s, %s/%s)", name, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
