// Package local is a hop inside the process: what its sink takes, its source gives. It stands in for a repartition topic
// where all stages are in one process: in runs over files, with --single-node, and in tests.
//
// What waits is in memory alone. Writing never waits, so that a stage can always be drained; whoever feeds the hop asks for
// Room before it reads on.
package local

import (
	"context"
	"sync"
	"time"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/source"
)

const (
	// idleAfter is how long Poll waits before it says so.
	idleAfter = 50 * time.Millisecond
	// enough is how many bytes may wait before there is no room.
	enough = 64 << 20
	// maxBatch is the size from which on a batch takes no more messages.
	maxBatch = 1 << 20
)

// Hop is both ends. Create it with New. Any goroutine calls its methods, one of them Room.
type Hop struct {
	name string
	// wake and room hold a token when a waiting Poll or Room should look again.
	wake, room chan struct{}

	mu sync.Mutex // guards what follows
	// queue are the batches that Poll has not handed out; open the last one of each partition, if it takes more.
	queue []*record.Batch
	open  []*record.Batch
	next  []int64
	// waiting are the bytes in the queue.
	waiting int
	// woken tells that Poll returns when nothing waits.
	woken bool
	// assigned tells that Poll has handed out the partitions, ended that it has said that they are at their end.
	assigned, finishing, ended bool
	// begun is how many partitions were begun: before all are, nothing is handed out.
	begun int
}

// New returns a hop with so many partitions.
func New(name string, partitions int) *Hop {
	return &Hop{
		name: name, wake: make(chan struct{}, 1), room: make(chan struct{}, 1),
		open: make([]*record.Batch, partitions), next: make([]int64, partitions),
	}
}

// Sink returns the end that takes messages.
func (h *Hop) Sink() sink.Sink { return (*in)(h) }

// Source returns the end that gives them.
func (h *Hop) Source() source.Source { return (*out)(h) }

// Room returns when little enough waits for more to be read, or with ctx's error.
func (h *Hop) Room(ctx context.Context) error {
	for !h.hasRoom() {
		select {
		case <-h.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (h *Hop) hasRoom() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.waiting < enough
}

// Empty tells whether Poll has handed out everything that was written.
func (h *Hop) Empty() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.queue) == 0
}

// Wake makes the Poll that waits, or the next one, return as soon as nothing waits.
func (h *Hop) Wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.woken = true
	signal(h.wake)
}

func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
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
		b := h.batch(target)
		b.Offsets = append(b.Offsets, h.next[target])
		h.next[target]++
		b.Times = append(b.Times, now)
		b.Keys.Append(messages.Keys.At(row))
		b.Values.Append(messages.Values.At(row))
		h.waiting += len(messages.Values.At(row))
	}
	signal(h.wake)
	return nil, nil
}

// batch returns the batch that the next message of a partition goes to.
func (h *Hop) batch(target int32) *record.Batch {
	if b := h.open[target]; b != nil && len(b.Values.Data) < maxBatch {
		return b
	}
	b := &record.Batch{Partition: record.Partition{Topic: h.name, Index: target}}
	h.open[target] = b
	h.queue = append(h.queue, b)
	return b
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
	signal(h.wake)
}

func (o *out) Poll(ctx context.Context) (source.Event, error) {
	h := (*Hop)(o)
	patience := idleAfter
	if h.comes() {
		patience = time.Millisecond
	}
	idle := time.NewTimer(patience)
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
	switch {
	case !h.assigned:
		h.assigned = true
		return source.Event{Assigned: h.partitions()}, true
	case h.begun < len(h.open):
		return source.Event{}, false
	case len(h.queue) > 0:
		return source.Event{Records: h.first()}, true
	case h.finishing && !h.ended:
		h.ended = true
		return source.Event{Ended: h.partitions()}, true
	case h.woken:
		h.woken = false
		return source.Event{Idle: true}, true
	default:
		return source.Event{}, false
	}
}

// comes tells whether partitions are assigned that were not begun.
func (h *Hop) comes() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.assigned && h.begun < len(h.open)
}

// first takes the oldest batch. REQUIRES: there is one.
func (h *Hop) first() *record.Batch {
	b := h.queue[0]
	h.queue[0], h.queue = nil, h.queue[1:]
	if h.open[b.Partition.Index] == b {
		h.open[b.Partition.Index] = nil
	}
	h.waiting -= len(b.Values.Data)
	signal(h.room)
	return b
}

func (h *Hop) partitions() []record.Partition {
	var all []record.Partition
	for i := range h.open {
		all = append(all, record.Partition{Topic: h.name, Index: int32(i)}) //nolint:gosec // few partitions
	}
	return all
}

// Committed says that nothing is: what was in the hop is gone with its run.
func (o *out) Committed(context.Context, record.Partition) (int64, error) { return -1, nil }

// Begin gives everything that was written, whatever offset is asked for.
func (o *out) Begin(context.Context, record.Partition, int64) (int64, error) {
	h := (*Hop)(o)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begun++
	signal(h.wake)
	return 0, nil
}

func (o *out) Release([]record.Partition) error { return nil }

func (o *out) Commit(context.Context, []record.Position) error { return nil }

func (o *out) Close() error { return nil }
