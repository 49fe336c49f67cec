package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/journal"
	"github.com/pyudf/pyudf/engine/state/memstate"
	"github.com/pyudf/pyudf/engine/step"
	"github.com/pyudf/pyudf/engine/task"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Config is what a run needs. All fields but Workers and CommitInterval must be set.
type Config struct {
	Plan *planv1.Plan
	// OpenSource and OpenSink open the adapters of what the plan names. They are called at the same time.
	// Resume says where the partitions of a source with state go on.
	OpenSource func(ctx context.Context, s *planv1.Source, resume source.Resume) (source.Source, error)
	OpenSink   func(ctx context.Context, to *planv1.To) (sink.Sink, error)
	// OpenHop opens the topic, or what stands in for one, that leads to a stage.
	OpenHop func(ctx context.Context, to HopTo) (Hop, error)
	// SingleNode tells that this process reads all partitions, and that all hops are within it: OpenHop gives Queues.
	SingleNode bool
	// Partitions returns how many partitions a source has.
	Partitions func(ctx context.Context, s *planv1.Source) (int, error)
	// State is where tasks keep what they know from batch to batch; nil: in memory, until the run ends.
	State state.Root
	// Flush closes the windows that are open at the end of a bounded run. Those of files are closed in any case.
	Flush bool
	// Bounded tells that the run ends by itself: the clock does not count.
	Bounded bool
	// ResetState lets a task begin without state where its group has read before.
	ResetState bool
	// OpenDeadLetters opens the sink of the records that no step could handle.
	OpenDeadLetters func(ctx context.Context) (sink.Sink, error)
	// Start starts a worker.
	Start dispatch.Start
	// Workers is how many run at a time; default 1.
	Workers int
	// CommitInterval is the time between commits; default 5 s.
	CommitInterval time.Duration
	// Now is the clock that idle partitions, early results and records of the future are judged by; default time.Now.
	Now     func() time.Time
	Metrics *metrics.Set
	Logger  *slog.Logger
}

// HopTo says where a hop leads to, and where the stage there goes on.
type HopTo struct {
	Stage  string
	Resume source.Resume
	// Partitions are those over which the keys of the stage's state are spread, if this process knows that; else 0.
	Partitions int
}

// Hop is both ends of a way between stages. The sink takes messages with explicit partitions.
type Hop struct {
	Source     source.Source
	Sink       sink.Sink
	Partitions int
	// Queue is the inside of a hop within the process; nil: it leads through a topic.
	Queue Queue
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
		c.CommitInterval = 5 * time.Second
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
	need(c.OpenSource != nil && c.OpenSink != nil && c.OpenDeadLetters != nil, "sources, sinks and dead letters need adapters")
	need(c.OpenHop != nil && c.Partitions != nil, "hops need adapters")
	need(c.Start != nil, "no way to start workers")
	need(c.Workers > 0, "workers must be at least 1")
	need(c.CommitInterval > 0, "the commit interval must be positive")
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
	r := &engine{config: config, plan: compiled, outputs: &task.Outputs{Metrics: config.Metrics}, epochs: apart{}}
	defer r.close(ctx)
	if err := r.openStores(); err != nil {
		return err
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	r.connect()
	if err := r.read(ctx); err != nil {
		return err
	}
	if err := r.closeSinks(); err != nil {
		return err
	}
	if err := r.epochs.commit(context.WithoutCancel(ctx), r.readers); err != nil {
		return err
	}
	return r.stop()
}

// engine is one run.
type engine struct {
	config  Config
	plan    *plan.Plan
	outputs *task.Outputs
	pool    *dispatch.Pool
	readers []*reader
	stores  *stores
	epochs  epochs
	// journal is set if the hops are within the process.
	journal *journal.Journal
	// partitions are those of each source of the plan.
	partitions []int
}

// open opens everything: workers first, as nothing may be consumed if the user's code does not load; then sinks and
// sources at the same time, as each has to ask somebody.
func (e *engine) open(ctx context.Context) error {
	var err error
	if e.pool, err = dispatch.NewPool(ctx, e.config.Start, e.config.Workers, e.config.Metrics, e.config.Logger); err != nil {
		return err
	}
	e.outputs.Sinks = make([]sink.Sink, len(e.plan.Sinks)+len(e.plan.Hops))
	e.readers = make([]*reader, len(e.plan.Sources))
	e.partitions = make([]int, len(e.plan.Sources))
	group, opening := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		e.outputs.DeadLetters, err = e.config.OpenDeadLetters(opening)
		return err
	})
	for i, to := range e.plan.Sinks {
		e.outputs.Names = append(e.outputs.Names, plan.SinkName(to))
		group.Go(func() (err error) {
			e.outputs.Sinks[i], err = e.config.OpenSink(opening, to)
			return err
		})
	}
	for _, hop := range e.plan.Hops {
		e.outputs.Names = append(e.outputs.Names, hop.Stage.Name)
	}
	for i, from := range e.plan.Sources {
		group.Go(func() error { return e.openSource(opening, i, from) })
	}
	return group.Wait()
}

func (e *engine) openSource(ctx context.Context, i int, from *plan.Source) error {
	if from.Hop != nil {
		hop, err := e.openHop(ctx, from)
		if err == nil && e.journal != nil && hop.Queue == nil {
			return errors.New("engine config: a single node needs hops with a Queue")
		}
		if err == nil {
			e.outputs.Sinks[len(e.plan.Sinks)+from.Hop.Index] = hop.Sink
			e.partitions[i] = hop.Partitions
			e.readers[i] = e.reader(from, hop.Source)
			e.readers[i].queue = hop.Queue
		}
		return err
	}
	var err error
	if len(e.plan.Hops) > 0 {
		if e.partitions[i], err = e.config.Partitions(ctx, from.Proto); err != nil {
			return err
		}
	}
	s, err := e.config.OpenSource(ctx, from.Proto, e.resume(from))
	if err == nil {
		e.readers[i] = e.reader(from, s)
	}
	return err
}

func (e *engine) openHop(ctx context.Context, from *plan.Source) (Hop, error) {
	spread, err := e.spread(from)
	if err != nil {
		return Hop{}, err
	}
	hop, err := e.config.OpenHop(ctx, HopTo{Stage: from.Name, Resume: e.resume(from), Partitions: spread})
	if err == nil {
		err = e.checkSpread(from, hop.Partitions)
	}
	return hop, err
}

func (e *engine) reader(from *plan.Source, s source.Source) *reader {
	r := &reader{
		source:     s,
		plan:       from,
		program:    step.New(from, e.pool, e.config.Metrics),
		outputs:    e.outputs,
		interval:   e.interval(),
		now:        e.config.Now,
		metrics:    e.config.Metrics,
		logger:     e.config.Logger.With("source", from.Name),
		closeState: func(record.Partition) error { return nil },
		flush:      e.config.Flush || from.Proto.GetFile() != nil,
		live:       !e.config.Bounded && from.Proto.GetTopic() != nil,
	}
	r.program.At(func() int64 { return r.now().UnixMilli() })
	if from.Stateful() {
		r.flows = func(p record.Partition) (*keyed.Flow, error) { return e.flow(r, p) }
		r.closeState = func(p record.Partition) error { return e.stores.close(storeName(from, p)) }
	}
	return r
}

// connect makes the readers know what they feed, and when to commit.
func (e *engine) connect() {
	if e.journal != nil {
		e.epochs = newJoint(e)
	}
	for i, r := range e.readers {
		r.epochs, r.all = e.epochs, e.partitions[i]
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
				err = e.epochs.end(context.WithoutCancel(ctx), r)
			}
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
	for _, s := range append(e.outputs.Sinks, e.outputs.DeadLetters) {
		if s != nil { // opened
			errs = append(errs, s.Close())
		}
	}
	e.outputs.Sinks, e.outputs.DeadLetters = nil, nil
	return errors.Join(errs...)
}

func (e *engine) close(ctx context.Context) {
	if err := e.stop(); err != nil {
		e.config.Logger.Warn("the state was not closed cleanly", "error", err)
	}
	defer e.closeStores()
	for _, r := range e.readers {
		if r == nil { // not opened
			continue
		}
		if err := r.source.Close(); err != nil {
			e.config.Logger.Warn("a source did not close cleanly", "source", r.plan.Name, "error", err)
		}
	}
	if err := e.closeSinks(); err != nil {
		e.config.Logger.Warn("a sink did not close cleanly", "error", err)
	}
	if e.pool != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		e.pool.Close(ctx)
	}
}
