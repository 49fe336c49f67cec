package status

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// Board collects what tasks say of themselves. Any goroutine may call it.
type Board struct {
	run Run
	now func() time.Time

	mu    sync.Mutex // guards the fields below
	tasks map[place]*entry
	// restored is how many records a second this process restored last, 0 if it did not.
	restored float64
}

type place struct {
	source    string
	partition int32
}

// entry is a task with what the board has noticed of it.
type entry struct {
	Task

	// began is when the restore under way began, zero if none is; from is what was done then.
	began time.Time
	from  int64
	// bytes went to the changelog since its offset first was set, which was then first; -1: not yet.
	bytes, first int64
}

// NewBoard returns the board of a run, whose tasks are left out. now is the clock; nil: that of the machine.
func NewBoard(run Run, now func() time.Time) *Board {
	if now == nil {
		now = time.Now
	}
	return &Board{run: run, now: now, tasks: map[place]*entry{}}
}

// Set has a task change what is known of it. change must be quick and must not call the board.
func (b *Board) Set(source string, partition int32, change func(*Task)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := place{source, partition}
	e := b.tasks[at]
	if e == nil {
		e = &entry{Task: Task{Source: source, Partition: partition}, first: -1}
		b.tasks[at] = e
	}
	before := e.LastCommit
	change(&e.Task)
	b.notice(e, before)
}

// Remove forgets a task that this process gave up.
func (b *Board) Remove(source string, partition int32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.tasks, place{source, partition})
}

// notice takes the times of a restore, and how much the offsets of a changelog stand for.
func (b *Board) notice(e *entry, before LastCommit) {
	switch {
	case e.Phase == Restoring && e.began.IsZero():
		e.began, e.from = b.now(), e.RestoreDone
	case e.Phase != Restoring && !e.began.IsZero():
		if took := b.now().Sub(e.began); took >= time.Second { // less says little
			b.restored = float64(e.RestoreDone-e.from) / took.Seconds()
		}
		e.began = time.Time{}
	}
	switch {
	case e.LastCommit == before || e.Phase == Restoring:
	case e.first < 0:
		e.first = e.Changelog
	default:
		e.bytes += e.LastCommit.Bytes
	}
}

// Snapshot returns the run as it is now. It is the caller's.
func (b *Board) Snapshot() Run {
	b.mu.Lock()
	defer b.mu.Unlock()
	run := b.run
	run.Tasks = make([]Task, 0, len(b.tasks))
	for e := range maps.Values(b.tasks) {
		run.Tasks = append(run.Tasks, b.shown(e))
	}
	slices.SortFunc(run.Tasks, func(x, y Task) int {
		return cmp.Or(cmp.Compare(x.Source, y.Source), cmp.Compare(x.Partition, y.Partition))
	})
	return run
}

// shown returns a task with what follows from the rest.
func (b *Board) shown(e *entry) Task {
	t := e.Task
	t.Lag = max(0, t.End-max(t.Committed, 0))
	if t.Watermark != nil {
		watermark := *t.Watermark
		t.Watermark = &watermark
	}
	if done := t.RestoreDone - e.from; t.Phase == Restoring && done > 0 {
		pace := float64(b.now().Sub(e.began).Milliseconds()) / float64(done)
		t.RestoreLeft = int64(pace * float64(max(0, t.RestoreTotal-t.RestoreDone)))
	}
	t.RestoreEstimate = b.estimate(e)
	return t
}

// estimate returns how long a restore of a task takes elsewhere in ms; nil if it has nothing to restore, or if nobody
// knows yet how large the records of its changelog are.
func (b *Board) estimate(e *entry) *int64 {
	if e.Phase == Restoring || e.Changelog <= 0 {
		return nil
	}
	load := Load{}
	tail := e.Changelog
	if !e.Snapshot.Time.IsZero() {
		load.StateBytes = e.StateBytes
		tail = max(0, e.Changelog-e.Snapshot.Offset)
	}
	if tail > 0 {
		offsets := e.Changelog - e.first
		if e.first < 0 || offsets <= 0 {
			return nil
		}
		size := float64(e.bytes) / float64(offsets)
		load.TailBytes = int64(size * float64(tail))
		load.TailRate = int64(size * b.restored)
	}
	estimate := Estimate(load).Milliseconds()
	return &estimate
}
