package host

import (
	"context"
	"log/slog"
	"sync"
)

// maxHeld is how many records are held back. A worker that writes more has no interpreter to blame.
const maxHeld = 100

// held keeps back what a worker writes until it is known whether the error of its start says it already.
type held struct {
	mu       sync.Mutex
	released bool     // guarded by mu
	writes   []func() // guarded by mu
}

// hold returns a logger like the given one, whose records are written when held is released, or never.
func hold(logger *slog.Logger) (*slog.Logger, *held) {
	h := &held{}
	return slog.New(heldHandler{logger.Handler(), h}), h
}

// release writes what was held back; from then on nothing is.
func (h *held) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.releaseLocked()
}

// releaseLocked is release. REQUIRES: mu is held.
func (h *held) releaseLocked() {
	for _, write := range h.writes {
		write()
	}
	h.writes, h.released = nil, true
}

// put takes a write, or tells that nothing is held back any more.
func (h *held) put(write func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.released && len(h.writes) == maxHeld {
		h.releaseLocked()
	}
	if !h.released {
		h.writes = append(h.writes, write)
	}
	return !h.released
}

type heldHandler struct {
	slog.Handler

	held *held
}

func (h heldHandler) Handle(ctx context.Context, record slog.Record) error {
	ctx, record = context.WithoutCancel(ctx), record.Clone()
	// A log that cannot be written has nowhere to say so.
	if h.held.put(func() { _ = h.Handler.Handle(ctx, record) }) {
		return nil
	}
	return h.Handler.Handle(ctx, record)
}

func (h heldHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return heldHandler{h.Handler.WithAttrs(attrs), h.held}
}

func (h heldHandler) WithGroup(name string) slog.Handler {
	return heldHandler{h.Handler.WithGroup(name), h.held}
}
