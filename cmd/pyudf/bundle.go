package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/target"
)

// bundlingModule is the Python module that makes bundles and looks into them.
const bundlingModule = "pyudf.bundling"

const bundleTargetHelp = `The TARGET is a notebook, APP.py, FILE.py:FUNCTION or the directory of a package; with :NAME if there are several
apps. Nothing of it is run.`

func newBundle(w *world) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "bundle",
		Short:   "Put what an app needs into one file, and look into it",
		GroupID: groupShip,
		Long: `A bundle is one file with an app and all that it needs: the functions, helpers, constants and data files, and
what has to be installed. Of a notebook it has what the app needs, and not the cells that explore. The same
input gives the same bundle on every machine, and its name has the hash of what is in it.`,
		Example: `  pyudf bundle build heat.ipynb
  pyudf bundle show heat-3f9a1c22b07d.pyudf
  pyudf run heat-3f9a1c22b07d.pyudf`,
	}
	cmd.AddCommand(newBundleBuild(w), newBundleShow(w))
	for _, sub := range cmd.Commands() {
		sub.Flags().SortFlags = false
	}
	return cmd
}

// bundleFlags are those of `python -m pyudf.bundling`, and the interpreter for it.
type bundleFlags struct {
	out          string
	extra        []string
	requirements string
	maxFile      string
	output       string
	python       string
}

func newBundleBuild(w *world) *cobra.Command {
	var flags bundleFlags
	cmd := &cobra.Command{
		Use:   "build TARGET",
		Short: "Write a bundle, and say what went in, what did not, and why",
		Long: `build writes a bundle and says what went in, what did not, and why.

` + bundleTargetHelp + ` What cannot go as it is, such as an open connection, input() or a file outside of
the target's directory, is refused with its place and what to do about it, all of it at once.`,
		Example: `  pyudf bundle build heat.ipynb
  pyudf bundle build heat.ipynb --with models/heat.joblib -o heat.pyudf
  pyudf bundle build features.py:heat_index --requirements requirements.txt --output json`,
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error { return flags.run(cmd.Context(), w, "build", args[0]) },
	}
	cmd.Flags().StringVarP(&flags.out, "out", "o", "", "the `FILE` to write (default the app's name, a part of the hash and .pyudf, in this directory)")
	flags.add(cmd)
	return cmd
}

func newBundleShow(w *world) *cobra.Command {
	var flags bundleFlags
	cmd := &cobra.Command{
		Use:   "show FILE | TARGET",
		Short: "Say what is in a bundle, or what would be in one",
		Long: `show says what is in a bundle, after it has checked that it is as it was built; of a target it says what build
would do, and writes nothing.

` + bundleTargetHelp,
		Example: `  pyudf bundle show heat-3f9a1c22b07d.pyudf
  pyudf bundle show heat.ipynb
  pyudf bundle show heat-3f9a1c22b07d.pyudf --output json | jq .manifest.requirements`,
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error { return flags.run(cmd.Context(), w, "show", args[0]) },
	}
	flags.add(cmd)
	return cmd
}

func (f *bundleFlags) add(cmd *cobra.Command) {
	f.addBuild(cmd)
	cmd.Flags().StringVar(&f.output, "output", "text", "the `FORMAT`: text or json")
}

// addBuild adds the flags that say what goes into a bundle.
func (f *bundleFlags) addBuild(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.extra, "with", nil, "a file or directory beside the target that goes as well, as `PATH`; may be repeated")
	cmd.Flags().StringVar(&f.requirements, "requirements", "", "a `FILE` with what has to be installed (default uv.lock, pyproject.toml or requirements.txt of the project, else what is imported)")
	cmd.Flags().StringVar(&f.maxFile, "max-file", "10MB", "the largest `SIZE` of a data file")
	cmd.Flags().StringVar(&f.python, "python", "", "the `INTERPRETER` or virtual environment of the project (default the active environment, else .venv beside the target, else python3)")
}

func (f *bundleFlags) run(ctx context.Context, w *world, command, named string) error {
	if err := oneOf("--output", f.output, "text", "json"); err != nil {
		return outcome.Mendable(err)
	}
	ctx, release := w.interruptible(ctx, func() {})
	defer release()
	return f.bundling(ctx, w.out, command, named)
}

// bundling runs the Python of the project that makes bundles. What it has to say goes to out.
func (f *bundleFlags) bundling(ctx context.Context, out io.Writer, command, named string) error {
	file, err := target.File(named)
	if err != nil {
		return outcome.Mendable(err)
	}
	code := codeFlags{python: f.python}
	interpreter, err := code.interpreter(file)
	if err != nil {
		return outcome.Mendable(err)
	}
	var said bytes.Buffer
	python := exec.CommandContext(ctx, interpreter, f.arguments(command, named)...)
	python.Stdout, python.Stderr = out, &said
	return bundlingError(ctx, python.Run(), said.String())
}

func (f *bundleFlags) arguments(command, named string) []string {
	arguments := []string{"-m", bundlingModule, command, "--max-file=" + f.maxFile, "--output=" + f.output}
	if f.out != "" {
		arguments = append(arguments, "--out="+f.out)
	}
	for _, path := range f.extra {
		arguments = append(arguments, "--with="+path)
	}
	if f.requirements != "" {
		arguments = append(arguments, "--requirements="+f.requirements)
	}
	return append(arguments, "--", named)
}

// bundlingError returns what the Python that makes bundles said, which ends with 2 if somebody has to mend something.
func bundlingError(ctx context.Context, err error, said string) error {
	said = strings.TrimSpace(said)
	exit, ended := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return errors.New("stopped: nothing was written")
	case ended && exit.ExitCode() == outcome.Mend:
		return outcome.Mendable(errors.New(said))
	case strings.Contains(said, "No module named"):
		return outcome.Mendf("the Python environment has no %s of this version: install pyudf there, or name another with --python\n%s", bundlingModule, said)
	default:
		return errors.New(strings.TrimSpace(err.Error() + "\n" + said))
	}
}
