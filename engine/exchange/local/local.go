// Package local is a hop inside the process: what its sink takes, its source gives. It stands in for a repartition topic
// where all stages are in one process and nothing has to be read twice, as in runs over files and in tests.
//
// It keeps records in memory, without limit: a stage reads as fast as the one before it writes, or memory grows.
package local

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/source"
)

// idleAfter is how long Poll waits before it says so.
const idleAfter = 50 * time.Millisecond

// Hop is both ends. Create it with New.
type Hop struct {
	name string
	wake chan struct{}

	mu sync.Mutex // guards what follows
	// open are the batches that Poll has not handed out, one a partition.
	open []*record.Batch
	next []int64
	// assigned tells that Poll has handed out the partitions, ended that it has said that they are at their end.
	assigned, finishing, ended bool
}

// New returns a hop with so many partitions.
func New(name string, partitions int) *Hop {
	return &Hop{name: name, wake: make(chan struct{}, 1), open: make([]*record.Batch, partitions), next: make([]int64, partitions)}
}

// Sink returns the end that takes messages.
func (h *Hop) Sink() sink.Sink { return (*in)(h) }

// Source returns the end that gives them.
func (h *Hop) Source() source.Source { return (*out)(h) }

func (h *Hop) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

type in Hop

func (i *in) Write(_ context.Context, messages *record.Messages) ([]sink.Rejected, error) {
	h := (*Hop)(i)
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now().UnixMilli()
	for row := range messages.Len() {
		target := messages.Partitions[row]
		if h.open[target] == nil {
			h.open[target] = &record.Batch{Partition: record.Partition{Topic: h.name, Index: target}}
		}
		b := h.open[target]
		b.Offsets = append(b.Offsets, h.next[target])
		h.next[target]++
		b.Times = append(b.Times, now)
		b.Keys.Append(messages.Keys.At(row))
		b.Values.Append(messages.Values.At(row))
	}
	h.signal()
	return nil, nil
}

func (i *in) Flush(context.Context) error { return nil }

func (i *in) Close() error { return nil }

type out Hop

var _ source.Finisher = (*out)(nil)

func (o *out) Finish() {
	h := (*Hop)(o)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.finishing = true
	h.signal()
}

func (o *out) Poll(ctx context.Context) (source.Event, error) {
	h := (*Hop)(o)
	idle := time.NewTimer(idleAfter)
	defer idle.Stop()
	for {
		if event, ok := h.take(); ok {
			return event, nil
		}
		select {
		case <-h.wake:
		case <-idle.C:
			return source.Event{Idle: true}, nil
		case <-ctx.Done():
			return source.Event{}, ctx.Err()
		}
	}
}

func (h *Hop) take() (source.Event, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.assigned {
		h.assigned = true
		event := source.Event{Assigned: []record.Position{}}
		for i := range h.open {
			event.Assigned = append(event.Assigned, record.Position{Partition: record.Partition{Topic: h.name, Index: int32(i)}}) //nolint:gosec // few partitions
		}
		return event, true
	}
	if i := slices.IndexFunc(h.open, func(b *record.Batch) bool { return b != nil }); i >= 0 {
		b := h.open[i]
		h.open[i] = nil
		return source.Event{Records: b}, true
	}
	if !h.finishing || h.ended {
		return source.Event{}, false
	}
	h.ended = true
	event := source.Event{}
	for i := range h.open {
		event.Ended = append(event.Ended, record.Partition{Topic: h.name, Index: int32(i)}) //nolint:gosec // few partitions
	}
	return event, true
}

func (o *out) Release([]record.Partition) error { return nil }

func (o *out) Commit(context.Context, []record.Position) error { return nil }

func (o *out) Close() error { return nil }
