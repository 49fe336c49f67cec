package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
	"github.com/pyudf/pyudf/udfworker/plugin"
)

// module is what the interpreter runs.
const module = "pyudf.worker"

// Config says how to start a worker.
type Config struct {
	// Python is the interpreter: a path, or a name to look for in PATH.
	Python string
	// Args are the arguments of the worker: its target and flags.
	Args []string
	// Dir is the working directory; empty: the engine's.
	Dir string
	// Env is the environment; nil: the engine's.
	Env []string
	// Logger gets what the worker writes, and the end of the worker; nil: nothing is logged.
	Logger *slog.Logger
	// Runner makes the process; nil: a plain child process. This is the seam where a sandbox goes.
	Runner plugin.RunnerFunc
	// StartTimeout is how long the worker may take to load the user's code; 0: 5 min. When much of it is over that is logged.
	StartTimeout time.Duration
}

// EnsureDefaults sets what is empty.
func (c *Config) EnsureDefaults() {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = 5 * time.Minute
	}
}

// slowStart is after how long people want to know why nothing happens.
const slowStart = 15 * time.Second

// remark says after a while that the code is still being loaded, unless the timer is stopped.
func (c *Config) remark() *time.Timer {
	after := min(slowStart, c.StartTimeout/2)
	return time.AfterFunc(after, func() {
		c.Logger.Warn("the code is still being loaded", "since", after, "limit", c.StartTimeout)
	})
}

// LoadError is a fault in the user's code that kept it from being loaded.
type LoadError struct {
	// Message says what happened, where and what to do next.
	Message string
	// Traceback has the user's own frames; it may be empty.
	Traceback string
}

func (e *LoadError) Error() string { return e.Message }

// Start starts a worker and asks what it offers. Its error says what the user has to mend: an *InterpreterError, a
// *LoadError, or a *plugin.ExitError if the process ended early.
func Start(ctx context.Context, config Config) (*Process, error) {
	config.EnsureDefaults()
	ctx, cancel := context.WithTimeout(ctx, config.StartTimeout)
	defer cancel()
	defer config.remark().Stop()
	worker, err := launch(ctx, config)
	if err != nil {
		return nil, err
	}
	p, err := newProcess(ctx, worker, manner{owned: true, name: "the worker"}, config.Logger)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, fmt.Errorf("the worker did not load the user's code within %s: %w; what its files import and do at their top must end by then", config.StartTimeout, err)
	}
	return p, err
}

// Launch starts a worker for others to call, and returns what it offers: code that cannot be loaded is no error here.
// Its errors are those of Start else. The caller must Close the worker.
func Launch(ctx context.Context, config Config) (*plugin.Worker, *workerv1.DescribeResponse, error) {
	config.EnsureDefaults()
	ctx, cancel := context.WithTimeout(ctx, config.StartTimeout)
	defer cancel()
	defer config.remark().Stop()
	worker, err := launch(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	offered, err := worker.Service().Describe(ctx, &workerv1.DescribeRequest{})
	if err == nil {
		err = checkProtocol(offered)
	}
	if err != nil {
		worker.Close() //nolint:contextcheck // it ends although ctx has
		return nil, nil, err
	}
	return worker, offered, nil
}

// launch starts the process. What it wrote is not logged if the error is an *InterpreterError, which says the same.
func launch(ctx context.Context, config Config) (*plugin.Worker, error) {
	python, err := config.interpreter()
	if err != nil {
		return nil, explain(config, err)
	}
	command := exec.Command(python, config.arguments()...) //nolint:noctx // it outlives the start
	command.Dir, command.Env = config.Dir, config.Env
	logger, held := hold(config.Logger)
	worker, err := plugin.Launch(ctx, plugin.Config{
		Command: command,
		Runner:  config.Runner,
		Logger:  logger,
		Timeout: config.StartTimeout,
	})
	if err != nil {
		err = explain(config, err)
	}
	if _, ok := errors.AsType[*InterpreterError](err); !ok {
		held.release()
	}
	return worker, err
}

// interpreter returns the path of the interpreter, which must not depend on the worker's working directory. Links stay:
// Python finds its virtual environment by them.
func (c *Config) interpreter() (string, error) {
	path, err := exec.LookPath(c.Python)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// arguments returns what the interpreter is called with.
func (c *Config) arguments() []string {
	arguments := []string{"-m", module}
	if runtime.GOOS != "linux" && c.Runner == nil {
		// There the kernel does not end a child with its parent: the worker itself looks after it.
		arguments = append(arguments, "--parent-pid", strconv.Itoa(os.Getpid()))
	}
	return append(arguments, c.Args...)
}
