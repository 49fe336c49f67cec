package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/pyudf/pyudf/engine/metrics"
)

// ErrTimeout is the cause of a WorkerError if a call took longer than the function's timeout.
var ErrTimeout = errors.New("timeout")

// slot is the place of one worker: when that dies, another takes its place.
type slot struct {
	start   Start
	metrics *metrics.Set
	logger  *slog.Logger

	// use has as many shares as the worker has credits: a call takes one of them, or all if it must be alone.
	use *semaphore.Weighted

	// mu guards what follows. It is held while a worker is started, so that all callers wait for the same one.
	mu     sync.Mutex
	worker Worker
	// answered is closed, and another takes its place, when a call has its answer.
	answered chan struct{}
	closed   bool
	began    bool
}

func newSlot(start Start, set *metrics.Set, logger *slog.Logger) *slot {
	return &slot{
		start:    start,
		metrics:  set,
		logger:   logger,
		use:      semaphore.NewWeighted(creditsPerWorker),
		answered: make(chan struct{}),
	}
}

// company says how much of a worker a call takes.
type company int64

const (
	shared company = 1
	alone  company = creditsPerWorker
)

// run runs a call. Its error is a *WorkerError if the worker was lost with it.
func (s *slot) run(ctx context.Context, f *Function, call *Call) (*Result, error) {
	worker, err := s.alive(ctx)
	if err != nil {
		return nil, err
	}
	defer s.answer()
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if f.Timeout > 0 {
		go s.watch(limited, f.Timeout, cancel)
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

// watch cancels a call that takes longer than the timeout, counted from the worker's last answer: until then it may have
// been at another call.
func (s *slot) watch(ctx context.Context, timeout time.Duration, cancel context.CancelCauseFunc) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		select {
		case <-s.next():
			timer.Reset(timeout)
		case <-timer.C:
			cancel(ErrTimeout)
			return
		case <-ctx.Done():
			return
		}
	}
}

// next returns what is closed when the worker answers next.
func (s *slot) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answered
}

// answer tells the other calls of the worker that one has its answer.
func (s *slot) answer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.answered)
	s.answered = make(chan struct{})
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
