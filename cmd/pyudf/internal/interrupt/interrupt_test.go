package interrupt_test

import (
	"os"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/interrupt"
)

func TestTheFirstSignalAsksAndTheSecondEnds(t *testing.T) {
	signals := make(chan os.Signal)
	first, second := make(chan struct{}), make(chan struct{})
	ctx, release := interrupt.Context(t.Context(), signals, interrupt.Handler{
		First:  func() { close(first) },
		Second: func() { close(second) },
	})
	if ctx.Err() != nil {
		t.Fatal("the context ended before any signal")
	}
	signals <- os.Interrupt
	<-ctx.Done()
	<-first
	select {
	case <-second:
		t.Fatal("the first signal ended the program")
	default:
	}
	signals <- os.Interrupt
	<-second
	release()
}

func TestReleaseEndsTheContextAndLeavesSignalsAlone(t *testing.T) {
	signals := make(chan os.Signal, 1)
	ctx, release := interrupt.Context(t.Context(), signals, interrupt.Handler{
		First:  func() { t.Error("a handler ran after the release") },
		Second: func() { t.Error("a handler ran after the release") },
	})
	release()
	<-ctx.Done()
	signals <- os.Interrupt
	if len(signals) != 1 {
		t.Fatal("a signal was taken after the release")
	}
}
