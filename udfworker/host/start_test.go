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

	"github.com/pyudf/pyudf/udfworker/host"
	"github.com/pyudf/pyudf/udfworker/plugin"
	"github.com/pyudf/pyudf/udfworker/workertest"
)

func TestWhatTheWorkerOffersIsKnownFromTheStart(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	if app := p.Description().GetPlan().GetApp(); app != "test" {
		t.Errorf("got app %q", app)
	}
	if told := int(p.Description().GetPid()); told != p.Pid() || told == os.Getpid() {
		t.Errorf("process %d says it is %d", p.Pid(), told)
	}
}

func TestCodeThatCannotBeLoadedIsALoadError(t *testing.T) {
	_, err := host.Start(t.Context(), fake(workertest.Unloadable))
	var load *host.LoadError
	if !errors.As(err, &load) || load.Traceback != "heat.py, line 1" {
		t.Fatalf("got %v", err)
	}
	requireSays(t, err, "heat.py cannot be loaded: ZeroDivisionError")
}

func TestAnInterpreterThatCannotBeAWorkerIsOneClearSentence(t *testing.T) {
	notExecutable := filepath.Join(t.TempDir(), "python")
	if err := os.WriteFile(notExecutable, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	lacking := func(module string) host.Config {
		return fake(workertest.Incomplete, workertest.MissingModule+"="+module)
	}
	for says, config := range map[string]host.Config{
		`There is no Python interpreter "no-such-python". Name one with --python.`: {Python: "no-such-python"},
		`There is no Python interpreter "/no/such/python".`:                        {Python: "/no/such/python"},
		"cannot be executed": {Python: notExecutable},
		"does not have the package pyudf. Install it with `" + os.Args[0] + " -m pip install pyudf`": lacking("pyudf"),
		"does not have the package pyudf. Install it":                                                lacking("'pyudf.worker'"),
		"does not have the module grpc, which pyudf needs. Install it":                               lacking("'grpc'"),
	} {
		_, err := host.Start(t.Context(), config)
		requireSays(t, err, says)
		var fault *host.InterpreterError
		if !errors.As(err, &fault) || fault.Python != config.Python {
			t.Errorf("got %T: %v", err, err)
		}
	}
}

func TestOnlyWhatTheErrorOfTheStartDoesNotSayIsLogged(t *testing.T) {
	for _, c := range []struct {
		behaviour, missing string
		logged             bool
	}{
		{workertest.Incomplete, "pyudf", false},
		{workertest.Incomplete, "", true}, // it ends without a module to blame
	} {
		var log strings.Builder
		config := fake(c.behaviour, workertest.MissingModule+"="+c.missing)
		config.Logger = slog.New(slog.NewTextHandler(&log, nil)) // all is logged when Start returns
		_, err := host.Start(t.Context(), config)
		if err == nil || strings.Contains(log.String(), "No module named") != c.logged {
			t.Errorf("missing %q: logged %q with the error %v", c.missing, log.String(), err)
		}
	}
}

func TestAMissingWorkingDirectoryIsNamed(t *testing.T) {
	config := fake(workertest.Serve)
	config.Dir = filepath.Join(t.TempDir(), "gone")
	_, err := host.Start(t.Context(), config)
	requireSays(t, err, "the working directory", "gone", "does not exist")
}

func TestAStartThatTakesTooLongEndsInTime(t *testing.T) {
	config := fake(workertest.Silent)
	config.StartTimeout = 100 * time.Millisecond
	var log recorder
	config.Logger = slog.New(&log)
	_, err := host.Start(t.Context(), config)
	requireSays(t, err, "not ready within 100ms")
	if n := log.count("still being loaded"); n != 1 {
		t.Errorf("that it takes its time was said %d times", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := host.Start(ctx, fake(workertest.Serve)); err == nil {
		p.Kill()
		t.Error("started after the end of the context")
	}
}

func TestTheRunnerOfTheConfigurationStartsTheWorker(t *testing.T) {
	used := false
	config := fake(workertest.Serve)
	config.Runner = func(command *exec.Cmd, _ string) (plugin.Runner, error) {
		used = true
		return plugin.NewChild(command), nil
	}
	run(t, start(t, config), floats(workertest.Same, 1))
	if !used {
		t.Error("another runner started the worker")
	}
}
