package main

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/console"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/pebblestate"
)

// leaveState puts a store where a run would have left it: with a position, a watermark, a step and a key.
func leaveState(t *testing.T, dir, name, shape string) {
	t.Helper()
	root, err := pebblestate.Open(dir, pebblestate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	store, err := root.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(store.Apply(taskState(shape)), store.Close(), root.Close()); err != nil {
		t.Fatal(err)
	}
}

func taskState(shape string) *state.Changes {
	changes := &state.Changes{}
	changes.Set([]byte("mposition"), binary.AppendVarint(nil, 1042))
	changes.Set([]byte("mclock"), append(binary.AppendVarint(binary.AppendVarint(nil, 1_356_998_400_000), 0), 0))
	changes.Set([]byte("mshape/2"), []byte(shape))
	changes.Set([]byte("mabout/2"), []byte(`{"at":"heat.py:12","key":["station"],"function":"alarm","states":["total"]}`))
	changes.Set([]byte("s2/sJFK"), append(binary.AppendVarint(binary.AppendVarint(nil, 1_356_998_400_000), record.NoTime), 2, 5))
	return changes
}

func TestInspectShowsTheStoresOfAGroup(t *testing.T) {
	p, home := newProgram(t), t.TempDir()
	leaveState(t, filepath.Join(home, "c1", "heat"), "topic-weather-0", "shape")
	leaveState(t, filepath.Join(home, "c1", "heat"), "topic-weather-1", "shape")
	p.must(t, "state", "inspect", "heat", "--state-dir", home)
	want := []string{"  at offset 1,042  watermark 2013-01-01T00:00:00Z", "heat.py:12  alarm  1 key", `{"station":"JFK"}`, `{"total":5}`}
	for _, text := range want {
		if strings.Count(p.out.String(), text) != 2 {
			t.Errorf("%q is not there twice:\n%s", text, p.out.String())
		}
	}
	p.must(t, "state", "inspect", "heat", "--key", "LGA", "--state-dir", home)
	if strings.Contains(p.out.String(), "JFK") {
		t.Errorf("another key is shown:\n%s", p.out.String())
	}
}

func TestStateThatIsNotThereIsNamed(t *testing.T) {
	p, home := newProgram(t), t.TempDir()
	missing := "pyudf: this machine has no state of the group heat in %: name the group that the run was given, which is the app's name " +
		"without --group, and its --state-dir"
	p.refuses(t, strings.ReplaceAll(missing, "%", filepath.Join(home, "heat")), "state", "inspect", "heat", "--state-dir", home)
	leaveState(t, filepath.Join(home, "c1", "heat"), "topic-weather-0", "shape")
	leaveState(t, filepath.Join(home, "c2", "heat"), "topic-weather-0", "shape")
	p.refuses(t, "pyudf: "+home+" has state of the group heat for several clusters: add --cluster with one of c1, c2", "state", "inspect", "heat", "--state-dir", home)
	p.must(t, "state", "inspect", "heat", "--cluster", "c2", "--state-dir", home)
	p.refuses(t, strings.ReplaceAll(missing, "%", filepath.Join(home, "c3", "heat")), "state", "inspect", "heat", "--cluster", "c3", "--state-dir", home)
}

// content returns all that a store has.
func content(t *testing.T, dir, name string) []string {
	t.Helper()
	root, err := pebblestate.Open(dir, pebblestate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	store, err := root.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	err = store.Scan(nil, func(key, value []byte) error {
		all = append(all, string(key)+"="+string(value))
		return nil
	})
	if err := errors.Join(err, store.Close(), root.Close()); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestStateMovesToAnotherMachineByAFile(t *testing.T) {
	p, here, there := newProgram(t), t.TempDir(), t.TempDir()
	leaveState(t, filepath.Join(here, "c1", "heat"), "topic-weather-0", "shape")
	file := filepath.Join(t.TempDir(), "heat.parquet")
	p.must(t, "state", "export", "heat", "--to", file, "--state-dir", here)
	if want := "done: 5 rows of 1 store written to " + file + "\n"; p.err.String() != want {
		t.Errorf("got %swant %s", p.err.String(), want)
	}
	p.must(t, "state", "import", "heat", file, "--state-dir", there)
	if want := "topic-weather-0 was replaced; the next run goes on at offset 1,042 of its input\n"; p.err.String() != want {
		t.Errorf("got %swant %s", p.err.String(), want)
	}
	want := append([]string{"aimport="}, content(t, filepath.Join(here, "c1", "heat"), "topic-weather-0")...)
	if got := content(t, filepath.Join(there, "c1", "heat"), "topic-weather-0"); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if left, _ := filepath.Glob(filepath.Join(there, "c1", "*,import-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestOtherStateIsNotReplaced(t *testing.T) {
	p, here, there := newProgram(t), t.TempDir(), t.TempDir()
	leaveState(t, filepath.Join(here, "c1", "heat"), "topic-weather-0", "shape")
	file := filepath.Join(t.TempDir(), "heat.parquet")
	p.must(t, "state", "export", "heat", "--to", file, "--state-dir", here)
	leaveState(t, filepath.Join(there, "c1", "heat"), "topic-weather-0", "another shape")
	before := content(t, filepath.Join(there, "c1", "heat"), "topic-weather-0")
	p.refuses(t, "pyudf: import "+file+": the stored state was made by another pipeline: topic-weather-0 is\n    another shape\n  and the file has\n    shape\n"+
		"  export it from the same app, or import it into another group", "state", "import", "heat", file, "--state-dir", there)
	if now := content(t, filepath.Join(there, "c1", "heat"), "topic-weather-0"); !slices.Equal(now, before) {
		t.Errorf("the store was changed: %q", now)
	}
	p.refuses(t, "pyudf: "+file+"-2: no such file or directory; give the path of a file that `pyudf state export` wrote", "state", "import", "heat", file+"-2", "--state-dir", there)
}

// leaveJournal leaves a change of a store in a journal, as a single node does that dies in the midst of a commit.
func leaveJournal(t *testing.T, dir, name string) {
	t.Helper()
	root, err := pebblestate.Open(dir, pebblestate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	store, err := root.Open("journal")
	if err != nil {
		t.Fatal(err)
	}
	var change, batch state.Changes
	change.Set([]byte("mposition"), binary.AppendVarint(nil, 2042))
	batch.Set(append(make([]byte, 4), name...), change.Append(nil))
	if err := errors.Join(store.Apply(&batch), store.Close(), root.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestACommitThatACrashCutIsFinishedBeforeAnythingElse(t *testing.T) {
	p, home := newProgram(t), t.TempDir()
	dir := filepath.Join(home, "c1", "heat")
	leaveState(t, dir, "topic-weather-0", "shape")
	file := filepath.Join(t.TempDir(), "heat.parquet")
	p.must(t, "state", "export", "heat", "--to", file, "--state-dir", home)
	leaveJournal(t, dir, "topic-weather-0")
	p.must(t, "state", "inspect", "heat", "--state-dir", home)
	if !strings.Contains(p.out.String(), "at offset 2,042") {
		t.Errorf("the cut commit is not shown:\n%s", p.out.String())
	}
	leaveJournal(t, dir, "topic-weather-0")
	p.must(t, "state", "import", "heat", file, "--state-dir", home)
	p.must(t, "state", "inspect", "heat", "--state-dir", home)
	if !strings.Contains(p.out.String(), "at offset 1,042") {
		t.Errorf("the cut commit came over the import:\n%s", p.out.String())
	}
}

func TestARunningGroupIsNotImportedInto(t *testing.T) {
	p, home := newProgram(t), t.TempDir()
	leaveState(t, filepath.Join(home, "c1", "heat"), "topic-weather-0", "shape")
	file := filepath.Join(t.TempDir(), "heat.parquet")
	p.must(t, "state", "export", "heat", "--to", file, "--state-dir", home)
	serving(t, home, "heat", console.Config{})
	p.refuses(t, "pyudf: the group heat runs as process 4711: stop it first, here and on other machines", "state", "import", "heat", file, "--state-dir", home)
}

func TestARunningGroupIsLookedIntoThroughCopies(t *testing.T) {
	p, home := newProgram(t), t.TempDir()
	dir := filepath.Join(home, "c1", "heat")
	root, err := pebblestate.Open(dir, pebblestate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close() //nolint:errcheck // of a test
	held, err := root.Open("topic-weather-0")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close() //nolint:errcheck // of a test
	if err := held.Apply(taskState("shape")); err != nil {
		t.Fatal(err)
	}
	copies := 0
	serving(t, home, "heat", console.Config{Checkpoint: func(_ context.Context, into string) error {
		copies++
		from, ok := held.(state.Checkpointer)
		if !ok {
			t.Fatalf("%T makes no copies", held)
		}
		return from.Checkpoint(filepath.Join(into, "topic-weather-0"))
	}})
	serving(t, home, "heat", console.Config{Checkpoint: func(context.Context, string) error { return nil }}) // has no partition
	file := filepath.Join(t.TempDir(), "heat.parquet")
	p.must(t, "state", "inspect", "heat", "--key", "JFK", "--state-dir", home)
	if !strings.Contains(p.out.String(), `{"total":5}`) {
		t.Errorf("got %s", p.out.String())
	}
	p.must(t, "state", "export", "heat", "--to", file, "--state-dir", home)
	if !strings.HasPrefix(p.err.String(), "done: 5 rows of 1 store ") || copies != 2 {
		t.Errorf("with %d copies got %s", copies, p.err.String())
	}
	if left, _ := filepath.Glob(filepath.Join(home, "c1", "heat,nodes", "*", "checkpoint-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestACopyThatFailsLeavesNoFile(t *testing.T) {
	p, home := newProgram(t), t.TempDir()
	leaveState(t, filepath.Join(home, "c1", "heat"), "topic-weather-0", "shape")
	serving(t, home, "heat", console.Config{Checkpoint: func(context.Context, string) error { return errors.New("the disk is full") }})
	dir := t.TempDir()
	if code := p.run(t, "state", "export", "heat", "--to", filepath.Join(dir, "heat.parquet"), "--state-dir", home); code != 1 || !strings.Contains(p.err.String(), "the disk is full") {
		t.Errorf("it ended with %d: %s", code, p.err.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v (%v)", left, err)
	}
	p.refuses(t, "pyudf: --to "+filepath.Join(dir, "no", "heat.parquet")+": no such file or directory", "state", "export", "heat", "--to", filepath.Join(dir, "no", "heat.parquet"), "--state-dir", home)
	p.refuses(t, "pyudf: export needs a file to write: add --to heat.parquet", "state", "export", "heat", "--state-dir", home)
}
