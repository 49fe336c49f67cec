package host_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/udfworker/host"
)

// python returns the interpreter that has pyudf, and skips the test where there is none; in CI it fails.
func python(t testing.TB) string {
	t.Helper()
	interpreter := os.Getenv("PYUDF_PYTHON")
	if interpreter == "" {
		interpreter = filepath.Join("..", "..", ".venv", "bin", "python")
	}
	if err := exec.CommandContext(t.Context(), interpreter, "-c", "import pyudf.worker").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s cannot run pyudf: %v", interpreter, err)
		}
		t.Skipf("%s cannot run pyudf (%v): make .venv, or set PYUDF_PYTHON", interpreter, err)
	}
	return interpreter
}

func startPython(t *testing.T, handler slog.Handler) *host.Process {
	t.Helper()
	return start(t, host.Config{
		Python: python(t), Args: []string{"app.py"}, Dir: "testdata", Logger: slog.New(handler), StartTimeout: time.Minute,
	})
}

// call returns a call of one of the functions of testdata/app.py, whose module they are named by.
func call(t testing.TB, p *host.Process, name string, columns ...record.Column) *dispatch.Call {
	t.Helper()
	for _, f := range p.Description().GetPlan().GetFunctions() {
		if f.GetName() == name {
			return &dispatch.Call{Function: f.GetId(), Rows: columns[0].Rows, Columns: columns}
		}
	}
	t.Fatalf("the worker has no function %s", name)
	return nil
}

func ints(values ...int64) record.Column {
	return record.Column{Type: record.Int64, Rows: len(values), Ints: values}
}

func strs(values ...string) record.Column {
	b := record.NewBuilder(record.String, len(values))
	for _, value := range values {
		b.Text([]byte(value))
	}
	return b.Column()
}

func TestPythonAnswersScalarFunctions(t *testing.T) {
	p := startPython(t, slog.DiscardHandler)
	x := floats("", 3, -1, 5).Columns[0]
	got := run(t, p, call(t, p, "half", x))
	if got.Column.Floats[0] != 1.5 || got.Column.Floats[2] != 2.5 {
		t.Errorf("got %v", got.Column.Floats)
	}
	if len(got.Failures) != 1 || got.Failures[0].Row != 1 || got.Failures[0].Exception != "ValueError" ||
		got.Failures[0].Message != "-1.0 is negative" || !strings.Contains(got.Failures[0].Traceback, "app.py") {
		t.Errorf("got %+v", got.Failures)
	}
	got = run(t, p, call(t, p, "word", ints(0, 1, 2), strs("a", "", "\u00e9")))
	for i, want := range []string{"", "", "\u00e9\u00e9"} {
		if text := string(got.Column.Text.At(i)); text != want {
			t.Errorf("row %d: got %q, want %q", i, text, want)
		}
	}
	got = run(t, p, call(t, p, "big", ints(1, 200, 3, 101, 5, 6, 7, 8, 109)))
	for i, want := range []bool{false, true, false, true, false, false, false, false, true} {
		if record.Bit(got.Column.Bools, i) != want {
			t.Errorf("row %d: want %t", i, want)
		}
	}
}

func TestPythonAnswersRecordFunctions(t *testing.T) {
	p := startPython(t, slog.DiscardHandler)
	requireRecords(t, runTexts(t, p, "rename", `{"x":1}`, `{"x":0}`, `{"x":2}`), []string{`{"y":1}`, `{"y":2}`}, []int32{0, 2})
	got := runTexts(t, p, "split", `{"text":"a b"}`, `nonsense`, `{"text":""}`, `{"text":"c"}`)
	requireRecords(t, got, []string{`{"part":"a"}`, `{"part":"b"}`, `{"part":"c"}`}, []int32{0, 0, 3})
	if len(got.Failures) != 1 || got.Failures[0].Row != 1 {
		t.Errorf("got failures %+v", got.Failures)
	}
	if got := runTexts(t, p, "rename", `{"x":1}`, ""); len(got.Failures) != 1 || got.Failures[0].Row != 1 {
		t.Errorf("a null record: got failures %+v", got.Failures)
	}
}

func runTexts(t *testing.T, p *host.Process, name string, values ...string) *dispatch.Result {
	t.Helper()
	c := call(t, p, name, record.Column{Rows: len(values)})
	c.Columns, c.Records = nil, texts("", values...).Records
	return run(t, p, c)
}

func requireRecords(t *testing.T, got *dispatch.Result, want []string, sources []int32) {
	t.Helper()
	if got.Records.Len() != len(want) {
		t.Fatalf("got %d records: %q", got.Records.Len(), got.Records.Data)
	}
	for i := range want {
		if text := string(got.Records.At(i)); text != want[i] || got.Sources[i] != sources[i] {
			t.Errorf("record %d: got %q of row %d, want %q of row %d", i, text, got.Sources[i], want[i], sources[i])
		}
	}
}

func TestPythonKilledInMidBatchSaysSo(t *testing.T) {
	p := startPython(t, slog.DiscardHandler)
	_, err := p.Run(t.Context(), call(t, p, "die", ints(0, 0, 1, 0)))
	requireSays(t, err, "was killed by SIGKILL")
	<-p.Done()
}

func TestPythonThatExitsSaysItsStatusAndLastWords(t *testing.T) {
	p := startPython(t, slog.DiscardHandler)
	_, err := p.Run(t.Context(), call(t, p, "leave", ints(3)))
	requireSays(t, err, "exited with status 3", "goodbye")
	<-p.Done()
}

func TestAPythonFunctionThatNeverReturnsIsCutOff(t *testing.T) {
	p := startPython(t, slog.DiscardHandler)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := p.Run(ctx, call(t, p, "never", ints(3600)))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	p.Kill()
	<-p.Done()
}

func TestMegabytesPrintedInPythonBecomeLogRecordsOfTheirFunction(t *testing.T) {
	done := make(chan struct{})
	seen := &recorder{}
	p := startPython(t, &waitHandler{Handler: seen, message: "done", seen: done})
	if got := run(t, p, call(t, p, "loud", ints(1_000_000))); got.Column.Ints[0] != 1_000_000 {
		t.Errorf("got %v", got.Column.Ints)
	}
	<-done
	p.Kill()
	printed, raw := seen.count("x"), seen.count("y")+seen.count("z")
	if printed < 100_000 || raw < 100_000 {
		t.Errorf("the log has %d bytes of what was printed and %d of what was written below Python", printed, raw)
	}
	if function := seen.function("done"); function != "loud" {
		t.Errorf("the line is of function %q", function)
	}
}

func TestPythonStopsWhenItIsAsked(t *testing.T) {
	p := startPython(t, slog.DiscardHandler)
	run(t, p, call(t, p, "big", ints(1)))
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	<-p.Done()
}

func TestPythonCodeThatCannotBeLoadedIsALoadError(t *testing.T) {
	_, err := host.Start(t.Context(), host.Config{
		Python: python(t), Args: []string{"broken.py"}, Dir: "testdata", StartTimeout: time.Minute,
	})
	var load *host.LoadError
	if !errors.As(err, &load) || !strings.Contains(load.Message+load.Traceback, "no_such_module") {
		t.Errorf("got %T: %v", err, err)
	}
}

func TestAnInterpreterWithoutPyudfSaysHowToInstallIt(t *testing.T) {
	bare := bareInterpreter(t)
	_, err := host.Start(t.Context(), host.Config{Python: bare, Args: []string{"app.py"}, Dir: "testdata"})
	requireSays(t, err, "does not have the package pyudf", bare+" -m pip install pyudf", "--python")
}

// bareInterpreter is a Python with nothing but its standard library.
func bareInterpreter(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "python")
	base, err := exec.CommandContext(t.Context(), python(t), "-c", "import sys; print(sys._base_executable)").Output()
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\nexec " + strings.TrimSpace(string(base)) + " -I -S \"$@\"\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
	return path
}
