package engine

import (
	"context"

	"github.com/pyudf/pyudf/engine/changelog"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/source"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Outlet is where the tasks of one source write, or those of all sources of a single node: what is written there between
// two Delivers is there together.
type Outlet interface {
	sink.Outlet

	OpenSink(ctx context.Context, to *planv1.To) (sink.Sink, error)
	// OpenDeadLetters opens the sink of the records that no step could handle.
	OpenDeadLetters(ctx context.Context) (sink.Sink, error)
	// OpenHop opens the topic that leads to a stage.
	OpenHop(ctx context.Context, stage string) (sink.Sink, error)
	// OpenChangelog opens the topic of a source's changelog, which is created if need be.
	OpenChangelog(ctx context.Context, topic string, partitions int) (sink.Log, error)
}

// HopTo says where a hop leads to, and where the stage there goes on.
type HopTo struct {
	Stage  string
	Resume source.Resume
	// Partitions are those over which the keys of the stage's state are spread, if this process knows that; else 0.
	Partitions int
}

// Hop is the way to a stage.
type Hop struct {
	Source     source.Source
	Partitions int
	// Queue and Sink are the inside of a hop within the process, and its other end; nil: it leads through a topic.
	Queue Queue
	Sink  sink.Sink
}

// Changelogs are where everything is that was applied to the stores of tasks.
type Changelogs struct {
	Log changelog.Log
	// Topic returns the name of a source's changelog.
	Topic func(from *plan.Source) string
	// Marks tells that it is written in transactions, each of which leaves a mark behind its records.
	Marks bool
}

// Snapshots are copies of stores in a place that other machines can reach. Any goroutine may call it.
type Snapshots interface {
	// Take copies what a directory holds: a store as it was at an offset of its changelog.
	Take(ctx context.Context, store string, offset int64, dir string) error
	// Restore puts the newest whole copy into a directory whose offset is at least that. found is false if there is none.
	Restore(ctx context.Context, store string, offset int64, dir string, progress func(done, total int64)) (found bool, err error)
}
