package plugin_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
	"github.com/pyudf/pyudf/udfworker/address"
	"github.com/pyudf/pyudf/udfworker/plugin"
	"github.com/pyudf/pyudf/udfworker/workertest"
)

func TestMain(m *testing.M) {
	workertest.Main()
	engineMain()
	goleak.VerifyTestMain(m)
}

// logBuffer is the log of a test.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func config(behaviour string, log *logBuffer, env ...string) plugin.Config {
	command := exec.Command(os.Args[0], behaviour) //nolint:noctx // its end is what is tested
	command.Env = workertest.Env(env...)
	return plugin.Config{
		Command: command,
		Logger:  slog.New(slog.NewTextHandler(log, nil)),
		Timeout: time.Minute,
	}
}

func launch(t *testing.T, config plugin.Config) *plugin.Worker {
	t.Helper()
	w, err := plugin.Launch(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func describe(t *testing.T, w *plugin.Worker) *workerv1.DescribeResponse {
	t.Helper()
	response, err := w.Service().Describe(t.Context(), &workerv1.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestALaunchedWorkerAnswersAndEndsWhenItIsClosed(t *testing.T) {
	w := launch(t, config(workertest.Serve, &logBuffer{}))
	if got := int(describe(t, w).GetPid()); got != w.Pid() {
		t.Errorf("process %d answers, %d was started", got, w.Pid())
	}
	w.Close()
	<-w.Exited()
	w.Close()
}

func TestACustomRunnerStartsTheWorkerInAPrivateDirectory(t *testing.T) {
	var directory string
	var mode fs.FileMode
	var environment []string
	c := config(workertest.Serve, &logBuffer{})
	c.Runner = func(command *exec.Cmd, socketDir string) (plugin.Runner, error) {
		info, err := os.Stat(socketDir)
		if err != nil {
			return nil, err
		}
		directory, mode, environment = socketDir, info.Mode().Perm(), command.Env
		return plugin.NewChild(command), nil
	}
	w := launch(t, c)
	describe(t, w)
	if mode != 0o700 {
		t.Errorf("the directory %q has mode %o", directory, mode)
	}
	if !strings.Contains(strings.Join(environment, "\n"), "PYUDF_PLUGIN=worker") {
		t.Error("the runner's command has no handshake")
	}
	w.Close()
	if _, err := os.Stat(directory); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory outlives the worker: %v", err)
	}
}

func TestARunnerThatRefusesIsTheErrorOfTheLaunch(t *testing.T) {
	refusal := errors.New("this host has no fences")
	c := config(workertest.Serve, &logBuffer{})
	c.Runner = func(*exec.Cmd, string) (plugin.Runner, error) { return nil, refusal }
	if _, err := plugin.Launch(t.Context(), c); !errors.Is(err, refusal) {
		t.Errorf("got %v", err)
	}
}

func TestLongLinesOnEitherStreamDoNotBlockTheWorker(t *testing.T) {
	log := &logBuffer{}
	w := launch(t, config(workertest.Noisy, log))
	describe(t, w)
	if err := w.Kill(); err != nil {
		t.Fatal(err)
	}
	<-w.Exited()
	// The noise is written while the worker serves, so it may end early; what came first is always there.
	if !strings.Contains(log.String(), `level=INFO msg="site-packages say hello" stream=stdout`) {
		t.Errorf("got log %.300s", log)
	}
}

func TestWhatAWorkerPrintsBecomesLogRecordsCutToSize(t *testing.T) {
	log := &logBuffer{}
	quiet := make(chan struct{})
	c := config(workertest.Noisy, log)
	c.Logger = slog.New(&watchHandler{Handler: c.Logger.Handler(), message: "quiet now", seen: quiet})
	w := launch(t, c)
	<-quiet
	w.Close()
	for _, want := range []string{
		"level=INFO msg=" + strings.Repeat("m", 64<<10)[:100],
		strings.Repeat("m", 100) + `... (1048576 bytes)" function=loud`,
		strings.Repeat("e", 100) + `... (1048576 bytes)" stream=stderr`,
		`level=INFO msg="quiet now" function=loud`,
	} {
		if !strings.Contains(strings.ReplaceAll(log.String(), `msg="mm`, "msg=mm"), want) {
			t.Errorf("the log lacks %.100q", want)
		}
	}
}

// watchHandler tells when a message is logged.
type watchHandler struct {
	slog.Handler
	message string
	seen    chan struct{}
}

func (h *watchHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == h.message {
		close(h.seen)
	}
	return h.Handler.Handle(ctx, r)
}

func TestAWorkerThatEndsAtItsStartIsReportedWithItsLastLines(t *testing.T) {
	_, err := plugin.Launch(t.Context(), config(workertest.Incomplete, &logBuffer{}, workertest.MissingModule+"=grpc"))
	if _, ok := errors.AsType[*plugin.ExitError](err); !ok {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"exited with status 1", "No module named grpc"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want %q in it", err, want)
		}
	}
}

func TestAWorkerThatIsNotReadyInTimeIsKilled(t *testing.T) {
	for _, behaviour := range []string{workertest.Silent, workertest.Deaf} {
		c := config(behaviour, &logBuffer{})
		c.Timeout = 300 * time.Millisecond
		_, err := plugin.Launch(t.Context(), c)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "not ready within 300ms") {
			t.Errorf("%s: got %v", behaviour, err)
		}
	}
}

func TestALaunchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := config(workertest.Silent, &logBuffer{})
	c.Runner = func(command *exec.Cmd, _ string) (plugin.Runner, error) {
		return cancelOnStart{plugin.NewChild(command), cancel}, nil
	}
	if _, err := plugin.Launch(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := plugin.Launch(ctx, config(workertest.Serve, &logBuffer{})); err == nil {
		t.Error("a launch after the end of its context started a worker")
	}
}

type cancelOnStart struct {
	plugin.Runner
	cancel context.CancelFunc
}

func (r cancelOnStart) Start(ctx context.Context) error {
	defer r.cancel()
	return r.Runner.Start(ctx)
}

func TestASocketOutsideOfTheWorkersDirectoryIsRefused(t *testing.T) {
	_, err := plugin.Launch(t.Context(), config(workertest.Elsewhere, &logBuffer{}, "TMPDIR="+t.TempDir()))
	if err == nil || !strings.Contains(err.Error(), "listens outside of the directory") {
		t.Errorf("got %v", err)
	}
}

func TestACommandThatDoesNotExistIsTheErrorOfTheLaunch(t *testing.T) {
	c := config(workertest.Serve, &logBuffer{})
	c.Command.Path = "/no/such/python"
	if _, err := plugin.Launch(t.Context(), c); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestDialRefusesWhatIsNoSocket(t *testing.T) {
	for path, says := range map[string]string{
		t.TempDir() + "/missing": "there is no such file",
		t.TempDir():              "it is no socket",
	} {
		if _, err := plugin.Dial(t.Context(), address.Address{Path: path}, address.TLS{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}
