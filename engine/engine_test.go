package engine_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/sink/sinktest"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/source/sourcetest"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// idle is a worker that no plan of these tests calls.
type idle struct{}

func (idle) Run(context.Context, *dispatch.Call) (*dispatch.Result, error) {
	return nil, errors.New("nobody calls")
}
func (idle) Kill()                      {}
func (idle) Stop(context.Context) error { return nil }

// world is an engine between fakes, copying topic in to topic out.
type world struct {
	in        *sourcetest.Fake
	out, dead *sinktest.Fake
	config    engine.Config
	cancel    context.CancelFunc
	done      chan error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{in: sourcetest.New(), out: sinktest.New(), dead: sinktest.New(), done: make(chan error, 1)}
	w.config = engine.Config{
		Plan: &planv1.Plan{
			App:     "copy",
			Sources: []*planv1.Source{{Id: "in", Kind: &planv1.Source_Topic{Topic: &planv1.Topic{Name: "in"}}}},
			Steps:   []*planv1.Step{{Id: "to", Input: "in", Op: &planv1.Step_To{To: &planv1.To{Kind: &planv1.To_Topic{Topic: &planv1.Topic{Name: "out"}}}}}},
		},
		OpenSource:     func(context.Context, *planv1.Source) (source.Source, error) { return w.in, nil },
		OpenOutlet:     w.openOutlet(func(*planv1.To) sink.Sink { return w.out }),
		OpenHop:        func(context.Context, engine.HopTo) (engine.Hop, error) { panic("no hop") },
		Partitions:     func(context.Context, *planv1.Source) (int, error) { return 1, nil },
		Start:          func(context.Context) (dispatch.Worker, error) { return idle{}, nil },
		CommitInterval: time.Hour,
		Metrics:        metrics.New(prometheus.NewRegistry()),
		Logger:         slog.New(slog.DiscardHandler),
	}
	return w
}

// openOutlet opens outlets whose sinks open gives.
func (w *world) openOutlet(open func(*planv1.To) sink.Sink) func(context.Context, string) (engine.Outlet, error) {
	return func(context.Context, string) (engine.Outlet, error) { return &outlet{open: open, dead: w.dead}, nil }
}

// outlet is one without transactions.
type outlet struct {
	open func(*planv1.To) sink.Sink
	dead sink.Sink

	mu    sync.Mutex // guards sinks
	sinks []sink.Sink
}

func (o *outlet) keep(s sink.Sink) (sink.Sink, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sinks = append(o.sinks, s)
	return s, nil
}

func (o *outlet) OpenSink(_ context.Context, to *planv1.To) (sink.Sink, error) {
	return o.keep(o.open(to))
}

func (o *outlet) OpenDeadLetters(context.Context) (sink.Sink, error) { return o.keep(o.dead) }

func (o *outlet) OpenHop(context.Context, string) (sink.Sink, error) { panic("hops have sinks") }

func (o *outlet) OpenChangelog(context.Context, string, int) (sink.Log, error) {
	panic("no changelog")
}

func (o *outlet) Deliver(ctx context.Context, _ []sink.Read) error {
	for _, s := range o.sinks {
		if err := s.Flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (o *outlet) Acknowledge(ctx context.Context, reads []sink.Read) error {
	for _, read := range reads {
		if err := read.Source.Commit(ctx, read.Positions); err != nil {
			return err
		}
	}
	return nil
}

func (o *outlet) Close() error { return nil }

func (w *world) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w.cancel = cancel
	go func() { w.done <- engine.Run(ctx, w.config) }()
	t.Cleanup(cancel)
}

func (w *world) wait(t *testing.T, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := w.in.Wait(ctx, condition); err != nil {
		t.Fatal(err)
	}
}

var (
	p0 = record.Partition{Topic: "in", Index: 0} //nolint:gochecknoglobals // a constant
	p1 = record.Partition{Topic: "in", Index: 1} //nolint:gochecknoglobals // a constant
)

func assigned(partitions ...record.Partition) source.Event {
	return source.Event{Assigned: partitions}
}

func records(p record.Partition, first int64, values ...string) source.Event {
	return source.Event{Records: sourcetest.Batch(p, first, values...)}
}

func TestABoundedRunEndsByItselfAndCommitsEverything(t *testing.T) {
	w := newWorld(t)
	w.in.Push(assigned(p0, p1),
		records(p0, 5, `{"a":1}`, `{"a":2}`), records(p1, 0, `{"b":1}`, `junk`),
		source.Event{Ended: []record.Partition{p0}}, source.Event{Ended: []record.Partition{p1}})
	w.start(t)
	if err := <-w.done; err != nil {
		t.Fatal(err)
	}
	got := w.out.Values()
	slices.Sort(got)
	if want := []string{`{"a":1}`, `{"a":2}`, `{"b":1}`}; !slices.Equal(got, want) {
		t.Error(got)
	}
	if !slices.Equal(w.dead.Values(), []string{"junk"}) {
		t.Error(w.dead.Values())
	}
	for p, want := range map[record.Partition]int64{p0: 7, p1: 2} {
		if offset, _ := w.in.LastCommit(p); offset != want {
			t.Errorf("%v committed at %d, want %d", p, offset, want)
		}
	}
	if !w.in.Closed() || !w.out.Closed() || !w.dead.Closed() {
		t.Error("something was left open")
	}
}

func TestAFlushOfAnAppWithoutStateIsAnEndLikeAnyOther(t *testing.T) {
	w := newWorld(t)
	w.config.Flush = true
	w.in.Push(assigned(p0), records(p0, 0, `{}`), source.Event{Ended: []record.Partition{p0}})
	w.start(t)
	if err := <-w.done; err != nil || len(w.out.Values()) != 1 {
		t.Error(err, w.out.Values())
	}
}

func TestNothingIsCommittedBeforeItIsDelivered(t *testing.T) {
	w := newWorld(t)
	w.in.OnCommit(func([]record.Position) error {
		if len(w.out.Flushed()) != 2 {
			t.Errorf("committed with %d of 2 delivered", len(w.out.Flushed()))
		}
		return nil
	})
	w.in.Push(assigned(p0), records(p0, 0, `{}`, `{}`), source.Event{Ended: []record.Partition{p0}})
	w.start(t)
	if err := <-w.done; err != nil {
		t.Fatal(err)
	}
	if len(w.in.Commits()) != 1 {
		t.Error(w.in.Commits())
	}
}

func TestAStopFinishesWhatIsUnderWayAndCommits(t *testing.T) {
	w := newWorld(t)
	w.in.Push(assigned(p0), records(p0, 0, `{"n":1}`), records(p0, 1, `{"n":2}`))
	w.start(t)
	w.wait(t, func() bool { return w.in.Pending() == 0 })
	w.cancel()
	if err := <-w.done; err != nil {
		t.Fatal(err)
	}
	if offset, _ := w.in.LastCommit(p0); int(offset) != len(w.out.Flushed()) || offset == 0 {
		t.Errorf("committed %d with %d delivered", offset, len(w.out.Flushed()))
	}
}

func TestARevokedPartitionIsCommittedAsFarAsItIsWrittenBeforeItIsGivenAway(t *testing.T) {
	w := newWorld(t)
	released := make(chan struct{})
	var committed []record.Position
	w.in.OnCommit(func(positions []record.Position) error {
		committed = append(committed, positions...)
		return nil
	})
	w.in.OnRelease(func(partitions []record.Partition) error {
		written := slices.Contains(w.out.Values(), `{"p":0}`)
		if slices.Contains(committed, record.Position{Partition: p0, Offset: 1}) != written || !slices.Equal(partitions, []record.Partition{p0}) {
			t.Errorf("%v released with %v committed and %v written", partitions, committed, w.out.Values())
		}
		close(released)
		return nil
	})
	w.in.Push(assigned(p0, p1), records(p0, 0, `{"p":0}`), records(p1, 0, `{}`),
		source.Event{Revoked: []record.Partition{p0}}, records(p1, 1, `{}`), source.Event{Ended: []record.Partition{p1}})
	w.start(t)
	<-released
	if err := <-w.done; err != nil {
		t.Fatal(err)
	}
	if offset, _ := w.in.LastCommit(p1); offset != 2 {
		t.Errorf("the other partition is at %d", offset)
	}
}

func TestALostPartitionIsNeverCommitted(t *testing.T) {
	w := newWorld(t)
	w.in.OnRelease(func([]record.Partition) error {
		go w.in.Push(assigned(p1), records(p1, 0, `{}`), source.Event{Ended: []record.Partition{p1}})
		return nil
	})
	w.in.Push(assigned(p0, p1), records(p0, 0, `{}`), source.Event{Lost: []record.Partition{p0, p1}})
	w.start(t)
	if err := <-w.done; err != nil {
		t.Fatal(err)
	}
	if _, ok := w.in.LastCommit(p0); ok {
		t.Error("committed")
	}
	if offset, _ := w.in.LastCommit(p1); offset != 1 {
		t.Errorf("the partition that came back is at %d", offset)
	}
	if !slices.Equal(w.in.Released(), []record.Partition{p0, p1}) {
		t.Error(w.in.Released())
	}
}

func TestACommitThatIsRefusedIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.config.CommitInterval = time.Nanosecond
	refusals := 0
	w.in.OnCommit(func([]record.Position) error {
		if refusals++; refusals < 3 {
			return errors.New("rebalance in progress")
		}
		return nil
	})
	w.in.Push(assigned(p0), records(p0, 0, `{}`))
	w.start(t)
	w.wait(t, func() bool {
		w.in.Push(source.Event{Idle: true})
		return len(w.in.Commits()) == 1
	})
	w.in.Push(source.Event{Ended: []record.Partition{p0}})
	if err := <-w.done; err != nil {
		t.Error(err)
	}
}

func TestALastCommitThatIsRefusedForGoodIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		refused := errors.New("rebalance in progress")
		w.in.OnCommit(func([]record.Position) error { return refused })
		w.in.Push(assigned(p0), records(p0, 0, `{}`), source.Event{Ended: []record.Partition{p0}})
		w.start(t)
		if err := <-w.done; !errors.Is(err, refused) {
			t.Errorf("the last commit was refused, and the run says %v", err)
		}
	})
}

func TestTheLastCommitIsInsistedOnWhileTheGroupRebalances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		refusals := 0
		w.in.OnCommit(func([]record.Position) error {
			if refusals++; refusals < 10 {
				return errors.New("rebalance in progress")
			}
			return nil
		})
		w.in.Push(assigned(p0), records(p0, 0, `{}`), source.Event{Ended: []record.Partition{p0}})
		w.start(t)
		if err := <-w.done; err != nil {
			t.Error(err)
		}
		if offset, _ := w.in.LastCommit(p0); offset != 1 {
			t.Errorf("committed is %d, want 1", offset)
		}
	})
}

func TestASinkThatFailsEndsTheRunAndNothingIsCommitted(t *testing.T) {
	broken := errors.New("disk full")
	w := newWorld(t)
	w.out.OnFlush(func(context.Context) error { return broken })
	w.in.Push(assigned(p0), records(p0, 0, `{}`), source.Event{Ended: []record.Partition{p0}})
	w.start(t)
	if err := <-w.done; !errors.Is(err, broken) {
		t.Error(err)
	}
	if len(w.in.Commits()) != 0 {
		t.Error(w.in.Commits())
	}
}

func TestNothingIsConsumedIfAWorkerCannotStart(t *testing.T) {
	broken := errors.New("no module named pandas")
	w := newWorld(t)
	w.config.Start = func(context.Context) (dispatch.Worker, error) { return nil, broken }
	w.start(t)
	if err := <-w.done; !errors.Is(err, broken) || w.in.Polls() != 0 {
		t.Error(err, w.in.Polls())
	}
}

func TestAConfigSaysAllItsFaultsAtOnce(t *testing.T) {
	err := engine.Run(t.Context(), engine.Config{Workers: -1})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"no plan", "adapters", "start workers", "at least 1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}
