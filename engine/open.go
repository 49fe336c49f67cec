package engine

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/step"
	"github.com/pyudf/pyudf/engine/task"
)

// open opens everything at the same time, as each has to ask somebody. An outlet fences what is left of this process' past: only
// when all are open it is known what is committed, so nothing asks for that before.
func (e *engine) open(ctx context.Context) error {
	e.readers = make([]*reader, len(e.plan.Sources))
	e.partitions = make([]int, len(e.plan.Sources))
	if e.config.Snapshots != nil && e.config.State != nil {
		e.snapshots = newSnapshots(e)
	}
	e.outlets = make([]Outlet, len(e.plan.Sources))
	if e.journal != nil { // hops within the process look at once for what is committed
		var err error
		if e.outlets[0], err = e.config.OpenOutlet(ctx, ""); err != nil {
			return err
		}
		e.outlets = e.outlets[:1]
	}
	group, opening := errgroup.WithContext(ctx)
	for i, from := range e.plan.Sources {
		group.Go(func() error { return e.openReader(opening, i, from) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return e.openHops(ctx)
}

// outletOf returns where a source's tasks write. It is opened if it is not.
func (e *engine) outletOf(ctx context.Context, i int) (_ Outlet, err error) {
	if e.journal != nil {
		return e.outlets[0], nil
	}
	e.outlets[i], err = e.config.OpenOutlet(ctx, e.plan.Sources[i].Name)
	return e.outlets[i], err
}

// openReader opens what a source reads and writes, but for the hops that it feeds.
func (e *engine) openReader(ctx context.Context, i int, from *plan.Source) error {
	r := e.reader(from)
	r.outputs.Sinks = make([]sink.Sink, len(e.plan.Sinks)+len(e.plan.Hops))
	group, opening := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		if r.outlet, err = e.outletOf(opening, i); err != nil {
			return err
		}
		return e.openSinks(opening, r)
	})
	group.Go(func() error { return e.openSource(opening, i, r) })
	if err := group.Wait(); err != nil || !e.logged(from) {
		return err
	}
	var err error
	r.changelog, err = r.outlet.OpenChangelog(ctx, e.config.Changelogs.Topic(from), e.partitions[i])
	return err
}

func (e *engine) openSinks(ctx context.Context, r *reader) error {
	group, opening := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		r.outputs.DeadLetters, err = r.outlet.OpenDeadLetters(opening)
		return err
	})
	for number, to := range e.plan.Sinks {
		if r.plan.Writes(number) {
			group.Go(func() (err error) {
				r.outputs.Sinks[number], err = r.outlet.OpenSink(opening, to)
				return err
			})
		}
	}
	return group.Wait()
}

// openSource opens what a reader reads.
func (e *engine) openSource(ctx context.Context, i int, r *reader) (err error) {
	from := r.plan
	switch {
	case from.Hop != nil:
		err = e.openHop(ctx, i, r)
	case len(e.plan.Hops) > 0 || e.logged(from):
		e.partitions[i], err = e.config.Partitions(ctx, from.Proto)
	}
	if err == nil && r.source == nil {
		r.source, err = e.config.OpenSource(ctx, from.Proto)
	}
	if same, ok := r.source.(source.Identifier); ok && e.config.ResumeFiles {
		r.identity = same.Identity()
	}
	if r.source != nil {
		e.readers[i] = r
	}
	if noter, ok := r.source.(source.Noter); ok && !e.keeps(from) {
		noter.Note(noteStateless)
	}
	return err
}

// logged tells whether the tasks of a source have a changelog.
func (e *engine) logged(from *plan.Source) bool {
	return e.config.Changelogs != nil && e.keeps(from) && e.lasts(from)
}

func (e *engine) openHop(ctx context.Context, i int, r *reader) error {
	spread, err := e.spread(r.plan)
	if err != nil {
		return err
	}
	hop, err := e.config.OpenHop(ctx, HopTo{Stage: r.plan.Name, Resume: e.resume(r.plan), Partitions: spread})
	if err != nil {
		return err
	}
	e.partitions[i] = hop.Partitions
	r.source, r.queue, r.into = hop.Source, hop.Queue, hop.Sink
	if e.journal != nil && hop.Queue == nil {
		return errors.New("engine config: a single node needs hops with a Queue")
	}
	return e.checkSpread(r.plan, hop.Partitions)
}

// openHops opens the way into each hop, for the readers that feed it.
func (e *engine) openHops(ctx context.Context) (err error) {
	for _, r := range e.readers {
		if r.plan.Hop == nil {
			continue
		}
		feeder := e.readerOf(e.feeder(r.plan.Hop))
		if r.into == nil {
			if r.into, err = feeder.outlet.OpenHop(ctx, r.plan.Name); err != nil {
				return err
			}
		}
		feeder.outputs.Sinks[len(e.plan.Sinks)+r.plan.Hop.Index] = r.into
	}
	return nil
}

func (e *engine) reader(from *plan.Source) *reader {
	r := &reader{
		plan:       from,
		program:    step.New(from, e.pool, e.config.Metrics),
		outputs:    &task.Outputs{Metrics: e.config.Metrics},
		close:      e.commit,
		interval:   e.interval(),
		now:        e.config.Now,
		metrics:    e.config.Metrics,
		logger:     e.config.Logger.With("source", from.Name),
		closeState: func(record.Partition) error { return nil },
		stateful:   e.keeps(from),
		anew:       e.config.ResumeFiles,
		runID:      e.id,
		flush:      e.config.Flush || from.Proto.GetFile() != nil,
		live:       !e.config.Bounded && from.Proto.GetTopic() != nil,
		lockstep:   e.config.Lockstep,
		probe:      e.probe,
		tell:       e.tell,
		forget:     e.forget,
	}
	for _, to := range e.plan.Sinks {
		r.outputs.Names = append(r.outputs.Names, plan.SinkName(to))
	}
	for _, hop := range e.plan.Hops {
		r.outputs.Names = append(r.outputs.Names, hop.Stage.Name)
	}
	r.program.At(func() int64 { return r.now().UnixMilli() })
	r.restore = func(ctx context.Context, p record.Partition) (restored, error) { return e.restore(ctx, r, p) }
	if r.stateful {
		r.closeState = func(p record.Partition) error { return e.stores.close(storeName(from, p)) }
	}
	return r
}
