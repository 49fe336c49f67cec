package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/console"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/node"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/progress"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/stored"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/journal"
	"github.com/pyudf/pyudf/engine/state/pebblestate"
)

func newExport(w *world) *cobra.Command {
	var flags handFlags
	var to string
	cmd := &cobra.Command{
		Use:   "export GROUP --to FILE.parquet",
		Short: "Write the state into a Parquet file",
		Long: `export writes the state of GROUP that this machine has into a Parquet file, a row for each open window, each
key of a function and each timer. The columns key, value and timers are JSON; what no JSON can say stands there
as {"base64": ...}. store_key and store_value are the bytes that import takes: a file that was imported and is
exported again is the same.`,
		Example:           `  pyudf state export heat --to heat.parquet`,
		Args:              exactly(1),
		ValidArgsFunction: completeGroups(w, cobra.NoFileCompletions),
		RunE: func(cmd *cobra.Command, args []string) error {
			if to == "" {
				return outcome.Mendf("export needs a file to write: add --to %s.parquet", args[0])
			}
			return flags.export(cmd.Context(), w, args[0], to)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the `FILE` to write, which is replaced")
	flags.add(cmd)
	return cmd
}

func (f *handFlags) export(ctx context.Context, w *world, group, to string) (err error) {
	file, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+"-")
	if err != nil {
		return outcome.Mendf("--to %s: %w", to, cause(err))
	}
	defer func() { _ = os.Remove(file.Name()) }() // unless it has its name
	out := bufio.NewWriterSize(file, 1<<20)
	var export *stored.Export
	stores := 0
	err = f.look(ctx, w, group, func(from stored.Origin, root state.Root, names []string) error {
		if export == nil {
			export = stored.NewExport(out, from)
		}
		stores += len(names)
		return eachStore(root, names, export.Add)
	})
	if err == nil {
		err = errors.Join(export.Close(), out.Flush(), file.Sync())
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), to); err != nil {
		return outcome.Mendf("--to %s: %w", to, cause(err))
	}
	w.say("done: %s of %s written to %s", progress.Count(export.Rows, "row"), progress.Count(int64(stores), "store"), to)
	return nil
}

func newImport(w *world) *cobra.Command {
	var flags handFlags
	cmd := &cobra.Command{
		Use:   "import GROUP FILE.parquet",
		Short: "Replace the state by that of a Parquet file",
		Long: `import replaces the state of GROUP on this machine by what an export wrote, for the stores that the file names;
others stay. The app must be stopped, everywhere. The next run goes on at the offsets of the input that the file's
state reflects, and writes the state to its changelog, so that other machines have it too.`,
		Example:           `  pyudf state import heat heat.parquet`,
		Args:              exactly(2),
		ValidArgsFunction: completeGroups(w, completeFiles(1, "parquet")),
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.load(cmd.Context(), w, args[0], args[1])
		},
	}
	flags.add(cmd)
	return cmd
}

// load imports a file.
func (f *handFlags) load(ctx context.Context, w *world, group, path string) error {
	in, err := os.Open(path)
	if err != nil {
		return outcome.Mendf("%s: %w; give the path of a file that `pyudf state export` wrote", path, cause(err))
	}
	defer func() { _ = in.Close() }() // it was only read
	info, err := in.Stat()
	if err != nil {
		return outcome.Mendf("%s: %w", path, cause(err))
	}
	file, err := stored.OpenFile(in, info.Size())
	if err != nil {
		return outcome.Mendf("%s: %w", path, err)
	}
	dir, to, err := f.place(w, group)
	if err != nil {
		return err
	}
	if to.Cluster == "" { // nothing of the group is here yet
		if file.Cluster == "" {
			return outcome.Mendf("this machine has no state of the group %s, and %s does not say of which cluster it is: add --cluster", group, path)
		}
		dir = filepath.Join(filepath.Dir(dir), file.Cluster, filepath.Base(dir))
	}
	if err := nobodyRuns(ctx, dir, group); err != nil {
		return err
	}
	if err := carry(w, file, dir); err != nil {
		return fmt.Errorf("import %s: %w", path, err)
	}
	return nil
}

// nobodyRuns returns an error if a process on this machine runs a group.
func nobodyRuns(ctx context.Context, dir, group string) error {
	slots, err := node.Slots(dir)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, slot := range slots {
		run, err := console.Status(ctx, slot)
		if errors.Is(err, console.ErrNobody) {
			continue
		}
		if err != nil {
			return err
		}
		return outcome.Mendf("the group %s runs as process %d: stop it first, here and on other machines", group, run.PID)
	}
	return nil
}

// carry makes stores of a file beside those of a group, and then puts them in their place. All are made and checked before
// the first is replaced.
func carry(w *world, file *stored.File, dir string) (err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		return outcome.Mendf("%s: %w", filepath.Dir(dir), cause(err))
	}
	scratch, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+",import-")
	if err != nil {
		return outcome.Mendf("%s: %w", filepath.Dir(dir), cause(err))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	from, err := pebblestate.Open(filepath.Join(scratch, "stores"), pebblestate.Config{})
	if err != nil {
		return outcome.Mendable(err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	made, err := file.Build(from)
	if err != nil {
		return outcome.Mendable(err)
	}
	defer func() { err = errors.Join(err, made.Close()) }()
	into, err := pebblestate.Open(dir, pebblestate.Config{})
	if err != nil {
		return outcome.Mendable(err)
	}
	defer func() { err = errors.Join(err, into.Close()) }()
	if err := journal.Recover(into); err != nil { // else the next run would write it over what is imported
		return err
	}
	if err := checkAll(made, into); err != nil {
		return outcome.Mendable(err)
	}
	for _, name := range made.Names() {
		if err := made.Install(into, name, scratch); err != nil {
			return err
		}
		position, err := made.Position(name)
		if err != nil {
			return err
		}
		w.say("%s was replaced; the next run goes on at offset %s of its input", name, progress.Number(position))
	}
	return nil
}

// checkAll makes sure that the stores that are there may be replaced.
func checkAll(made *stored.Import, into *pebblestate.Root) error {
	for _, name := range made.Names() {
		there, err := into.Has(name)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		err = eachStore(into, []string{name}, made.Check)
		if err != nil {
			return err
		}
	}
	return nil
}
