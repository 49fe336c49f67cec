package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/python"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/target"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/plan"
	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
	"github.com/pyudf/pyudf/udfworker/address"
	"github.com/pyudf/pyudf/udfworker/host"
)

// codeFlags say which user code to load, and with which interpreter; or which worker has loaded it already.
type codeFlags struct {
	target target.Flags
	python string
	// attachTimeout is how long that worker is waited for.
	attachTimeout time.Duration
}

const targetHelp = `The app is APP.py, a notebook, the directory of a package or a bundle, with :NAME behind it if there are several.
A single function without a decorator runs as FILE:FUNCTION with --from and --to; its value becomes the field
--column, by default one of its own name.`

func (f *codeFlags) add(cmd *cobra.Command) {
	f.addTarget(cmd)
	cmd.Flags().StringVar(&f.target.Attach, "attach", "", "use the worker that `pyudf worker` serves at `ADDRESS`: unix:///PATH, or HOST:PORT with certificates")
	addWorkerTLS(cmd, &f.target.TLS, "--attach HOST:PORT")
	cmd.Flags().StringVar(&f.target.TLS.Name, "worker-tls-name", "", "with --attach HOST:PORT, the `NAME` in the worker's certificate (default HOST)")
}

// addWorkerTLS adds the flags with the certificates for a worker that another flag attaches.
func addWorkerTLS(cmd *cobra.Command, tls *address.TLS, attach string) {
	cmd.Flags().StringVar(&tls.Cert, "worker-tls-cert", "", "with "+attach+", the `FILE` with the certificate that the worker is shown")
	cmd.Flags().StringVar(&tls.Key, "worker-tls-key", "", "with "+attach+", the `FILE` with its key")
	cmd.Flags().StringVar(&tls.CA, "worker-tls-ca", "", "with "+attach+", the `FILE` with the CA of the worker's certificate")
}

// addTarget adds the flags that say what a worker loads.
func (f *codeFlags) addTarget(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.target.From, "from", "", "for FILE:FUNCTION the `INPUT` topic or file; for an app the same as --start")
	cmd.Flags().StringVar(&f.target.To, "to", "", "for FILE:FUNCTION the `TOPIC` or file that it writes")
	cmd.Flags().StringVar(&f.target.Column, "column", "", "for FILE:FUNCTION the `FIELD` that the result becomes")
	cmd.Flags().StringVar(&f.target.Key, "key", "", "for FILE:FUNCTION the `FIELD` that the input is keyed by")
	cmd.Flags().StringVar(&f.target.Time, "time", "", "for FILE:FUNCTION the `FIELD` with the event time")
	cmd.Flags().StringVar(&f.python, "python", "", "the `INTERPRETER` or virtual environment of the workers (default the environment that pyudf is installed in, else the active one, else .venv beside the app, else python3)")
}

// workers starts the processes that run user code. The first ones are started to ask one for the plan, and serve then.
type workers struct {
	start  func(ctx context.Context) (*host.Process, error)
	logger *slog.Logger

	// hash is that of the code that the run began with, and said what its first worker says of it.
	hash string
	said *workerv1.DescribeResponse

	lock sync.Mutex // guards warm
	// warm are workers that nobody took yet.
	warm []*host.Process
}

// open starts the first workers, side by side. Its error says what is wrong with the user's code.
func (f *codeFlags) open(ctx context.Context, t target.Target, n int, logger *slog.Logger) (*workers, error) {
	w := &workers{logger: logger}
	if !t.Attach.IsZero() {
		w.start = host.NewSidecar(host.AttachConfig{
			Address: t.Attach, TLS: t.TLS, Timeout: f.attachTimeout, Quit: ctx.Done(), Logger: logger,
		}).Attach
	} else {
		interpreter, err := f.interpreter(t.File)
		if err != nil {
			return nil, outcome.Mendable(err)
		}
		w.start = func(ctx context.Context) (*host.Process, error) {
			return host.Start(ctx, host.Config{Python: interpreter, Args: t.Arguments, Logger: logger})
		}
	}
	if err := w.warmUp(ctx, n); err != nil {
		w.close()
		return nil, outcome.Mendable(explainLoad(err))
	}
	return w, nil
}

var errCodeChanged = errors.New("the app's code changed while it ran; start it again to run the new code")

// warmUp starts workers side by side.
func (w *workers) warmUp(ctx context.Context, n int) error {
	group, starting := errgroup.WithContext(ctx)
	for i := range n {
		start := w.insist
		if i == 0 { // it says what is wrong, if the code ends its process
			start = w.start
		}
		group.Go(func() error {
			process, err := start(starting)
			if err != nil {
				return err
			}
			w.lock.Lock()
			defer w.lock.Unlock()
			w.warm = append(w.warm, process)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	w.said = w.warm[0].Description()
	w.hash = w.said.GetContentHash()
	for _, process := range w.warm {
		if process.Description().GetContentHash() != w.hash {
			return errCodeChanged
		}
	}
	return nil
}

func (f *codeFlags) interpreter(app string) (string, error) {
	if slices.Contains([]string{".py", ".ipynb", ".pyudf"}, filepath.Ext(app)) {
		if _, err := os.Stat(app); err != nil {
			return "", fmt.Errorf("%s: %w; give the path of your app as seen from this directory", app, cause(err))
		}
	}
	program, err := os.Executable()
	if err != nil {
		program = "" // then it is in no environment that could be found
	}
	chooser := python.Chooser{Getenv: os.Getenv, Executable: isExecutable, Exists: exists, LookPath: exec.LookPath, Program: program}
	return chooser.Choose(f.python, app)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// Start implements dispatch.Start.
func (w *workers) Start(ctx context.Context) (dispatch.Worker, error) {
	if warm := w.take(); warm != nil {
		return warm, nil
	}
	process, err := w.insist(ctx)
	if err != nil {
		return nil, err
	}
	if process.Description().GetContentHash() != w.hash {
		process.Kill()
		return nil, errCodeChanged
	}
	return process, nil
}

// attempts is how often a worker is started that a signal ends before it is ready. The code loaded once in this run,
// so that the fault is elsewhere: somebody killed it, or memory was short for a moment.
const attempts = 5

func (w *workers) insist(ctx context.Context) (*host.Process, error) {
	for n := 1; ; n++ {
		process, err := w.start(ctx)
		if err == nil || n == attempts || !signalled(err) {
			return process, err
		}
		w.logger.Warn("a worker was killed while it started, starting another", "cause", err)
	}
}

func signalled(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled()
}

// take returns a worker that is up already, nil if there is none. One that died meanwhile is passed over.
func (w *workers) take() *host.Process {
	w.lock.Lock()
	defer w.lock.Unlock()
	for len(w.warm) > 0 {
		process := w.warm[0]
		w.warm = w.warm[1:]
		select {
		case <-process.Done():
		default:
			return process
		}
	}
	return nil
}

// close ends the workers that nobody took.
func (w *workers) close() {
	for process := w.take(); process != nil; process = w.take() {
		process.Kill()
	}
}

// explainLoad returns the message of an error of the user's code, with the user's own frames if there are any.
func explainLoad(err error) error {
	if load, ok := errors.AsType[*host.LoadError](err); ok {
		return outcome.Mendable(errors.New(strings.TrimSpace(load.Message + "\n" + load.Traceback)))
	}
	if faulty, ok := errors.AsType[*plan.Error](err); ok {
		return outcome.Mendable(faulty)
	}
	return err
}
