package engine

import (
	"context"
	"errors"
	"sync"

	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/source"
)

// Running is a run that is under way. Any goroutine may call it.
type Running struct {
	stop  context.CancelCauseFunc
	begun chan struct{}
	// released is closed before done.
	released, done chan struct{}
	err            error // set when done is closed
}

// Start begins a run, which goes on until ctx ends as Run does, or until it is told otherwise.
func Start(ctx context.Context, config Config) *Running {
	ctx, stop := context.WithCancelCause(ctx)
	r := &Running{stop: stop, begun: make(chan struct{}), released: make(chan struct{}), done: make(chan struct{})}
	config.begun = sync.OnceFunc(func() { close(r.begun) })
	release := sync.OnceFunc(func() { close(r.released) })
	config.released = release
	go func() {
		defer close(r.done)
		defer stop(nil)
		defer release()
		r.err = Run(ctx, config)
		if ctx.Err() != nil && errors.Is(r.err, context.Canceled) {
			r.err = nil // it was stopped while it opened
		}
	}()
	return r
}

// Begun is closed when every source has been given its partitions and goes on with them: a run that does not come to that has
// processed nothing, and the one before can go on.
func (r *Running) Begun() <-chan struct{} { return r.begun }

// Released is closed when the run holds nothing any more that another one of its group on this node needs: it has committed,
// and its state and clients are closed. Its workers may still be on their way out.
func (r *Running) Released() <-chan struct{} { return r.released }

// Done is closed when the run has ended. Err returns its error then, as Run would.
func (r *Running) Done() <-chan struct{} { return r.done }

// Err returns the run's error; nil if it was stopped, before it began or later. REQUIRES: Done is closed.
func (r *Running) Err() error { return r.err }

// Stop has the run finish what it has, commit and leave its groups.
func (r *Running) Stop() { r.stop(nil) }

// HandOver has the run finish what it has and commit, for a version of the app that follows on this node, with the same group,
// node and state, as soon as Released is closed. It stays in the groups of the sources that both have, so that their
// partitions stay here, and leaves their clients open. REQUIRES: the next version opens what both have by the same means (the same
// kafka.Cluster); what nobody opens again is closed with those.
func (r *Running) HandOver(to *plan.Plan) { r.stop(HandOver(to)) }

// HandOver returns the cause of the end of a run's context that ends it as Running.HandOver does.
func HandOver(to *plan.Plan) error { return &handOverError{to} }

type handOverError struct{ to *plan.Plan }

func (e *handOverError) Error() string { return "another version of the app takes over" }

// leave has the groups know that this process does not come back, but for the sources that the version which follows has.
func (e *engine) leave(ctx context.Context) {
	over, handed := errors.AsType[*handOverError](context.Cause(ctx))
	for _, r := range e.readers {
		if handed && over.to.Has(r.plan) {
			stay(r.source, r.outlet)
			continue
		}
		if leaver, ok := r.source.(source.Leaver); ok {
			leaver.Leave()
		}
	}
}

// stay has what can be used again be kept for the run that follows.
func stay(from source.Source, to Outlet) {
	if stayer, ok := from.(source.Stayer); ok {
		stayer.Stay()
	}
	if stayer, ok := to.(sink.Stayer); ok {
		stayer.Stay()
	}
}

// beginnings counts the readers whose partitions have not begun.
type beginnings struct {
	mu   sync.Mutex // guards left
	left int
	all  func()
}

func (b *beginnings) one() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left--; b.left == 0 && b.all != nil {
		b.all()
	}
}
