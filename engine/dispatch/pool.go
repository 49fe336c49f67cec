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

// Pool runs calls on a fixed number of workers. Create it with NewPool.
type Pool struct {
	credits chan *slot
	slots   []*slot
	pace    pace
	metrics *metrics.Set
	logger  *slog.Logger
}

// creditsPerWorker is how many calls a worker has: one that it works on and one that waits, so that it never idles.
const creditsPerWorker = 2

// NewPool starts workers and returns a pool of them. The first error of a start is returned.
func NewPool(ctx context.Context, start Start, workers int, set *metrics.Set, logger *slog.Logger) (*Pool, error) {
	p := &Pool{
		credits: make(chan *slot, workers*creditsPerWorker),
		pace:    pace{cost: map[work]time.Duration{}},
		metrics: set,
		logger:  logger,
	}
	for range workers {
		p.slots = append(p.slots, newSlot(start, set, logger))
	}
	errs := make(chan error, workers)
	for _, s := range p.slots {
		go func() {
			_, err := s.alive(ctx)
			errs <- err
		}()
	}
	var all []error
	for range p.slots {
		all = append(all, <-errs)
	}
	for range creditsPerWorker {
		for _, s := range p.slots {
			p.credits <- s
		}
	}
	if err := firstOf(all); err != nil {
		p.Close(ctx)
		return nil, err
	}
	return p, nil
}

func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Close stops the workers; those that have not stopped when ctx ends are killed.
func (p *Pool) Close(ctx context.Context) {
	var wait sync.WaitGroup
	for _, s := range p.slots {
		wait.Go(func() { s.stop(ctx) })
	}
	wait.Wait()
}

// Call runs a function on a batch and returns the answer for all its rows: what the user's code raises and rows that
// kill workers are Failures. An error says that no worker could be started, that ctx ended or that the pool is broken.
func (p *Pool) Call(ctx context.Context, f Function, call *Call) (*Result, error) {
	size, known := p.pace.rows(workOf(&f, call))
	ends := call.cut(size)
	if most := cap(p.credits); !known && len(ends) > most {
		ends = ends[:most] // the rest is cut when these have shown how long a row takes
	}
	pieces, err := p.pieces(ctx, &f, call, ends)
	if err != nil {
		return nil, err
	}
	if from := ends[len(ends)-1]; from < call.parts() {
		rest := call.part(from, call.parts())
		size, _ := p.pace.rows(workOf(&f, call))
		others, err := p.pieces(ctx, &f, rest, rest.cut(size))
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, others...)
	}
	return join(&f, pieces), nil
}

// pieces runs the slices of a call that have these ends, at the same time.
func (p *Pool) pieces(ctx context.Context, f *Function, call *Call, ends []int) ([]piece, error) {
	pieces := make([]piece, len(ends))
	errs := make([]error, len(ends))
	var wait sync.WaitGroup
	from := 0
	for i, end := range ends {
		part := call.part(from, end)
		pieces[i].call = part
		from = end
		if i == len(ends)-1 {
			pieces[i].result, errs[i] = p.insist(ctx, f, part)
			break
		}
		wait.Go(func() { pieces[i].result, errs[i] = p.insist(ctx, f, part) })
	}
	wait.Wait()
	return pieces, firstOf(errs)
}

// excused is how often a call may be lost with the connection to a worker of others before it is a suspect.
const excused = 2

// insist runs a call until there is an answer. If the worker died, it may have died of another call that it had, or
// somebody killed it: the call is a suspect from then on. A connection that is lost is more often no call's doing.
func (p *Pool) insist(ctx context.Context, f *Function, call *Call) (*Result, error) {
	for lost := 0; ; lost++ {
		result, err := p.ask(ctx, f, call, shared)
		died := new(WorkerError)
		if !errors.As(err, &died) {
			return result, err
		}
		if !errors.Is(died, ErrLost) || lost == excused {
			p.logger.Warn("a worker died, its batch is run again", "function", f.Name, "rows", call.Rows, "cause", died.Cause)
			return p.suspect(ctx, f, call)
		}
		p.logger.Debug("a worker was lost, its batch is run again", "function", f.Name, "rows", call.Rows, "cause", died.Cause)
	}
}

// ask runs a call on one worker after the other as long as those are stopped in good order before they begin it.
func (p *Pool) ask(ctx context.Context, f *Function, call *Call, company company) (*Result, error) {
	for {
		result, err := p.try(ctx, f, call, company)
		if died := new(WorkerError); !errors.As(err, &died) || !errors.Is(died, ErrAway) {
			return result, err
		}
		p.logger.Debug("a worker was stopped, a batch that it had not begun is run again", "function", f.Name, "rows", call.Rows)
	}
}

// suspect runs a call that was lost with a worker, alone on another: if that dies too, in ever smaller slices, until
// the row or the group that kills workers stands alone. That is blamed if it did so twice.
func (p *Pool) suspect(ctx context.Context, f *Function, call *Call) (*Result, error) {
	died := new(WorkerError)
	for range 2 {
		result, err := p.ask(ctx, f, call, alone)
		if !errors.As(err, &died) {
			return result, err
		}
		switch {
		case call.isSequence(f):
			return p.sequence(ctx, f, call)
		case call.parts() > 1:
			return p.split(ctx, f, call)
		}
	}
	p.logger.Warn("a record kills workers", "function", f.Name, "cause", died.Cause)
	return failed(f, call, Failure{Exception: died.exception(), Message: died.message(f, call)}), nil
}

// sixteenths are what a suspect is cut into.
const sixteenths = 16

// split runs a call in slices that do not depend on each other.
func (p *Pool) split(ctx context.Context, f *Function, call *Call) (*Result, error) {
	var pieces []piece
	from, n := 0, call.parts()
	for _, end := range cut(n, (n+sixteenths-1)/sixteenths) {
		part := call.part(from, end)
		result, err := p.suspect(ctx, f, part)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, piece{part, result})
		from = end
	}
	return join(f, pieces), nil
}

// sequence runs the rows of one group in slices, each with the states and timers that the one before left. Only the
// row that kills fails, and the others count as if it had not been there. It ends before a row for which a timer is due.
func (p *Pool) sequence(ctx context.Context, f *Function, call *Call) (*Result, error) {
	var pieces []piece
	var before *Result
	from := 0
	for _, end := range cut(call.Rows, (call.Rows+sixteenths-1)/sixteenths) {
		part := call.after(before, from, end)
		if part.waits(before) {
			return joinSequence(f, append(pieces, untaken(f, call.after(before, from, call.Rows)))), nil
		}
		result, err := p.suspect(ctx, f, part)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, piece{part, result})
		before, from = result, end
	}
	return joinSequence(f, pieces), nil
}

// try runs a call once, on the next worker with a credit.
func (p *Pool) try(ctx context.Context, f *Function, call *Call, company company) (*Result, error) {
	var s *slot
	select {
	case s = <-p.credits:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { p.credits <- s }()
	if err := s.use.Acquire(ctx, int64(company)); err != nil {
		return nil, err
	}
	defer s.use.Release(int64(company))
	began := time.Now()
	result, err := s.run(ctx, f, call)
	if err != nil {
		return nil, err
	}
	p.pace.learn(workOf(f, call), result.weight(call), result.Busy)
	p.metrics.CallRows.WithLabelValues(f.Name).Observe(float64(call.Rows))
	p.metrics.CallSeconds.WithLabelValues(f.Name).Observe(time.Since(began).Seconds())
	p.metrics.WorkerBusy.WithLabelValues(f.Name).Add(result.Busy.Seconds())
	return result, nil
}

// WorkerError says that a worker is gone, with the call that it had.
type WorkerError struct{ Cause error }

func (e *WorkerError) Error() string { return fmt.Sprintf("the worker is gone: %v", e.Cause) }

func (e *WorkerError) Unwrap() error { return e.Cause }

func (e *WorkerError) exception() string {
	if errors.Is(e.Cause, ErrTimeout) {
		return "Timeout"
	}
	return "WorkerDied"
}

func (e *WorkerError) message(f *Function, call *Call) string {
	if errors.Is(e.Cause, ErrTimeout) {
		return fmt.Sprintf("%s did not return within its timeout of %s, twice; its process was killed", f.Name, f.Timeout)
	}
	if errors.Is(e, ErrLost) {
		return fmt.Sprintf("the worker that ran %s was lost with this %s, again and again, and with no other: %v", f.Name, unitOf(f, call), e.Cause)
	}
	return fmt.Sprintf("the process that ran %s died with this %s, twice: %v", f.Name, unitOf(f, call), e.Cause)
}
