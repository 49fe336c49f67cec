package deadletter

import (
	"context"
	"sync"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/tail"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
)

// Lines returns a sink that puts each dead letter whole into a file of JSON lines: a file has no place for the headers
// that say why a record is there, so they become part of the line. The file is created for the first dead letter, so
// that a run without one leaves none.
func Lines(create func() (sink.Sink, error)) sink.Sink { return &lines{create: create} }

type lines struct {
	create func() (sink.Sink, error)

	mu   sync.Mutex // guards file
	file sink.Sink  // nil before the first dead letter
}

// Write implements sink.Sink.
func (l *lines) Write(ctx context.Context, messages *record.Messages) ([]sink.Rejected, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if messages.Len() == 0 {
		return nil, nil
	}
	if l.file == nil {
		file, err := l.create()
		if err != nil {
			return nil, err
		}
		l.file = file
	}
	out := record.Messages{Times: messages.Times}
	for i := range messages.Len() {
		out.Keys.Append(nil)
		out.Values.Append(tail.Message(messages, i))
	}
	return l.file.Write(ctx, &out)
}

// Flush implements sink.Sink.
func (l *lines) Flush(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return ctx.Err()
	}
	return l.file.Flush(ctx)
}

// Close implements sink.Sink.
func (l *lines) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
