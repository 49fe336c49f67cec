package harness

import (
	"context"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/source"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// run is one life of the engine.
type run struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // set before done is closed
	// readings are the sources, each stage behind those that feed it.
	readings []*reading
	byName   map[string]*reading
}

// start starts the engine. It commits after every event, so that a source which is polled again knows that what it gave
// is done with.
func (s *Session) start(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	r := &run{cancel: cancel, done: make(chan struct{}), byName: map[string]*reading{}}
	for _, from := range s.compiled.Sources {
		reading := newReading(s.broker.topic(topicOf(from)))
		reading.hop = from.Hop != nil
		r.readings = append(r.readings, reading)
		r.byName[from.Name] = reading
	}
	config := engine.Config{
		Plan: s.config.Plan, OpenSource: r.openSource, OpenHop: s.hops(r),
		OpenOutlet: func(context.Context, string) (engine.Outlet, error) { return &outlet{session: s}, nil },
		Partitions: func(context.Context, *planv1.Source) (int, error) { return s.config.Partitions, nil },
		State:      s.state, Flush: true, Start: s.worker.Start, CommitInterval: 1, Lockstep: true, Now: s.now,
		Metrics: metrics.New(prometheus.NewRegistry()), Logger: s.config.Logger,
	}
	go func() {
		defer close(r.done)
		defer cancel()
		r.err = engine.Run(ctx, config)
	}()
	s.run = r
}

// topicOf returns the name of what a source reads; a hop's cannot be one of the user's.
func topicOf(from *plan.Source) string {
	if from.Hop != nil {
		return hopTopic(from.Name)
	}
	return from.Name
}

func hopTopic(stage string) string { return "/" + stage }

func (r *run) openSource(_ context.Context, from *planv1.Source) (source.Source, error) {
	return r.byName[plan.SourceName(from)], nil
}

func (s *Session) hops(r *run) func(context.Context, engine.HopTo) (engine.Hop, error) {
	return func(_ context.Context, to engine.HopTo) (engine.Hop, error) {
		return engine.Hop{Source: r.byName[to.Stage], Partitions: s.config.Partitions}, nil
	}
}

// keeper keeps one worker for all lives of the engine.
type keeper struct {
	start  dispatch.Start
	mu     sync.Mutex // guards worker
	worker dispatch.Worker
}

// Start implements dispatch.Start.
func (k *keeper) Start(ctx context.Context) (dispatch.Worker, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.worker == nil {
		worker, err := k.start(ctx)
		if err != nil {
			return nil, err
		}
		k.worker = worker
	}
	return kept{k.worker, k}, nil
}

// kept is a worker that the end of a run does not end.
type kept struct {
	dispatch.Worker
	keeper *keeper
}

// Kill implements dispatch.Worker.
func (w kept) Kill() {
	w.keeper.mu.Lock()
	if w.keeper.worker == w.Worker {
		w.keeper.worker = nil
	}
	w.keeper.mu.Unlock()
	w.Worker.Kill()
}

// Stop implements dispatch.Worker.
func (w kept) Stop(context.Context) error { return nil }

// Stop ends the worker.
func (k *keeper) Stop(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.worker == nil {
		return nil
	}
	return k.worker.Stop(ctx)
}
