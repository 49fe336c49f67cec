package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pyudf/pyudf/udfworker/plugin"
)

const (
	// firstPause and longestPause are between two tries to reach a worker.
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// wait is one time of waiting for a worker.
type wait struct {
	sidecar *Sidecar
	began   time.Time
	pause   time.Duration
	// again tells that there was a worker before; the loss of that is logged already.
	again  bool
	reason string
	// absent tells that it was logged that there is no worker.
	absent bool
}

// newWait begins to wait. REQUIRES: the sidecar's mu is held.
func (s *Sidecar) newWait() *wait {
	w := &wait{sidecar: s, began: time.Now(), pause: firstPause}
	if s.last == nil {
		return w
	}
	select {
	case <-s.last.Done():
		w.began, w.again = s.last.ended, true
	default:
	}
	return w
}

// next returns after a pause, or with the error that ends the waiting.
func (w *wait) next(ctx context.Context, reason error) error {
	config := &w.sidecar.config
	if ctx.Err() != nil {
		return ctx.Err()
	}
	_, absent := errors.AsType[*plugin.AbsentError](reason)
	left := config.Timeout - time.Since(w.began)
	switch {
	case !absent && !config.Patient && !w.again:
		return reason
	case left <= 0 && config.Timeout > 0:
		return fmt.Errorf("%w (waited %s for it)", reason, config.Timeout)
	case left <= 0:
		return reason
	}
	w.tell(reason, absent)
	timer := time.NewTimer(min(w.pause, left))
	defer timer.Stop()
	w.pause = min(2*w.pause, longestPause)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-config.Quit:
		return fmt.Errorf("stopped without waiting any longer: %w", reason)
	}
}

// tell logs a reason that was not told before.
func (w *wait) tell(reason error, absent bool) {
	config := &w.sidecar.config
	if reason.Error() == w.reason {
		return
	}
	w.reason = reason.Error()
	if config.Waiting != nil {
		config.Waiting(reason)
	}
	switch at := config.Address.String(); {
	case absent && (w.again || w.absent):
		config.Logger.Debug("the worker is not there yet", "worker", at, "cause", reason)
	case absent:
		w.absent = true
		config.Logger.Info("waiting for the worker", "worker", at, "at_most", config.Timeout, "cause", reason)
	default:
		config.Logger.Warn("the worker that is there cannot be used, waiting for another", "worker", at, "at_most", config.Timeout, "cause", reason)
	}
}

// over logs that the worker is there, if that was waited for.
func (w *wait) over() {
	at, after := w.sidecar.config.Address.String(), time.Since(w.began).Round(time.Millisecond)
	switch {
	case w.again:
		w.sidecar.config.Logger.Info("the worker is back", "worker", at, "after", after)
	case w.reason != "":
		w.sidecar.config.Logger.Info("the worker is there", "worker", at, "after", after)
	}
}
