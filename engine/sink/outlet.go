package sink

import (
	"context"
	"errors"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

// Outlet delivers what was written to the sinks that were opened with it. One goroutine calls it, while nobody writes.
type Outlet interface {
	// Deliver returns when everything is there that was written since the last time. If the outlet is transactional, it is
	// there together with the positions of reads, or not at all. An error that wraps ErrAborted says that nothing of it is
	// there, or that nobody knows: close the outlet, open another, and go on from what is committed.
	Deliver(ctx context.Context, reads []Read) error
	// Acknowledge stores the positions of what was delivered, if Deliver has not.
	Acknowledge(ctx context.Context, reads []Read) error
	// Close frees everything. What was not delivered is dropped. REQUIRES: the sinks are closed.
	Close() error
}

// Stayer is an outlet that can stay open for who opens it next in this process. Stay is called before Close.
type Stayer interface{ Stay() }

// Read is how far a source was read.
type Read struct {
	Source    source.Source
	Positions []record.Position
}

// ErrAborted is wrapped by errors of Write, Flush and Deliver after which the outlet is of no more use.
var ErrAborted = errors.New("the transaction was aborted")

// Log is a sink that tells where its messages are.
type Log interface {
	Sink

	// Next returns the offset behind the last message that was delivered to a partition; -1 if there was none.
	Next(partition int32) int64
}
