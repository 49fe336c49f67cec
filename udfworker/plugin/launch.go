package plugin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
)

const (
	// protocolVersion is the version of the worker protocol, as the handshake says it.
	protocolVersion = 1
	// cookieKey and cookieValue are the environment variable that tells a worker that an engine started it.
	cookieKey   = "PYUDF_PLUGIN"
	cookieValue = "worker"
	serviceName = "worker"
	// longTempDir is where socket paths come too near to the limit of about 100 bytes.
	longTempDir = 60
)

// Config says how to start a worker.
type Config struct {
	// Command is the process to start: Path, Args, Dir and Env are used. The handshake's variables are added to Env,
	// or to the engine's own environment if it is nil.
	Command *exec.Cmd
	// Runner makes the process; nil: NewChild.
	Runner RunnerFunc
	// Logger gets what the worker writes.
	Logger *slog.Logger
	// Timeout is how long the worker may take until it can be called.
	Timeout time.Duration
}

// Worker is a worker process that was launched, and the connection to it.
type Worker struct {
	client  *goplugin.Client
	process *tap
	output  *output
	service workerv1.WorkerServiceClient
	// socketDir is empty until go-plugin made it.
	socketDir string
	// address is the path of the socket, set before the first dial.
	address string
}

// Launch starts a worker and connects to it. If the worker ends before it can be called, the error is an *ExitError; if
// its command could not be started at all, the error is that of exec. A caller that gets a worker must Close it.
func Launch(ctx context.Context, config Config) (*Worker, error) {
	ctx, cancel := context.WithTimeout(ctx, config.Timeout)
	defer cancel()
	w := &Worker{output: newOutput(config.Logger)}
	w.client = goplugin.NewClient(w.clientConfig(ctx, config))
	if err := w.connect(); err != nil {
		w.Close() //nolint:contextcheck // the worker ends although ctx has
		return nil, w.launchError(ctx, config.Timeout, err)
	}
	close(w.process.ready)
	return w, nil
}

func (w *Worker) clientConfig(ctx context.Context, config Config) *goplugin.ClientConfig {
	sockets := &goplugin.UnixSocketConfig{}
	if len(os.TempDir()) > longTempDir {
		sockets.TempDir = "/tmp"
	}
	return &goplugin.ClientConfig{
		HandshakeConfig: goplugin.HandshakeConfig{
			ProtocolVersion:  protocolVersion,
			MagicCookieKey:   cookieKey,
			MagicCookieValue: cookieValue,
		},
		Plugins:          goplugin.PluginSet{serviceName: glue{}},
		RunnerFunc:       w.runnerFunc(ctx.Done(), config),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		StartTimeout:     2 * config.Timeout, // never reached: ctx ends before
		SkipHostEnv:      true,
		UnixSocketConfig: sockets,
		Logger:           libraryLogger(config.Logger), //nolint:contextcheck // it logs as long as the worker lives
		GRPCDialOptions:  append(dialOptions(), grpc.WithContextDialer(w.dial)),
	}
}

// runnerFunc completes the command with the environment that go-plugin made and has the runner made for it.
func (w *Worker) runnerFunc(
	abort <-chan struct{}, config Config,
) func(hclog.Logger, *exec.Cmd, string) (runner.Runner, error) {
	return func(_ hclog.Logger, spec *exec.Cmd, socketDir string) (runner.Runner, error) {
		w.socketDir = socketDir
		select {
		case <-abort:
			return nil, errors.New("given up before the start")
		default:
		}
		command := config.Command
		if command.Env == nil {
			command.Env = os.Environ()
		}
		command.Env = append(slices.Clip(command.Env), spec.Env...)
		newRunner := config.Runner
		if newRunner == nil {
			newRunner = plainChild
		}
		inner, err := newRunner(command, socketDir)
		if err != nil {
			return nil, err
		}
		w.process = newTap(inner, socketDir, w.output, abort)
		return w.process, nil
	}
}

func plainChild(command *exec.Cmd, _ string) (Runner, error) { return NewChild(command), nil }

func (w *Worker) dial(ctx context.Context, _ string) (net.Conn, error) {
	return dialChild(ctx, w.address)
}

func (w *Worker) connect() error {
	address, err := w.client.Start()
	if err != nil {
		return err
	}
	w.address = address.String()
	protocol, err := w.client.Client()
	if err != nil {
		return err
	}
	if err := protocol.Ping(); err != nil {
		return err
	}
	service, err := protocol.Dispense(serviceName)
	if err != nil {
		return err
	}
	client, ok := service.(workerv1.WorkerServiceClient)
	if !ok {
		return fmt.Errorf("go-plugin made a %T of the connection", service)
	}
	w.service = client
	return nil
}

// launchError says why Launch failed. REQUIRES: the worker is closed.
func (w *Worker) launchError(ctx context.Context, timeout time.Duration, err error) error {
	switch {
	case w.process == nil || !w.process.started.Load():
		return err
	case !w.process.killed.Load():
		return w.Exit()
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("the worker was not ready within %s: %w%s", timeout, ctx.Err(), quote(w.output.last()))
	case ctx.Err() != nil:
		return fmt.Errorf("the start of the worker was given up: %w", ctx.Err())
	default:
		return fmt.Errorf("the worker could not be reached: %w%s", err, quote(w.output.last()))
	}
}

// Dial opens another connection to the worker, for somebody else to use.
func (w *Worker) Dial(ctx context.Context) (net.Conn, error) { return dialChild(ctx, w.address) }

// Service returns the client of the worker's service.
func (w *Worker) Service() workerv1.WorkerServiceClient { return w.service }

// Pid returns the process id; 0 if the runner does not name its process by a number.
func (w *Worker) Pid() int {
	pid, err := strconv.Atoi(w.process.ID())
	if err != nil {
		return 0
	}
	return pid
}

// Exited closes when the process is gone and its output was read.
func (w *Worker) Exited() <-chan struct{} { return w.process.done }

// Exit returns how the process ended. REQUIRES: Exited is closed.
func (w *Worker) Exit() *ExitError {
	return &ExitError{ID: w.process.ID(), Lines: w.output.last(), Err: w.process.err}
}

// Kill ends the process with everything in its group. It does not wait.
func (w *Worker) Kill() error { return w.process.Kill(context.Background()) }

// Close kills the process if it still runs, waits for its end and releases what the worker held.
func (w *Worker) Close() {
	if w.process != nil && w.process.started.Load() {
		_ = w.process.Kill(context.Background()) // without success Exited does not close, which is seen
		<-w.process.done
	}
	w.client.Kill()
	if w.socketDir != "" {
		_ = os.RemoveAll(w.socketDir) // go-plugin leaves it if the process did not start
	}
}

// glue makes the service's client of go-plugin's connection.
type glue struct {
	goplugin.NetRPCUnsupportedPlugin
}

var _ goplugin.GRPCPlugin = glue{}

func (glue) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error {
	return errors.New("this side only calls workers")
}

func (glue) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, connection *grpc.ClientConn) (any, error) {
	return workerv1.NewWorkerServiceClient(connection), nil
}
