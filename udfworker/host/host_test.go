package host_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/udfworker/host"
	"github.com/pyudf/pyudf/udfworker/workertest"
)

func TestMain(m *testing.M) {
	workertest.Main()
	goleak.VerifyTestMain(m)
}

// fake is the configuration of a worker that this test binary is.
func fake(behaviour string, env ...string) host.Config {
	return host.Config{
		Python:       os.Args[0],
		Args:         []string{behaviour},
		Env:          workertest.Env(env...),
		StartTimeout: time.Minute,
	}
}

func start(t *testing.T, config host.Config) *host.Process {
	t.Helper()
	p, err := host.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// floats is a call of a function over one column.
func floats(function string, values ...float64) *dispatch.Call {
	return &dispatch.Call{
		Function: function,
		Rows:     len(values),
		Columns:  []record.Column{{Type: record.Float64, Rows: len(values), Floats: values}},
	}
}

func texts(function string, values ...string) *dispatch.Call {
	call := &dispatch.Call{Function: function, Rows: len(values)}
	for _, value := range values {
		call.Records.Append([]byte(value))
	}
	return call
}

func run(t *testing.T, p *host.Process, call *dispatch.Call) *dispatch.Result {
	t.Helper()
	result, err := p.Run(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func requireSays(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %q, want %q in it", err, part)
		}
	}
}

// began starts a call and returns where its error will be.
func began(ctx context.Context, p *host.Process, call *dispatch.Call) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := p.Run(ctx, call)
		done <- err
	}()
	return done
}

func TestAWorkerAnswersColumnsRecordsAndFailures(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	if got := run(t, p, floats(workertest.Same, 1, 2.5)); got.Column.Floats[1] != 2.5 || got.Busy != 1 {
		t.Errorf("got %v", got)
	}
	got := run(t, p, texts(workertest.Echo, `{"a":1}`, `{}`))
	if string(got.Records.At(0)) != `{"a":1}` || got.Sources[1] != 1 {
		t.Errorf("got %q of %v", got.Records.Data, got.Sources)
	}
	got = run(t, p, floats(workertest.Fails, 1, 2))
	if len(got.Failures) != 2 || got.Failures[1].Exception != "RuntimeError" {
		t.Errorf("got %v", got.Failures)
	}
}

func TestALargeBatchTravelsWhole(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	values := make([]float64, 4<<20) // 32 MiB, more than a window
	values[len(values)-1] = 7
	if got := run(t, p, floats(workertest.Same, values...)); got.Column.Floats[len(values)-1] != 7 {
		t.Error("the last value is another")
	}
}

func TestManyGoroutinesGetTheirOwnAnswers(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 100 {
				value := float64(worker*1000 + i)
				result, err := p.Run(t.Context(), floats(workertest.Same, value))
				if err != nil || result.Column.Floats[0] != value {
					t.Errorf("asked %v, got %v, %v", value, result, err)
				}
			}
		})
	}
	all.Wait()
}

func TestAnswersAreMatchedByNumberNotByOrder(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	var all sync.WaitGroup
	for _, value := range []float64{1, 2} { // the worker holds the first and answers the second before it
		all.Go(func() {
			result, err := p.Run(t.Context(), floats(workertest.Hold, value))
			if err != nil || result.Column.Floats[0] != value {
				t.Errorf("asked %v, got %v, %v", value, result, err)
			}
		})
	}
	all.Wait()
}

func TestTheAnswerToACallThatWasGivenUpIsDropped(t *testing.T) {
	holding := make(chan struct{})
	config := fake(workertest.Serve)
	config.Logger = slog.New(&waitHandler{Handler: slog.DiscardHandler, message: workertest.Holding, seen: holding})
	p := start(t, config)
	ctx, cancel := context.WithCancel(t.Context())
	first := began(ctx, p, floats(workertest.Hold, 1))
	<-holding
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	// The worker answers the second call, then the first one.
	for _, call := range []*dispatch.Call{floats(workertest.Hold, 2), floats(workertest.Same, 2)} {
		if got := run(t, p, call); got.Column.Floats[0] != 2 {
			t.Errorf("%s: got %v", call.Function, got.Column.Floats)
		}
	}
}

// waitHandler tells when a message is logged for the first time.
type waitHandler struct {
	slog.Handler
	message string
	once    sync.Once
	seen    chan struct{}
}

func (h *waitHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *waitHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == h.message {
		h.once.Do(func() { close(h.seen) })
	}
	return h.Handler.Handle(ctx, r)
}

func TestADyingWorkerFailsAllItsCallsAndSaysHowItEnded(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	pending := began(t.Context(), p, floats(workertest.Hold, 1))
	_, err := p.Run(t.Context(), floats(workertest.Exit, 1))
	requireSays(t, err, "exited with status 3", "line 2\n", "line 11")
	if strings.Contains(err.Error(), "line 1\n") {
		t.Errorf("more than ten lines: %q", err)
	}
	requireSays(t, <-pending, "exited with status 3")
	<-p.Done()
	_, err = p.Run(t.Context(), floats(workertest.Same, 1))
	requireSays(t, err, "exited with status 3")
}

func TestAWorkerThatSomebodyKillsSaysBySignal(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	process, err := os.FindProcess(p.Pid())
	if err != nil {
		t.Fatal(err)
	}
	pending := began(t.Context(), p, floats(workertest.Hang, 1))
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	requireSays(t, <-pending, "was killed by SIGKILL")
	<-p.Done()
}

func TestAHangingCallEndsWithItsContextAndTheWorkerIsKilled(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := p.Run(ctx, floats(workertest.Hang, 1))
	requireSays(t, err, "did not answer a call of hang with 1 rows")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	other := began(t.Context(), p, floats(workertest.Same, 1))
	p.Kill()
	requireSays(t, <-other, "the engine killed the worker")
	p.Kill()
}

func TestACallThatTheWorkerDoesNotEvenTakeEndsWithItsContext(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	hanging := began(t.Context(), p, floats(workertest.Hang, 1))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	large := make([]float64, 4<<20) // more than the worker's window
	for _, pending := range []<-chan error{
		began(ctx, p, floats(workertest.Same, large...)),
		began(ctx, p, floats(workertest.Same, large...)),
	} {
		if err := <-pending; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	}
	p.Kill()
	requireSays(t, <-hanging, "the engine killed the worker")
}

func TestAWorkerThatBreaksTheProtocolIsOfNoUse(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	_, err := p.Run(t.Context(), floats(workertest.WrongRows, 1))
	requireSays(t, err, "breaks the protocol", "it has 2 rows, the call had 1")
	_, err = p.Run(t.Context(), floats(workertest.WrongSeq, 1))
	requireSays(t, err, "is of no use any more", "which waits for no answer")
	<-p.Done()
}

func TestAWorkerThatEndsItsStreamIsKilled(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	_, err := p.Run(t.Context(), floats(workertest.HangUp, 1))
	requireSays(t, err, "is of no use any more", "the worker has had enough")
	<-p.Done()
}

func TestAFunctionThatTheWorkerLacksIsAnError(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	_, err := p.Run(t.Context(), floats("nobody", 1))
	requireSays(t, err, `offers no function "nobody"`)
}

func TestAStoppedWorkerAnswersWhatItHasAndTakesNoMore(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	run(t, p, floats(workertest.Same, 1))
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	_, err := p.Run(t.Context(), floats(workertest.Same, 1))
	requireSays(t, err, "was asked to stop")
}

func TestAWorkerThatDoesNotStopIsKilledWhenTheTimeIsUp(t *testing.T) {
	p := start(t, fake(workertest.Stubborn))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := p.Stop(ctx)
	requireSays(t, err, "did not stop by itself and was killed")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	<-p.Done()
}

func TestTheEndOfAnIdleWorkerIsLogged(t *testing.T) {
	var log bytes.Buffer
	config := fake(workertest.Serve)
	config.Logger = slog.New(slog.NewTextHandler(&log, nil))
	p := start(t, config)
	process, err := os.FindProcess(p.Pid())
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.Done() // the log is written before
	if !strings.Contains(log.String(), `level=WARN msg="worker ended"`) {
		t.Errorf("got %s", &log)
	}
}
