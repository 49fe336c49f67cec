package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pyudf/pyudf/engine/metrics"
)

// ErrTimeout is the cause of a WorkerError if a call took longer than the function's timeout.
var ErrTimeout = errors.New("timeout")

// slot is the place of one worker: when that dies, another takes its place.
type slot struct {
	start   Start
	metrics *metrics.Set
	logger  *slog.Logger

	// use is held for reading by each call on the worker, for writing by a call that must be alone. Lock order: use, mu.
	use sync.RWMutex

	// mu guards what follows. It is held while a worker is started, so that all callers wait for the same one.
	mu     sync.Mutex
	worker Worker
	// last is closed when the call that was sent last has its answer: a worker answers in order.
	last   chan struct{}
	closed bool
	began  bool
}

// company says whether a call may share its worker with others.
type company uint8

const (
	shared company = iota
	alone
)

// enter waits until a call may use the worker, and returns what to call when it is over.
func (s *slot) enter(c company) (leave func()) {
	if c == alone {
		s.use.Lock()
		return s.use.Unlock
	}
	s.use.RLock()
	return s.use.RUnlock
}

// run runs a call. Its error is a *WorkerError if the worker was lost with it.
func (s *slot) run(ctx context.Context, f *Function, call *Call) (*Result, error) {
	worker, err := s.alive(ctx)
	if err != nil {
		return nil, err
	}
	before, done := s.queue()
	defer close(done)
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if f.Timeout > 0 {
		go watch(limited, before, f.Timeout, cancel)
	}
	result, err := worker.Run(limited, call)
	if err == nil {
		err = result.check(f, call)
	}
	if err == nil {
		return result, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if errors.Is(context.Cause(limited), ErrTimeout) {
		err = fmt.Errorf("%s took longer than %s: %w", f.Name, f.Timeout, ErrTimeout)
	}
	s.lose(worker)
	return nil, &WorkerError{Cause: err}
}

// watch cancels a call that takes longer than the timeout, counted from when its turn comes.
func watch(ctx context.Context, before <-chan struct{}, timeout time.Duration, cancel context.CancelCauseFunc) {
	select {
	case <-before:
	case <-ctx.Done():
		return
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-timer.C:
		cancel(ErrTimeout)
	case <-ctx.Done():
	}
}

// queue returns when the turn of the next call comes, and what to close when it is over.
func (s *slot) queue() (before <-chan struct{}, done chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, done = s.last, make(chan struct{})
	s.last = done
	return before, done
}

// alive returns the slot's worker and starts one if there is none.
func (s *slot) alive(ctx context.Context) (Worker, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("the workers are stopped")
	}
	if s.worker != nil {
		return s.worker, nil
	}
	worker, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	if s.began {
		s.metrics.WorkerRestarts.Inc()
	}
	s.began = true
	s.worker = worker
	s.last = make(chan struct{})
	close(s.last)
	return worker, nil
}

// lose kills a worker and makes room for another. Other calls of the same worker lose it too; the first one counts.
func (s *slot) lose(worker Worker) {
	worker.Kill()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.worker == worker {
		s.worker = nil
	}
}

func (s *slot) stop(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.worker == nil {
		return
	}
	if err := s.worker.Stop(ctx); err != nil {
		s.logger.Warn("a worker did not stop by itself", "error", err)
		s.worker.Kill()
	}
	s.worker = nil
}
