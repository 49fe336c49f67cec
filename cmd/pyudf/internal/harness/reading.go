package harness

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

// reading is a source that hands records out only up to where it was released, and tells when the engine has nothing
// more to do with them: it polls again after it has committed.
type reading struct {
	topic *topic
	bell  chan struct{}
	// hop tells that it is no topic of the user's.
	hop bool

	mu sync.Mutex // guards what follows
	// next are the offsets to hand out next, -1: not begun; limit is where to stop.
	next, limit []int64
	// assigned tells that the engine has the partitions.
	assigned bool
	// told are the partitions of which the engine knows that there is nothing more for now.
	told []bool
	// gone are the partitions that the engine gave up.
	gone   []bool
	nudged bool
	// finishing tells that the partitions end where they end, ended that the engine knows.
	finishing, ended bool
	// rest is closed when there is nothing to hand out; wake replaces it.
	rest    chan struct{}
	resting bool
}

var (
	_ source.Source   = (*reading)(nil)
	_ source.Finisher = (*reading)(nil)
)

func newReading(t *topic) *reading {
	n := len(t.logs)
	return &reading{
		topic: t, bell: make(chan struct{}, 1), rest: make(chan struct{}), told: make([]bool, n), gone: make([]bool, n),
		next: slices.Repeat([]int64{-1}, n), limit: slices.Repeat([]int64{-1}, n),
	}
}

// wake changes what there is to hand out, and returns what closes when that is done.
func (r *reading) wake(change func()) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	if r.resting {
		r.rest, r.resting = make(chan struct{}), false
	}
	select {
	case r.bell <- struct{}{}:
	default:
	}
	return r.rest
}

// opened returns what closes when the engine has nothing more to do with what there was at first.
func (r *reading) opened() <-chan struct{} { return r.wake(func() {}) }

// release hands out what came since the last time; it returns nil if nothing did. REQUIRES: what opened returned is closed.
func (r *reading) release() <-chan struct{} {
	for i := range r.limit {
		if r.limit[i] < r.topic.end(i) {
			return r.wake(r.raise)
		}
	}
	return nil
}

// raise moves the limits to the end. REQUIRES: mu is held.
func (r *reading) raise() {
	for i := range r.limit {
		if r.next[i] >= 0 {
			r.limit[i] = r.topic.end(i)
		}
	}
}

// nudge has the engine look at the clock.
func (r *reading) nudge() <-chan struct{} { return r.wake(func() { r.nudged = true }) }

// Finish implements source.Finisher.
func (r *reading) Finish() { r.wake(func() { r.finishing = true }) }

// Poll implements source.Source.
func (r *reading) Poll(ctx context.Context) (source.Event, error) {
	for {
		if err := ctx.Err(); err != nil {
			return source.Event{}, err
		}
		event, ok := r.take()
		if ok {
			return event, nil
		}
		var again <-chan time.Time
		if r.coming() {
			again = time.After(time.Millisecond)
		}
		select {
		case <-r.bell:
		case <-again:
			return source.Event{Idle: true}, nil
		case <-ctx.Done():
		}
	}
}

func (r *reading) take() (source.Event, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.assigned {
		r.assigned = true
		return source.Event{Assigned: r.partitions()}, true
	}
	if r.finishing {
		r.raise()
	}
	for i := range r.next {
		if r.next[i] >= 0 && r.next[i] < r.limit[i] && !r.gone[i] {
			batch := r.topic.batch(i, r.next[i], r.limit[i])
			r.next[i], r.told[i] = r.limit[i], false
			return source.Event{Records: batch}, true
		}
	}
	if r.waits() {
		return source.Event{}, false
	}
	return r.other(), r.busy()
}

// coming tells whether the engine has partitions that it has not begun.
func (r *reading) coming() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waits()
}

// waits does what coming does. REQUIRES: mu is held.
func (r *reading) waits() bool {
	return slices.ContainsFunc(r.partitions(), func(p record.Partition) bool { return r.next[p.Index] < 0 })
}

// other returns what is to be said besides records. REQUIRES: mu is held; none are left.
func (r *reading) other() source.Event {
	r.resting = false
	switch quiet := r.quiet(); {
	case len(quiet) > 0:
		return source.Event{CaughtUp: quiet}
	case r.nudged:
		r.nudged = false
		return source.Event{Idle: true}
	case r.finishing && !r.ended && len(r.partitions()) > 0:
		r.ended = true
		return source.Event{Ended: r.partitions()}
	}
	r.resting = true
	select {
	case <-r.rest:
	default:
		close(r.rest)
	}
	return source.Event{}
}

// busy tells whether other had anything to say. REQUIRES: mu is held.
func (r *reading) busy() bool { return !r.resting }

// quiet returns the partitions of which the engine does not know yet that there is nothing more for now.
func (r *reading) quiet() []record.Partition {
	var quiet []record.Partition
	for _, p := range r.partitions() {
		if !r.told[p.Index] {
			r.told[p.Index] = true
			quiet = append(quiet, p)
		}
	}
	return quiet
}

// Committed implements source.Source.
func (r *reading) Committed(_ context.Context, p record.Partition) (int64, error) {
	r.topic.mu.Lock()
	defer r.topic.mu.Unlock()
	return r.topic.committed[p.Index], nil
}

// Begin implements source.Source.
func (r *reading) Begin(_ context.Context, p record.Partition, from int64) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from = max(0, from)
	r.next[p.Index], r.limit[p.Index] = from, from
	return from, nil
}

// partitions returns those that the engine has.
func (r *reading) partitions() []record.Partition {
	var all []record.Partition
	for i := range r.gone {
		if !r.gone[i] {
			all = append(all, record.Partition{Topic: r.topic.name, Index: int32(i)}) //nolint:gosec // few partitions
		}
	}
	return all
}

// Release implements source.Source.
func (r *reading) Release(partitions []record.Partition) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range partitions {
		r.gone[p.Index] = true
	}
	return nil
}

// Commit implements source.Source.
func (r *reading) Commit(_ context.Context, positions []record.Position) error {
	r.topic.mu.Lock()
	defer r.topic.mu.Unlock()
	for _, p := range positions {
		r.topic.committed[p.Partition.Index] = p.Offset
	}
	return nil
}

// Close implements source.Source.
func (r *reading) Close() error { return nil }
