package sidecar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
	"github.com/pyudf/pyudf/udfworker/address"
	"github.com/pyudf/pyudf/udfworker/host"
	"github.com/pyudf/pyudf/udfworker/plugin"
)

// Config says what to serve, where, and how it ends.
type Config struct {
	// Worker is how Python is started.
	Worker host.Config
	Listen Listen
	// HealthAddr is where probes are answered; empty: nowhere.
	HealthAddr string
	// DrainTimeout is how long the calls under way may take at the end.
	DrainTimeout time.Duration
	Logger       *slog.Logger
}

const (
	// orphanGrace is how long a call may go on that no engine waits for any more.
	orphanGrace = 5 * time.Second
	// deafness is how long Python may keep its lock to itself after an engine has left it.
	deafness = 10 * time.Second
)

// server is a worker process after the other, and what leads engines to it.
type server struct {
	config Config
	front  *front
	// at is where engines come in.
	at    string
	now   standing
	pause pause
	// fault is the last that was logged of code that does not load.
	fault string
}

// Serve serves engines until ctx ends, and finishes then what was begun. An error before says what to mend; one after
// that calls were cut off.
func Serve(ctx context.Context, config Config) error {
	s := &server{config: config}
	s.now.set("the worker is starting: it loads the code")
	if config.HealthAddr != "" {
		end, err := serveHealth(ctx, config.HealthAddr, &s.now, config.Logger)
		if err != nil {
			return err
		}
		defer end()
	}
	listener, err := config.Listen.listen(ctx, config.Logger)
	if err != nil {
		return err
	}
	s.at = config.Listen.Address.String()
	if config.Listen.Address.Host != "" {
		s.at = address.Address{Host: listener.Addr().String()}.String() // with the port that was free
	}
	s.front = newFront(listener, config.Logger)
	err = s.run(ctx)
	s.front.shut()
	gone, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cancel()
	s.front.flush(gone)
	return err
}

// run starts one worker after the other until ctx ends.
func (s *server) run(ctx context.Context) error {
	for {
		began := time.Now()
		err := s.live(ctx)
		if ctx.Err() != nil {
			return err
		}
		if interpreter, ok := errors.AsType[*host.InterpreterError](err); ok {
			return interpreter // no other start will find one
		}
		wait := s.pause.after(time.Since(began))
		s.now.set(fmt.Sprintf("%v; the next try is within %s", err, wait))
		if load, ok := errors.AsType[*host.LoadError](err); !ok || load.Message != s.fault {
			s.config.Logger.Warn("the worker is started again", "in", wait, "cause", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// live is the life of one worker process. Its error is how that ended; nil, or that calls were cut off, once ctx ended.
func (s *server) live(ctx context.Context) error {
	worker, offered, err := host.Launch(ctx, s.config.Worker)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer worker.Close() //nolint:contextcheck // it ends although ctx has
	defer s.front.lead(nil)
	if fault := offered.GetError(); fault != nil {
		return s.unloadable(ctx, worker, fault)
	}
	s.front.lead(worker.Dial)
	s.now.set("")
	s.fault = ""
	s.config.Logger.Info("serving", "at", s.at, "app", offered.GetPlan().GetApp(), "pid", worker.Pid(),
		"content", offered.GetContentHash(), "python", offered.GetPythonVersion(), "pyudf", offered.GetSdkVersion())
	return s.watch(ctx, worker)
}

// unloadable lets engines be told what is wrong with the code, until it is time to try again: what is missing may come.
func (s *server) unloadable(ctx context.Context, worker *plugin.Worker, fault *workerv1.LoadError) error {
	message := strings.TrimSpace(fault.GetMessage())
	wait := max(s.pause.next, time.Second)
	s.now.set("the code cannot be loaded: " + message)
	if message != s.fault {
		s.fault = message
		s.config.Logger.Error("the code cannot be loaded, trying again", "in", wait, "cause", strings.TrimSpace(message+"\n"+fault.GetTraceback()))
	}
	s.front.lead(worker.Dial)
	select {
	case <-time.After(wait):
	case <-worker.Exited():
	case <-ctx.Done():
		return nil
	}
	return &host.LoadError{Message: message, Traceback: fault.GetTraceback()}
}

// watch returns when the worker ends, or has drained once ctx ended.
func (s *server) watch(ctx context.Context, worker *plugin.Worker) error {
	var since time.Time
	var orphans <-chan time.Time
	for {
		select {
		case <-worker.Exited():
			return worker.Exit()
		case <-ctx.Done():
			return s.drain(context.WithoutCancel(ctx), worker)
		case left := <-s.front.left:
			if orphans == nil {
				since, orphans = left, time.After(orphanGrace)
			}
		case <-orphans:
			orphans = nil
			s.endOrphan(ctx, worker, since)
		}
	}
}

// endOrphan ends the worker if it is at a call of an engine that left: it could be at it for ever, and it has one thread
// for functions. A worker that does not answer is at such a call unless there is an engine that was there before.
func (s *server) endOrphan(ctx context.Context, worker *plugin.Worker, since time.Time) {
	ctx, cancel := context.WithTimeout(ctx, deafness)
	defer cancel()
	_, err := worker.Service().Control(ctx, &workerv1.ControlRequest{
		Action: &workerv1.ControlRequest_Abandon{Abandon: &workerv1.Abandon{Orphan: true}},
	})
	if status.Code(err) != codes.DeadlineExceeded || s.front.hasFrom(since) {
		return // there is none, or the worker ends of it; or nobody knows
	}
	s.config.Logger.Warn("the worker does not answer: a function keeps Python's lock, and an engine has left it; it is killed", "pid", worker.Pid())
	if err := worker.Kill(); err != nil { //nolint:contextcheck // it takes no time
		s.config.Logger.Error("kill the worker", "pid", worker.Pid(), "cause", err)
	}
}

// drain lets the worker finish the calls that it has begun, and hands the answers over.
func (s *server) drain(ctx context.Context, worker *plugin.Worker) error {
	s.now.set("the worker is being stopped")
	s.front.shut()
	ctx, cancel := context.WithTimeout(ctx, s.config.DrainTimeout)
	defer cancel()
	// That it cannot be asked is seen by its end, or by the end of the time.
	_, _ = worker.Service().Control(ctx, &workerv1.ControlRequest{Action: &workerv1.ControlRequest_Stop{Stop: &workerv1.Stop{}}})
	select {
	case <-worker.Exited():
		s.front.flush(ctx)
		return nil
	case <-ctx.Done():
		return fmt.Errorf("a call was still under way after %s and was cut off; its engine runs it again", s.config.DrainTimeout)
	}
}
