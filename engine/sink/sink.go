package sink

import (
	"context"

	"github.com/pyudf/pyudf/engine/record"
)

// Sink takes messages for one topic or file. Several goroutines may call Write; the messages of one call stay in
// order, and calls of one goroutine too.
type Sink interface {
	// Write takes the messages over and returns before they are delivered. It waits while the sink is full.
	// Rejected are messages that can never be delivered, by their index; the others are not harmed.
	Write(ctx context.Context, messages *record.Messages) (rejected []Rejected, err error)
	// Flush returns when everything written before is delivered. An error means that something is not and never will be.
	Flush(ctx context.Context) error
	// Close frees everything. What was not flushed may be lost.
	Close() error
}

// Rejected is a message that the sink cannot deliver.
type Rejected struct {
	Index int
	Err   error
}
