package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyudf/pyudf/engine/dispatch"
	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
	"github.com/pyudf/pyudf/udfworker/plugin"
	"github.com/pyudf/pyudf/udfworker/wire"
)

// exitGrace is how long the end of a process may come after the end of its stream, to be reported as the reason.
const exitGrace = time.Second

var errStopped = errors.New("the worker was asked to stop and takes no more calls")

// process is the worker's process, or the connection to one that is not ours.
type process interface {
	Service() workerv1.WorkerServiceClient
	// Pid is the process id here; 0 if it is not known.
	Pid() int
	// Exited closes when the process is gone.
	Exited() <-chan struct{}
	// Exit says how. REQUIRES: Exited is closed.
	Exit() *plugin.ExitError
	// Kill does not wait.
	Kill() error
	// Close kills what still runs, waits for its end and releases what it held.
	Close()
}

// abandoner is a process that is not ours, and may be asked to end at a call that hangs.
type abandoner interface{ abandon() }

// manner is what tells workers apart that were started here and those of others.
type manner struct {
	// owned tells that the process was started here.
	owned bool
	// name is what messages call the worker.
	name string
	// accept refuses a worker by what it offers; nil: none.
	accept func(*workerv1.DescribeResponse) error
}

// Process is a worker. Its methods may be called by several goroutines.
type Process struct {
	process     process
	manner      manner
	pid         int
	logger      *slog.Logger
	description *workerv1.DescribeResponse
	functions   map[string]*wire.Function
	stream      *stream
	killed      atomic.Bool
	stopping    atomic.Bool
	// hung tells that a call went over its timeout.
	hung atomic.Bool
	// streamEnd gets the error that ended the stream.
	streamEnd chan error
	done      chan struct{}
	// ended is when the worker went. REQUIRES: done is closed.
	ended time.Time
}

var _ dispatch.Worker = (*Process)(nil)

// newProcess asks the process what it offers and opens the stream. It closes the process if that goes wrong.
func newProcess(ctx context.Context, worker process, manner manner, logger *slog.Logger) (*Process, error) {
	p := &Process{
		process:   worker,
		manner:    manner,
		logger:    logger,
		stream:    newStream(),
		streamEnd: make(chan error, 1),
		done:      make(chan struct{}),
	}
	if err := p.describe(ctx); err != nil {
		err = p.startError(ctx, err)
		worker.Close()
		return nil, err
	}
	streamCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	client, err := p.open(ctx, streamCtx)
	if err != nil {
		cancel()
		err = p.startError(ctx, err)
		worker.Close()
		return nil, err
	}
	go p.stream.send(client)
	go func() { p.streamEnd <- p.stream.receive(client) }()
	go p.watch(cancel)
	return p, nil
}

func (p *Process) describe(ctx context.Context) (err error) {
	if p.description, err = describe(ctx, p.process.Service(), p.manner.accept); err != nil {
		return err
	}
	if p.pid = p.process.Pid(); p.pid == 0 {
		p.pid = int(p.description.GetPid())
	}
	p.functions, err = wire.Functions(p.description.GetPlan())
	return err
}

// startError prefers the end of the process to what the connection made of it.
func (p *Process) startError(ctx context.Context, err error) error {
	var load *LoadError
	if errors.As(err, &load) || ctx.Err() != nil || !p.exitsWithin(exitGrace) {
		return err
	}
	return p.process.Exit()
}

func (p *Process) exitsWithin(grace time.Duration) bool {
	if !p.manner.owned {
		return false
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.process.Exited():
		return true
	case <-timer.C:
		return false
	}
}

// watch ends the worker's calls when the worker ends, and the worker when its stream does.
func (p *Process) watch(cancel context.CancelFunc) {
	cause := p.awaitEnd()
	p.reportLeft(cause)
	p.stream.fail(cause)
	cancel()
	p.process.Close()
	if p.manner.owned && !p.killed.Load() && !p.stopping.Load() {
		p.logger.Warn("worker ended", "pid", p.pid, "error", cause)
	}
	p.ended = time.Now()
	close(p.done)
}

// reportLeft logs the end of a worker that is not ours, before whoever learns of it closes the connection.
func (p *Process) reportLeft(cause error) {
	switch {
	case p.manner.owned || p.killed.Load():
	case errors.Is(cause, dispatch.ErrAway):
		p.logger.Info("the worker was stopped by whoever runs it, waiting until it is back", "pid", p.pid, "cause", cause)
	case errors.Is(cause, dispatch.ErrLost):
		p.logger.Warn("the worker is lost, waiting until it is back", "pid", p.pid, "cause", cause)
	default:
		p.logger.Warn("worker ended", "pid", p.pid, "error", cause)
	}
}

// awaitEnd returns what happened to the worker.
func (p *Process) awaitEnd() error {
	select {
	case <-p.process.Exited():
		return p.exitCause()
	case err := <-p.streamEnd:
		if p.stopping.Load() && errors.Is(err, io.EOF) {
			<-p.process.Exited() // by itself, or by the Kill of a Stop that waits no longer
			return p.exitCause()
		}
		if mayBeExit(err) && !p.manner.owned {
			return p.leftCause(err)
		}
		if mayBeExit(err) && p.exitsWithin(exitGrace) {
			return p.exitCause()
		}
		if errors.Is(err, io.EOF) {
			err = errors.New("it ended the stream of calls, though nobody asked it to")
		}
		return fmt.Errorf("the worker (process %d) is of no use any more: %w", p.pid, err)
	}
}

// endError is the end of a worker that is not ours, of a kind that dispatch knows.
type endError struct {
	message string
	kind    error
}

func (e *endError) Error() string { return e.message }

func (e *endError) Unwrap() error { return e.kind }

// leftCause says how the stream of a worker ended that is not ours. One that is stopped ends it behind the last answer.
func (p *Process) leftCause(err error) error {
	switch {
	case p.killed.Load():
		return p.exitCause()
	case errors.Is(err, io.EOF):
		return &endError{p.manner.name + " was stopped after it had answered what it had begun", dispatch.ErrAway}
	default:
		return &endError{fmt.Sprintf("the connection to %s was lost: %s", p.manner.name, status.Convert(err).Message()), dispatch.ErrLost}
	}
}

// mayBeExit tells whether a stream may have ended because the process did, rather than by the worker's own choice.
func mayBeExit(err error) bool {
	code := status.Code(err)
	return errors.Is(err, io.EOF) || code == codes.Unavailable || code == codes.Canceled
}

func (p *Process) exitCause() error {
	switch {
	case p.killed.Load() && !p.manner.owned:
		return fmt.Errorf("the engine closed the connection to %s", p.manner.name)
	case p.killed.Load():
		return fmt.Errorf("the engine killed the worker (process %d)", p.pid)
	case p.stopping.Load() && p.process.Exit().Err == nil:
		return errStopped
	default:
		return p.process.Exit()
	}
}

// Description returns what the worker said that it offers.
func (p *Process) Description() *workerv1.DescribeResponse { return p.description }

// Pid returns the id of the process; for one that was attached, or whose runner does not tell, as it says itself.
func (p *Process) Pid() int { return p.pid }

// Done closes when the process is gone and released. It then fails every call.
func (p *Process) Done() <-chan struct{} { return p.done }

// Run answers one call. The call's memory must not change until the worker is gone or has answered, even if Run
// returned because ctx ended: the answer to such a call is dropped. The result shares the memory of the worker's
// answer and is the caller's.
func (p *Process) Run(ctx context.Context, call *dispatch.Call) (*dispatch.Result, error) {
	function := p.functions[call.Function]
	if function == nil {
		return nil, fmt.Errorf("the worker (process %d) offers no function %q", p.pid, call.Function)
	}
	request, err := function.Request(call)
	if err != nil {
		return nil, err
	}
	response, err := p.stream.ask(ctx, request)
	switch {
	case err != nil && err == ctx.Err(): //nolint:errorlint // ask returns the context's own error
		if errors.Is(context.Cause(ctx), dispatch.ErrTimeout) {
			p.hung.Store(true)
		}
		return nil, fmt.Errorf("the worker (process %d) did not answer a call of %s with %d rows: %w",
			p.pid, call.Function, call.Rows, err)
	case err != nil:
		return nil, err
	}
	return function.Result(call, response)
}

// Kill ends the process with everything in its process group, and waits until it is gone. Of a worker that was
// attached it closes the connection; if a call of it hangs, the worker is asked to end before, so that it can be started
// anew: it has one thread for functions.
func (p *Process) Kill() {
	if others, ok := p.process.(abandoner); ok && p.hung.Load() && !p.killed.Load() {
		others.abandon()
	}
	p.killed.Store(true)
	if err := p.process.Kill(); err != nil {
		p.logger.Error("kill worker", "pid", p.pid, "error", err)
	}
	<-p.done
}

// Stop lets the worker answer the calls that it has and end by itself; if ctx ends before, or the worker cannot be
// asked, it is killed and the error says so. A worker that was attached is left to others: only the connection ends.
func (p *Process) Stop(ctx context.Context) error {
	if !p.manner.owned {
		p.Kill()
		return nil
	}
	p.stopping.Store(true)
	p.stream.close()
	_, err := p.process.Service().Control(ctx, &workerv1.ControlRequest{
		Action: &workerv1.ControlRequest_Stop{Stop: &workerv1.Stop{}},
	})
	if err == nil || p.exitsWithin(exitGrace) {
		select {
		case <-p.done:
			return nil
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	p.Kill()
	return fmt.Errorf("the worker (process %d) did not stop by itself and was killed: %w", p.pid, err)
}
