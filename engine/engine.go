package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/journal"
	"github.com/pyudf/pyudf/engine/state/memstate"
	"github.com/pyudf/pyudf/engine/status"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Config is what a run needs. All fields but those that have a default, or say what nil is, must be set.
type Config struct {
	Plan *planv1.Plan
	// OpenSource and OpenOutlet open the adapters of what the plan names. They are called at the same time. A name is that of
	// the source whose tasks write to the outlet; the outlet of a single node has none.
	OpenSource func(ctx context.Context, s *planv1.Source) (source.Source, error)
	OpenOutlet func(ctx context.Context, name string) (Outlet, error)
	// OpenHop opens the topic, or what stands in for one, that leads to a stage.
	OpenHop func(ctx context.Context, to HopTo) (Hop, error)
	// SingleNode tells that this process reads all partitions, and that all hops are within it: OpenHop gives Queues.
	SingleNode bool
	// ResumeFiles tells that a run which was interrupted is gone on with where it was, of an app that reads files alone. One that
	// came to its end is not: the next one begins anew. Else every run reads files from their start.
	ResumeFiles bool
	// Partitions returns how many partitions a source has.
	Partitions func(ctx context.Context, s *planv1.Source) (int, error)
	// State is where tasks keep what they know from batch to batch; nil: in memory, until the run ends.
	State state.Root
	// Changelogs are where it is besides; nil: nowhere.
	Changelogs *Changelogs
	// Snapshots are taken of it at every SnapshotInterval, default 10 min; nil: never.
	Snapshots        Snapshots
	SnapshotInterval time.Duration
	// Scratch is a directory on the disk of the state, where snapshots lie until they are written; empty: the system's.
	Scratch string
	// Flush closes the windows that are open at the end of a bounded run. Those of files are closed in any case.
	Flush bool
	// Bounded tells that the run ends by itself: the clock does not count.
	Bounded bool
	// ResetState lets tasks begin without state where their group has read before.
	ResetState bool
	// BeginAnew tells that the state has a name of its own since it was begun anew: where there is none, neither here nor in a
	// changelog, tasks begin without, though their group has read before.
	BeginAnew bool
	// Start starts a worker.
	Start dispatch.Start
	// Workers is how many run at a time; default 1.
	Workers int
	// CommitInterval is the time between commits; default 1 s.
	CommitInterval time.Duration
	// Now is the clock that idle partitions, early results and records of the future are judged by; default time.Now.
	Now func() time.Time
	// Lockstep has every epoch wait for everything that was read, for tests that look in between.
	Lockstep bool
	// Probe is told the points that each commit passes, for tests that crash there; nil: nobody asks.
	Probe func(point string)
	// Board is where people see how the tasks are; nil: nobody looks. Copies is given what makes copies of all stores.
	Board   *status.Board
	Copies  func(copyTo func(ctx context.Context, dir string) error)
	Metrics *metrics.Set
	Logger  *slog.Logger

	// begun is called when every source has begun, released when nothing of the group is held any more; nil: nobody asks.
	begun, released func()
}

// EnsureDefaults sets what was left open.
func (c *Config) EnsureDefaults() {
	if c.Workers == 0 {
		c.Workers = 1
	}
	if c.State == nil {
		c.State = memstate.New()
	}
	if c.CommitInterval == 0 {
		c.CommitInterval = time.Second
	}
	if c.SnapshotInterval == 0 {
		c.SnapshotInterval = 10 * time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// Validate returns all faults of a config at once.
func (c *Config) Validate() error {
	var errs []error
	need := func(ok bool, message string) {
		if !ok {
			errs = append(errs, errors.New(message))
		}
	}
	need(c.Plan != nil, "no plan")
	need(c.OpenSource != nil && c.OpenOutlet != nil, "sources and outlets need adapters")
	need(c.OpenHop != nil && c.Partitions != nil, "hops need adapters")
	need(c.Start != nil, "no way to start workers")
	need(c.Workers > 0, "workers must be at least 1")
	need(c.CommitInterval > 0 && c.SnapshotInterval > 0, "the intervals of commits and snapshots must be positive")
	need(c.Metrics != nil && c.Logger != nil, "metrics and logger are needed")
	return errors.Join(errs...)
}

// stopTimeout is how long workers may take to stop by themselves, and sources to take the last positions.
const stopTimeout = 5 * time.Second

// Run runs a plan until its bounded sources are at their end, or until ctx ends: then it finishes the records that it
// has, commits, and returns nil. Any other error leaves the records since the last commit to the next run.
func Run(ctx context.Context, config Config) error {
	config.EnsureDefaults()
	if err := config.Validate(); err != nil {
		return fmt.Errorf("engine config: %w", err)
	}
	compiled, err := plan.Compile(config.Plan)
	if err != nil {
		return err
	}
	// Nothing may be consumed if the user's code does not load.
	pool, err := dispatch.NewPool(ctx, config.Start, config.Workers, config.Metrics, config.Logger)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		pool.Close(ctx)
	}()
	past, id := &past{}, rand.Text()
	err = again(ctx, config.Logger, func() (opened bool, err error) {
		r := &engine{config: config, plan: compiled, pool: pool, epochs: apart{}, past: past, id: id}
		if err = r.run(ctx); errors.Is(err, errEnded) {
			err = nil
		}
		return r.opened, err
	})
	if config.released != nil {
		config.released()
	}
	return err
}

// engine is one run, up to its end or the first transaction that is aborted.
type engine struct {
	config  Config
	plan    *plan.Plan
	pool    *dispatch.Pool
	readers []*reader
	// outlets are those of the sources, or one for all of a single node.
	outlets   []Outlet
	stores    *stores
	epochs    epochs
	snapshots *snapshots
	// journal is set if the hops are within the process; bringing is held while state is restored into it.
	journal  *journal.Journal
	bringing sync.Mutex
	// partitions are those of each source of the plan.
	partitions []int
	// id is that of the run, from its first attempt to its last.
	id   string
	past *past
	// opened tells that everything is open.
	opened bool
}

// past is what a run remembers of its attempts.
type past struct {
	// reset are the stores that began anew, which each does once; ends are the ends of runs that the first attempt found.
	reset, ends sync.Map
}

// first tells whether it was not asked for the store before.
func (p *past) first(store string) bool {
	_, before := p.reset.LoadOrStore(store, true)
	return !before
}

// otherEnd tells whether a store has the end of another run than before.
func (p *past) otherEnd(store, end string) bool {
	before, there := p.ends.LoadOrStore(store, end)
	return there && before != end
}

func (e *engine) run(ctx context.Context) error {
	defer e.close()
	if err := e.openStores(); err != nil {
		return err
	}
	if err := e.open(ctx); err != nil {
		return err
	}
	e.connect()
	e.opened = true
	if e.config.Copies != nil {
		e.config.Copies(e.stores.copyTo)
	}
	if err := e.read(ctx); err != nil {
		return err
	}
	if err := e.closeSinks(); err != nil {
		return err
	}
	if err := e.epochs.commit(context.WithoutCancel(ctx), e.readers); err != nil {
		return err
	}
	if err := e.seal(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	e.leave(ctx)
	return e.stop()
}

func (e *engine) probe(point string) {
	if e.config.Probe != nil {
		e.config.Probe(point)
	}
}

// connect makes the readers know what they feed, and when to commit.
func (e *engine) connect() {
	if e.journal != nil {
		e.epochs = newJoint(e)
	}
	begun := &beginnings{left: len(e.readers), all: e.config.begun}
	for i, r := range e.readers {
		r.epochs, r.all, r.begun = e.epochs, e.partitions[i], sync.OnceFunc(begun.one)
		r.snapshots = e.snapshots
		if r.queue != nil {
			feeder := e.readerOf(e.feeder(r.plan.Hop))
			feeder.ahead = append(feeder.ahead, r.queue)
		}
	}
}

func (e *engine) readerOf(from *plan.Source) *reader {
	return e.readers[slices.Index(e.plan.Sources, from)]
}

// read runs all readers. A stop ends those of sources; those behind a hop within the process go on until they have
// everything that was read.
func (e *engine) read(ctx context.Context) error {
	group, working := errgroup.WithContext(context.WithoutCancel(ctx))
	reading, stop := context.WithCancel(ctx)
	defer context.AfterFunc(working, stop)()
	defer stop()
	if j, ok := e.epochs.(*joint); ok {
		j.failed = working.Done()
	}
	ended := map[*plan.Source]chan struct{}{}
	for _, r := range e.readers {
		ended[r.plan] = make(chan struct{})
	}
	for _, r := range e.readers {
		within := reading
		if e.journal != nil && r.queue != nil {
			within = working
		}
		group.Go(func() error {
			err := r.run(within)
			if err == nil {
				close(ended[r.plan])
			}
			return err
		})
		if finisher, ok := r.source.(source.Finisher); ok && r.plan.Hop != nil {
			group.Go(func() error {
				select {
				case <-ended[e.feeder(r.plan.Hop)]:
					finisher.Finish()
				case <-within.Done():
				}
				return nil
			})
		}
	}
	return group.Wait()
}

// feeder returns the source whose steps lead to a hop.
func (e *engine) feeder(hop *plan.Hop) *plan.Source {
	for _, s := range e.plan.Sources {
		if s.Feeds(hop) {
			return s
		}
	}
	panic("a hop that no stage leads to") // plan.Compile made it from one
}

// stop ends the tasks, once everything is committed.
func (e *engine) stop() error {
	var errs []error
	for _, r := range e.readers {
		if r != nil { // opened
			errs = append(errs, r.stop())
		}
	}
	return errors.Join(errs...)
}

// interval returns the time between commits. A file is there when it is closed and not before, so that a run with one
// commits at its end alone.
func (e *engine) interval() time.Duration {
	for _, to := range e.plan.Sinks {
		if to.GetFile() != nil {
			return never
		}
	}
	return e.config.CommitInterval
}

// never is longer than any run.
const never = 1 << 62

// closeSinks closes the sinks after a run, so that files get their final names.
func (e *engine) closeSinks() error {
	var errs []error
	for _, r := range e.readers {
		if r == nil { // not opened
			continue
		}
		for _, s := range append(r.outputs.Sinks, r.outputs.DeadLetters) {
			if s != nil {
				errs = append(errs, s.Close())
			}
		}
		r.outputs.Sinks, r.outputs.DeadLetters = nil, nil
	}
	return errors.Join(errs...)
}

func (e *engine) close() {
	e.unshow()
	if err := e.stop(); err != nil {
		e.config.Logger.Warn("the state was not closed cleanly", "error", err)
	}
	if err := e.closeSinks(); err != nil {
		e.config.Logger.Warn("a sink did not close cleanly", "error", err)
	}
	var closing sync.WaitGroup
	defer closing.Wait()
	for _, r := range e.readers {
		if r != nil {
			closing.Go(func() {
				if err := r.source.Close(); err != nil {
					e.config.Logger.Warn("a source did not close cleanly", "source", r.plan.Name, "error", err)
				}
			})
		}
	}
	for _, o := range e.outlets {
		if o != nil {
			closing.Go(func() {
				if err := o.Close(); err != nil {
					e.config.Logger.Warn("an outlet did not close cleanly", "error", err)
				}
			})
		}
	}
	if e.snapshots != nil {
		e.snapshots.close()
	}
	e.closeStores()
}
