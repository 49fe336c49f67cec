package sourcetest

import (
	"context"
	"slices"
	"sync"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

// Fake is a source that hands out what the test pushes, in that order, and remembers what it was asked to do.
// All methods may be called from any goroutine.
type Fake struct {
	// wake holds a token while there may be something for a waiting Poll.
	wake chan struct{}
	// changed is closed and replaced whenever what Wait looks at changes; mu guards it.
	changed chan struct{}

	mu       sync.Mutex // guards the fields below
	events   []source.Event
	pollErr  error
	polls    int
	commits  [][]record.Position
	released []record.Partition
	closed   bool
	// onCommit and onRelease answer for Commit and Release; nil: no error.
	onCommit  func([]record.Position) error
	onRelease func([]record.Partition) error
}

var _ source.Source = (*Fake)(nil)

// New returns a source with nothing to hand out: Poll waits until something is pushed.
func New() *Fake {
	return &Fake{wake: make(chan struct{}, 1), changed: make(chan struct{})}
}

// Push adds events to what Poll returns.
func (f *Fake) Push(events ...source.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, events...)
	f.signal()
}

// Fail lets Poll return err, once everything pushed before has been handed out, and from then on.
func (f *Fake) Fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pollErr = err
	f.signal()
}

// OnCommit lets hook answer every Commit from now on. A commit that it refuses is not recorded.
func (f *Fake) OnCommit(hook func([]record.Position) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onCommit = hook
}

// OnRelease lets hook answer every Release from now on. A release that it refuses is not recorded.
func (f *Fake) OnRelease(hook func([]record.Partition) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onRelease = hook
}

// Poll implements source.Source.
func (f *Fake) Poll(ctx context.Context) (source.Event, error) {
	f.count()
	for {
		if err := ctx.Err(); err != nil {
			return source.Event{}, err
		}
		if event, ok, err := f.next(); ok || err != nil {
			return event, err
		}
		select {
		case <-ctx.Done():
		case <-f.wake:
		}
	}
}

// Release implements source.Source. Records and ends of the partitions that were pushed and not yet polled are thrown away.
func (f *Fake) Release(partitions []record.Partition) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.onRelease != nil {
		if err := f.onRelease(partitions); err != nil {
			return err
		}
	}
	f.released = append(f.released, partitions...)
	f.events = slices.DeleteFunc(f.events, func(e source.Event) bool { return concerns(e, partitions) })
	f.notify()
	return nil
}

// Commit implements source.Source.
func (f *Fake) Commit(ctx context.Context, positions []record.Position) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.onCommit != nil {
		if err := f.onCommit(positions); err != nil {
			return err
		}
	}
	f.commits = append(f.commits, slices.Clone(positions))
	f.notify()
	return nil
}

// Close implements source.Source.
func (f *Fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.notify()
	return nil
}

// Commits returns the positions of every Commit, oldest first.
func (f *Fake) Commits() [][]record.Position {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.commits)
}

// Committed returns the last offset committed for a partition, and whether there was one.
func (f *Fake) Committed(partition record.Partition) (offset int64, ok bool) {
	for _, positions := range f.Commits() {
		for _, position := range positions {
			if position.Partition == partition {
				offset, ok = position.Offset, true
			}
		}
	}
	return offset, ok
}

// Released returns the partitions given up, in order.
func (f *Fake) Released() []record.Partition {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.released)
}

// Closed tells whether Close was called.
func (f *Fake) Closed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// Pending returns the number of events pushed and not yet polled.
func (f *Fake) Pending() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.events)
}

// Polls returns the number of calls of Poll that began.
func (f *Fake) Polls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.polls
}

// Wait returns when condition holds, which is asked again after each poll, commit, release and close, or with ctx's
// error. The condition may call the fake's other methods.
func (f *Fake) Wait(ctx context.Context, condition func() bool) error {
	for {
		f.mu.Lock()
		changed := f.changed
		f.mu.Unlock()
		if condition() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

func concerns(e source.Event, partitions []record.Partition) bool {
	if e.Records != nil {
		return slices.Contains(partitions, e.Records.Partition)
	}
	return len(e.Ended) > 0 && !slices.ContainsFunc(e.Ended, func(p record.Partition) bool { return !slices.Contains(partitions, p) })
}

func (f *Fake) count() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.polls++
	f.notify()
}

func (f *Fake) next() (event source.Event, ok bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == 0 {
		return source.Event{}, false, f.pollErr
	}
	event = f.events[0]
	f.events = f.events[1:]
	f.notify()
	return event, true, nil
}

// signal wakes a waiting Poll. REQUIRES: mu is held.
func (f *Fake) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// notify wakes every Wait. REQUIRES: mu is held.
func (f *Fake) notify() {
	close(f.changed)
	f.changed = make(chan struct{})
}
