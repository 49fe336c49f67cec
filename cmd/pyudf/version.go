package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is that of the Python package of this tree, which make hands to the linker.
var version = "dev"

func newVersion(w *world) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Say which pyudf this is",
		GroupID: groupOther,
		Args:    exactly(0),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(w.out, identity())
			return err
		},
	}
}

// identity says which pyudf this is: of which version and commit, built by which Go for which machine.
func identity() string {
	return fmt.Sprintf("pyudf %s%s (%s, %s/%s)", version, revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// revision is the commit that the program was built from, if the build knows, with a + if the tree had changes since.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var commit, changed string
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision" && len(setting.Value) >= 12:
			commit = " " + setting.Value[:12]
		case setting.Key == "vcs.modified" && setting.Value == "true":
			changed = "+"
		}
	}
	return commit + changed
}
