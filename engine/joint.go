package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pyudf/pyudf/engine/record"
)

// Queue is the inside of a hop within the process.
type Queue interface {
	// Room returns when little enough waits for the stage before to read on, or with ctx's error.
	Room(ctx context.Context) error
	// Empty tells whether the hop's source has handed out everything that was written.
	Empty() bool
	// Wake makes the source's Poll return as soon as nothing waits.
	Wake()
}

// joint are epochs of all readers together, for hops within the process and files of one run. What waits in such a hop is nowhere else, so the
// positions of a source may be stored only with everything before them through all stages.
//
// When an epoch is due each reader stops between two events, those behind a hop when the stage before has stopped and
// nothing waits in the hop; they drain their tasks. The last one commits for all while nobody reads, and wakes the others.
type joint struct {
	// outlet is that of all readers; save commits what they have reached.
	outlet   Outlet
	save     func(ctx context.Context, outlet Outlet, epoch []reached) error
	interval time.Duration
	// before is the reader of the stage before a hop.
	before map[*reader]*reader
	// failed is closed when a reader fails.
	failed <-chan struct{}

	mu    sync.Mutex // guards what follows, and the tasks of readers that have stopped or ended
	began time.Time
	due   bool
	// stopped are the readers that wait for the end of the epoch or have ended, with the positions to commit.
	stopped map[*reader][]record.Position
	ended   map[*reader]bool
	// done is closed when the epoch is committed; broken is why it was not, after which no other is.
	done   chan struct{}
	broken error
}

// newJoint returns the epochs of readers. The first begins now.
func newJoint(e *engine) *joint {
	j := &joint{
		outlet: e.outlets[0], save: e.commit, interval: e.interval(), before: map[*reader]*reader{}, began: time.Now(),
		stopped: map[*reader][]record.Position{}, ended: map[*reader]bool{}, done: make(chan struct{}),
	}
	for _, r := range e.readers {
		j.before[r] = nil
		if r.plan.Hop != nil {
			j.before[r] = e.readerOf(e.feeder(r.plan.Hop))
		}
	}
	return j
}

func (j *joint) pass(working context.Context, r *reader) error {
	if !j.turn(r) {
		return nil
	}
	positions, err := j.rest(r)
	if err != nil {
		return err
	}
	done, err := j.stop(working, r, positions)
	if err != nil {
		return err
	}
	select {
	case <-done:
		return r.goOn()
	case <-j.failed:
		return errOtherFailed
	}
}

// errOtherFailed ends a reader, without a commit, when another one failed with an error of its own.
var errOtherFailed = errors.New("another reader of the run failed")

// rest has a reader write nothing more until goOn. Batches of a source that are in workers go on meanwhile, and are part of the
// next epoch: what is slow does not make a transaction last. Behind a hop there are none, once all is done that it was given.
func (j *joint) rest(r *reader) ([]record.Position, error) {
	if j.before[r] != nil {
		return r.drain()
	}
	return r.pause()
}

// turn tells whether a reader has to stop now.
func (j *joint) turn(r *reader) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.due && time.Since(j.began) < j.interval {
		return false
	}
	j.due = true
	if j.before[r] == nil {
		return true
	}
	_, still := j.stopped[j.before[r]]
	return still && r.queue.Empty()
}

// stop notes that a reader has stopped, and commits if it was the last. It returns what is closed after the commit.
func (j *joint) stop(working context.Context, r *reader, positions []record.Position) (<-chan struct{}, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return nil, j.broken
	}
	done := j.done
	j.stopped[r] = positions
	for next, before := range j.before {
		if before == r {
			next.queue.Wake()
		}
	}
	if !j.due || len(j.stopped) < len(j.before) {
		return done, nil
	}
	return done, j.close(working)
}

// close commits an epoch and begins the next. REQUIRES: all readers have stopped, mu is held.
func (j *joint) close(working context.Context) error {
	if j.broken = j.store(working); j.broken != nil {
		return j.broken
	}
	for r := range j.before {
		if !j.ended[r] {
			delete(j.stopped, r)
		}
	}
	j.began, j.due = time.Now(), false
	close(j.done)
	j.done = make(chan struct{})
	return nil
}

// store commits for all readers. What brokers refuse is committed with the next epoch.
func (j *joint) store(working context.Context) error {
	epoch, written := j.epoch()
	if len(epoch) == 0 && !written {
		return nil
	}
	err := j.save(working, j.outlet, epoch)
	if refused := new(uncommitted); errors.As(err, &refused) {
		for r := range j.before {
			r.logger.Warn("offsets could not be committed, trying again later", "cause", errors.Unwrap(refused))
			break
		}
		return nil
	}
	for r := range j.stopped {
		j.stopped[r] = nil
	}
	return err
}

// epoch returns what all readers have reached, and whether anything was written.
func (j *joint) epoch() (epoch []reached, written bool) {
	for r, positions := range j.stopped {
		if len(positions) > 0 {
			epoch = append(epoch, reached{reader: r, positions: positions})
		}
		written = written || r.outputs.Written.Load() > 0
	}
	return epoch, written
}

func (j *joint) given(r *reader) error {
	if have := len(r.tasks) + len(r.arriving); have < r.all {
		return fmt.Errorf("%w: another process of the group has %d of the %d partitions of %s; stop it, or run without --single-node",
			errNotAlone, r.all-have, r.all, r.plan.Name)
	}
	return nil
}

func (j *joint) taken(r *reader) error {
	return fmt.Errorf("%w: another process of the group takes partitions of %s; what was committed is safe, and the next run goes on there; "+
		"stop the other process and start again, or run all of them without --single-node", errNotAlone, r.plan.Name)
}

var errNotAlone = errors.New("--single-node is for one process that reads all partitions")

// end notes that a reader stays where it is.
func (j *joint) end(working context.Context, r *reader) error {
	final, err := r.drain()
	if err != nil {
		return err
	}
	j.mu.Lock()
	j.ended[r] = true
	all := len(j.ended) == len(j.before)
	j.due = j.due && !all // the last commit follows
	j.mu.Unlock()
	_, err = j.stop(working, r, final)
	return err
}

func (j *joint) commit(ctx context.Context, readers []*reader) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	epoch, written := j.epoch()
	if last := ending(readers); last != nil {
		epoch = last
	}
	if len(epoch) == 0 && !written {
		return nil
	}
	return insist(ctx, readers[0], func() error { return j.save(ctx, j.outlet, epoch) })
}
