package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// closeWithin is how long the end of a client may take. Brokers that are away, a group that rebalances or an error that the
// client calls fatal can keep it from ending; what is left behind is fenced by whoever follows it, and ends with the process.
const closeWithin = 5 * time.Second

// calls are calls into a client that heed no context.
type calls struct{ running sync.WaitGroup }

// do makes a call. If ctx ends first it returns ctx's error, and the call goes on by itself.
func (c *calls) do(ctx context.Context, call func() error) error {
	done := make(chan error, 1)
	c.running.Go(func() { done <- call() })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end frees a client as soon as no call is under way. It returns an error if that is not done within closeWithin.
// REQUIRES: do is not called any more.
func (c *calls) end(free func() error) error {
	done := make(chan error, 1)
	go func() {
		c.running.Wait()
		done <- free()
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(closeWithin):
		return fmt.Errorf("the client did not end within %s, and is left behind", closeWithin)
	}
}

const (
	// quietFor is how long somebody waits before it is said.
	quietFor = 3 * time.Second
	// repeatAfter is how often it is said that brokers are away.
	repeatAfter = 10 * time.Second
)

// wait is somebody who waits for the brokers.
type wait struct {
	cause atomic.Pointer[string] // nil: there was no answer at all
	over  chan struct{}
}

// waiting says in the log that somebody waits, if it takes long, and again as long as it does, until end is called.
func waiting(logger *slog.Logger) *wait {
	w := &wait{over: make(chan struct{})}
	began := time.Now()
	go func() {
		for pause := quietFor; ; pause = repeatAfter {
			select {
			case <-time.After(pause):
			case <-w.over:
				return
			}
			cause := "no answer"
			if said := w.cause.Load(); said != nil {
				cause = *said
			}
			logger.Warn("waiting for the brokers", "since", time.Since(began).Round(time.Second), "cause", cause)
		}
	}()
	return w
}

// refused notes the last answer.
func (w *wait) refused(cause error) {
	text := cause.Error()
	w.cause.Store(&text)
}

func (w *wait) end() { close(w.over) }
