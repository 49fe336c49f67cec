// Package interrupt owns what Ctrl-C means: the first asks a command to finish what it has begun, the second ends it.
//
// It knows no command.
package interrupt

import (
	"context"
	"os"
)

// Handler is what happens at a signal.
type Handler struct {
	// First runs once, at the first signal, after the context was cancelled.
	First func()
	// Second ends the program at once.
	Second func()
}

// Context returns a context that the first of signals cancels. It listens until release is called, which returns when
// no handler runs any more.
func Context(parent context.Context, signals <-chan os.Signal, handler Handler) (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancel(parent)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for _, react := range []func(){func() { cancel(); handler.First() }, handler.Second} {
			select {
			case <-signals:
				react()
			case <-quit:
				return
			}
		}
	}()
	return ctx, func() {
		close(quit)
		<-done
		cancel()
	}
}
