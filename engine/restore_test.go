package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/changelog"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/sink/sinktest"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/memstate"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// cutting is a changelog that is cut each time after its bounds were asked for, so many times: each time its only record goes,
// and another one comes.
type cutting struct {
	cuts int
	low  int64
}

func (c *cutting) Bounds(context.Context, record.Partition) (low, end int64, err error) {
	low = c.low
	if c.cuts > 0 {
		c.cuts--
		c.low++
	}
	return low, low + 1, nil
}

func (c *cutting) Read(context.Context, record.Partition, int64, func(int64, []byte) error) (int64, error) {
	return c.low + 1, nil
}

// cuts are the snapshots that whoever cuts a changelog has taken before.
type cuts struct{ t *testing.T }

func (c cuts) Take(context.Context, string, int64, string) error { return nil }

func (c cuts) Restore(_ context.Context, _ string, offset int64, dir string, _ func(done, total int64)) (found bool, err error) {
	if offset == 0 {
		return false, nil
	}
	store, err := memstate.New().Open("copy")
	if err != nil {
		return false, err
	}
	var changes state.Changes
	changelog.Mark(&changes, offset)
	if err := store.Apply(&changes); err != nil {
		return false, err
	}
	from, ok := store.(state.Checkpointer)
	if !ok {
		c.t.Fatal("the store cannot be copied")
	}
	copied := filepath.Join(c.t.TempDir(), "copy")
	if err := from.Checkpoint(copied); err != nil {
		return false, err
	}
	return true, os.CopyFS(dir, os.DirFS(copied))
}

// logging is an outlet with a changelog.
type logging struct{ engine.Outlet }

type tail struct{ sink.Sink }

func (tail) Next(int32) int64 { return -1 }

func (logging) OpenChangelog(context.Context, string, int) (sink.Log, error) {
	return tail{sinktest.New()}, nil
}

// counting is a world whose app keeps state, in a changelog.
func counting(t *testing.T, log changelog.Log) *world {
	t.Helper()
	w := newWorld(t)
	key := keyBy("k")
	window := counted(10, builtin("n", planv1.AggregateOp_AGGREGATE_OP_COUNT, ""))
	key.Id, key.Input, window.Id, window.Input = "key", "in", "window", "key"
	w.config.Plan.Sources[0].Key = "k"
	w.config.Plan.Sources[0].Time = &planv1.EventTime{Field: "ts", Unit: planv1.TimeUnit_TIME_UNIT_MS}
	w.config.Plan.Sources[0].Schema = []*planv1.Field{{Name: "k", Type: planv1.Type_TYPE_STRING}}
	w.config.Plan.Steps[0].Input = "window"
	w.config.Plan.Steps = append([]*planv1.Step{key, window}, w.config.Plan.Steps...)
	open := w.config.OpenOutlet
	w.config.OpenOutlet = func(ctx context.Context, name string) (engine.Outlet, error) {
		to, err := open(ctx, name)
		return logging{to}, err
	}
	w.config.State = memstate.New()
	w.config.Changelogs = &engine.Changelogs{Log: log, Topic: func(*plan.Source) string { return "changelog" }}
	w.config.Snapshots = cuts{t}
	return w
}

func TestAChangelogThatIsCutDuringARestoreIsReadAgainBehindANewerSnapshot(t *testing.T) {
	log := &cutting{cuts: 1}
	w := counting(t, log)
	w.in.Push(assigned(p0), source.Event{Ended: []record.Partition{p0}})
	w.start(t)
	if err := <-w.done; err != nil {
		t.Fatal(err)
	}
	store, err := w.config.State.Open("topic-in-0")
	if err != nil {
		t.Fatal(err)
	}
	if at, err := changelog.At(store); at != 2 || err != nil {
		t.Errorf("the state is complete up to %d, %v, want 2", at, err)
	}
}

// meeting is a root of which no store opens until so many are being opened.
type meeting struct {
	state.Root

	missing atomic.Int32
	all     chan struct{}
}

func (m *meeting) Open(name string) (state.Store, error) {
	if m.missing.Add(-1) == 0 {
		close(m.all)
	}
	select {
	case <-m.all:
		return m.Root.Open(name)
	case <-time.After(10 * time.Second):
		return nil, errors.New("no other store is opened meanwhile")
	}
}

func TestPartitionsOpenTheirStoresAtTheSameTime(t *testing.T) {
	w := counting(t, &cutting{})
	w.config.Partitions = func(context.Context, *planv1.Source) (int, error) { return 2, nil }
	root := &meeting{Root: w.config.State, all: make(chan struct{})}
	root.missing.Store(2)
	w.config.State = root
	w.in.Push(assigned(p0, p1), source.Event{Ended: []record.Partition{p0, p1}})
	w.start(t)
	if err := <-w.done; err != nil {
		t.Fatal(err)
	}
	if begun := w.in.Begun(); len(begun) != 2 {
		t.Errorf("partitions began: %v", begun)
	}
}

func TestAChangelogThatIsCutDuringEachRestoreEndsTheRun(t *testing.T) {
	w := counting(t, &cutting{cuts: 100})
	w.in.Push(assigned(p0), source.Event{Ended: []record.Partition{p0}})
	w.start(t)
	if err := <-w.done; !errors.Is(err, changelog.ErrGap) {
		t.Errorf("the run ends with: %v", err)
	}
	if begun := w.in.Begun(); !slices.Equal(begun, nil) {
		t.Errorf("partitions began: %v", begun)
	}
}
