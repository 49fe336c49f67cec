package sourcetest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

// Fake is a source that hands out what the test pushes, in that order, and remembers what it was asked to do. What is pushed of
// a partition that was assigned waits until it begins, and so does what names the partition behind that; a partition that
// begins again gives again what it gave. Partitions that were never assigned have no need to begin.
// All methods may be called from any goroutine.
type Fake struct {
	// wake holds a token while there may be something for a waiting Poll.
	wake chan struct{}
	// changed is closed and replaced whenever what Wait looks at changes; mu guards it.
	changed chan struct{}

	mu       sync.Mutex // guards the fields below
	events   []source.Event
	given    []source.Event            // what was pushed of partitions and handed out
	waits    map[record.Partition]bool // partitions that were assigned and do not flow
	begun    []record.Position
	pollErr  error
	polls    int
	commits  [][]record.Position
	released []record.Partition
	closed   bool
	// onCommit, onRelease and onBegin answer for Commit, Release and Begin; nil: no error.
	onCommit  func([]record.Position) error
	onRelease func([]record.Partition) error
	onBegin   func(record.Position) error
}

// idleAfter is how long Poll waits for a partition to begin before it says that nothing happens.
const idleAfter = time.Millisecond

var _ source.Source = (*Fake)(nil)

// New returns a source with nothing to hand out: Poll waits until something is pushed.
func New() *Fake {
	return &Fake{wake: make(chan struct{}, 1), changed: make(chan struct{}), waits: map[record.Partition]bool{}}
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

// OnBegin lets hook answer every Begin from now on. One that it refuses is not recorded.
func (f *Fake) OnBegin(hook func(record.Position) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onBegin = hook
}

// Poll implements source.Source. It says that nothing happens only while something waits for a partition to begin.
func (f *Fake) Poll(ctx context.Context) (source.Event, error) {
	f.count()
	idle := time.NewTimer(idleAfter)
	defer idle.Stop()
	for {
		if err := ctx.Err(); err != nil {
			return source.Event{}, err
		}
		if event, ok, err := f.next(); ok || err != nil {
			return event, err
		}
		var late <-chan time.Time
		if f.Pending() > 0 {
			late = idle.C
		}
		select {
		case <-ctx.Done():
		case <-f.wake:
		case <-late:
			return source.Event{Idle: true}, nil
		}
	}
}

// Committed implements source.Source: it returns what was committed last.
func (f *Fake) Committed(ctx context.Context, partition record.Partition) (int64, error) {
	offset, ok := f.LastCommit(partition)
	if !ok {
		offset = -1
	}
	return offset, ctx.Err()
}

// Begin implements source.Source. What was pushed of the partition comes from that offset on, be it for a second time.
func (f *Fake) Begin(ctx context.Context, partition record.Partition, from int64) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.onBegin != nil {
		if err := f.onBegin(record.Position{Partition: partition, Offset: from}); err != nil {
			return 0, err
		}
	}
	own := func(e source.Event) bool { return concerns(e, partition) && e.Revoked == nil && e.Lost == nil }
	var again []source.Event
	at := len(f.events)
	if first := slices.IndexFunc(f.events, own); first >= 0 {
		at = first
	}
	for _, event := range slices.Concat(f.given, f.events) {
		if own(event) {
			again = append(again, event)
		}
	}
	again, from = since(again, from)
	f.given = slices.DeleteFunc(f.given, own)
	rest := slices.DeleteFunc(slices.Clone(f.events[at:]), own)
	f.events = slices.Concat(f.events[:at], again, rest)
	f.begun = append(f.begun, record.Position{Partition: partition, Offset: from})
	delete(f.waits, partition)
	f.signal()
	f.notify()
	return from, nil
}

// Begun returns where partitions began, in order.
func (f *Fake) Begun() []record.Position {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.begun)
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
	for _, p := range partitions {
		gone := func(e source.Event) bool { return of(e, p) }
		f.events, f.given = slices.DeleteFunc(f.events, gone), slices.DeleteFunc(f.given, gone)
		delete(f.waits, p)
	}
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

// LastCommit returns the last offset committed for a partition, and whether there was one.
func (f *Fake) LastCommit(partition record.Partition) (offset int64, ok bool) {
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

func (f *Fake) count() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.polls++
	f.notify()
}

func (f *Fake) next() (event source.Event, ok bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.first()
	if i < 0 {
		if len(f.events) == 0 {
			err = f.pollErr
		}
		return source.Event{}, false, err
	}
	event = f.events[i]
	f.events = slices.Delete(f.events, i, i+1)
	for _, p := range event.Assigned {
		f.waits[p] = true
	}
	if event.Records != nil || event.Ended != nil {
		f.given = append(f.given, event)
	}
	f.notify()
	return event, true, nil
}

// first returns the index of the first event that has nothing to wait for, -1 if there is none. REQUIRES: mu is held.
func (f *Fake) first() int {
	var held []record.Partition
	for i, event := range f.events {
		waits := slices.ContainsFunc(held, func(p record.Partition) bool { return concerns(event, p) })
		for p := range f.waits {
			if of(event, p) {
				waits = true
				held = append(held, p)
			}
		}
		if !waits {
			return i
		}
	}
	return -1
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
