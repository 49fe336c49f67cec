package engine_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/state"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

func TestASingleNodeAndTopicsGiveTheSameResultsInAnyCutAndTakeOverFromEachOther(t *testing.T) {
	for seed := range uint64(60) {
		h := newHopped(t, seed)
		for part := 0.1; part < 1; part += h.g.Float64() / 2 { // a partition that ends without records holds nothing back
			r := h.trial(h.state, part)
			r.config.SingleNode = h.g.IntN(2) == 0
			r.succeed()
		}
		h.finish()
		h.complete(false)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func TestAStopOfASingleNodeLeavesNothingBetweenItsStages(t *testing.T) {
	for seed := range uint64(40) {
		h := newHopped(t, seed)
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			r := h.trial(h.state, 1)
			r.ends = false
			polls := h.g.IntN(30)
			go func() {
				_ = r.in.Wait(ctx, func() bool { return r.in.Polls() > polls || r.in.Pending() == 0 && r.in.Polls() > 0 })
				cancel()
			}()
			if err := r.run(ctx); err != nil {
				t.Fatal(err)
			}
			cancel()
		}
		h.finish()
		h.complete(false)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

var errPower = errors.New("the power is gone")

// outage is a root that takes so many more writes; the one after fails, and is made or not.
type outage struct {
	state.Root

	mu   sync.Mutex
	left int
	made bool
}

func (o *outage) Open(name string) (state.Store, error) {
	store, err := o.Root.Open(name)
	if err != nil {
		return nil, err
	}
	return &doomed{store, o}, nil
}

type doomed struct {
	state.Store

	outage *outage
}

func (d *doomed) Apply(changes *state.Changes) error {
	d.outage.mu.Lock()
	defer d.outage.mu.Unlock()
	d.outage.left--
	if d.outage.left >= 0 {
		return d.Store.Apply(changes)
	}
	if d.outage.left == -1 && d.outage.made {
		return errors.Join(d.Store.Apply(changes), errPower)
	}
	return errPower
}

func TestACrashAtAnyPointOfAJointCommitChangesNoResult(t *testing.T) {
	const writes = 60
	for left := range writes {
		h := newHopped(t, uint64(left)) //nolint:gosec // few
		h.trial(h.state, 0.3).succeed()
		for _, made := range []bool{false, true} {
			r := h.trial(&outage{Root: h.state, left: left, made: made}, 0.5+h.g.Float64()/2)
			r.config.CommitInterval = 1
			if err := r.run(t.Context()); err != nil && !errors.Is(err, errPower) {
				t.Fatal(err)
			}
		}
		if left%2 == 0 { // the next run may have topics
			r := h.trial(h.state, 0.9)
			r.config.SingleNode = false
			r.succeed()
		}
		h.finish()
		h.complete(true)
		if t.Failed() {
			t.Fatalf("%d writes", left)
		}
	}
}

func TestNoPositionIsCommittedWithRecordsBetweenStages(t *testing.T) {
	h := newHopped(t, 1)
	r := h.trial(h.state, 1)
	r.config.CommitInterval, r.config.Flush = 1, true
	seen := map[string]int{}
	r.in.OnCommit(func([]record.Position) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		for name, out := range r.outs {
			if n := len(out.Values()); n != len(out.Flushed()) {
				t.Errorf("%d of %d results of %s are delivered at a commit", len(out.Flushed()), n, name)
			}
			seen[name] = len(out.Flushed())
		}
		return nil
	})
	r.succeed()
	if want := h.expected(); !maps.Equal(seen, map[string]int{"small": len(want["small"]), "large": len(want["large"]), "late": 0}) {
		t.Errorf("at the last commit there were %v", seen)
	}
	h.complete(false)
}

func TestASingleNodeThatDoesNotGetAllPartitionsSaysSo(t *testing.T) {
	h := newHopped(t, 3)
	others := h.trial(h.state, 1)
	others.config.Partitions = func(context.Context, *planv1.Source) (int, error) { return len(h.input) + 2, nil }
	if err := others.run(t.Context()); err == nil || len(h.results) > 0 {
		t.Errorf("it ended with %v and wrote %v", err, h.results)
	}
	h.finish()
	h.complete(false)
}

func TestASingleNodeKeepsThePartitionsThatItsStateIsSpreadOver(t *testing.T) {
	h := newHopped(t, 6)
	h.targets = 2
	h.trial(h.state, 0.5).succeed()
	h.targets = 5
	topics := h.trial(h.state, 0.7)
	topics.config.SingleNode = false
	if err := topics.run(t.Context()); !errors.Is(err, keyed.ErrOtherSpread) {
		t.Errorf("keys are in other partitions than their state, and it says %v", err)
	}
	h.finish()
	h.complete(false)
}

func TestASingleNodeStopsWhenAnotherProcessTakesPartitions(t *testing.T) {
	p := record.Partition{Topic: "in"}
	for name, event := range map[string]source.Event{"revoked": {Revoked: []record.Partition{p}}, "lost": {Lost: []record.Partition{p}}} {
		h := newHopped(t, 4)
		r := h.trial(h.state, 0.5)
		r.ends = false
		go func() {
			_ = r.in.Wait(t.Context(), func() bool { return r.in.Polls() > 0 && r.in.Pending() == 0 })
			r.in.Push(event)
		}()
		if err := r.run(t.Context()); err == nil {
			t.Errorf("%s: it went on", name)
		}
		h.finish()
		h.complete(true)
	}
}

// full is a queue without room, until it is told that there is.
type full struct {
	engine.Queue

	room chan struct{}
}

func (f *full) Room(ctx context.Context) error {
	select {
	case <-f.room:
		return f.Queue.Room(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestASourceIsNotReadWhileTooMuchWaitsBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHopped(t, 5)
		r := h.trial(h.state, 1)
		r.config.Flush = true
		room := make(chan struct{})
		r.config.OpenHop = func(ctx context.Context, to engine.HopTo) (engine.Hop, error) {
			hop, err := r.openHop(ctx, to)
			hop.Queue = &full{hop.Queue, room}
			return hop, err
		}
		done := make(chan error)
		go func() { done <- r.run(t.Context()) }()
		synctest.Wait()
		if n := r.in.Polls(); n > 0 {
			t.Errorf("it was polled %d times", n)
		}
		close(room)
		if err := <-done; err != nil {
			t.Error(err)
		}
		h.complete(false)
	})
}

// hesitant gives records back as they are. Its first call lasts until the second began, which lasts until it is told to go on.
type hesitant struct {
	idle

	calls       atomic.Int32
	began, goOn chan struct{}
}

func (h *hesitant) Run(ctx context.Context, call *dispatch.Call) (*dispatch.Result, error) {
	waits := make(chan struct{})
	close(waits)
	switch h.calls.Add(1) {
	case 1:
		waits = h.began
	case 2:
		close(h.began)
		waits = h.goOn
	}
	select {
	case <-waits:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	result := &dispatch.Result{Rows: call.Rows}
	for row := range call.Rows {
		result.Records.Append(call.Records.At(row))
		result.Sources = append(result.Sources, int32(row)) //nolint:gosec // few
	}
	return result, nil
}

// hesitate puts a function before the first hop.
func hesitate(p *planv1.Plan) {
	p.Functions = []*planv1.Function{{
		Id: "same", Name: "same", Kind: planv1.Kind_KIND_RECORD, Input: planv1.Input_INPUT_RECORDS, Output: planv1.Output_OUTPUT_RECORDS,
		TimeoutMs: 60_000,
	}}
	p.Steps[0].Input = "same"
	p.Steps = append(p.Steps, &planv1.Step{
		Id: "same", Input: "in", Op: &planv1.Step_Map{Map: &planv1.Map{Call: &planv1.Call{Function: "same"}, Schema: p.GetSources()[0].GetSchema()}},
	})
}

func TestAJointCommitDoesNotWaitForWhatWorkersHave(t *testing.T) {
	h := newHopped(t, 7)
	r := h.trial(h.state, 1)
	slow := &hesitant{began: make(chan struct{}), goOn: make(chan struct{})}
	hesitate(r.config.Plan)
	r.config.Start = func(context.Context) (dispatch.Worker, error) { return slow, nil }
	r.config.Workers, r.config.CommitInterval, r.config.Flush = 2, 1, true
	var once sync.Once
	r.in.OnCommit(func([]record.Position) error {
		once.Do(func() { close(slow.goOn) })
		return nil
	})
	r.succeed()
	h.complete(false)
}
