package sinktest

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
)

// Message is one message as it was written. A nil key or value is a null.
type Message struct {
	Key     []byte
	Value   []byte
	Time    int64
	Headers []record.Header
	// Partition is the one that the message names; -1: that of its key.
	Partition int32
}

// Fake is a sink that remembers all messages, as copies. All methods may be called from any goroutine.
type Fake struct {
	// changed is closed and replaced whenever what Wait looks at changes; mu guards it.
	changed chan struct{}

	mu       sync.Mutex // guards the fields below
	messages []Message
	// flushed is the number of messages that a Flush has delivered.
	flushed int
	flushes int
	closed  bool
	onWrite func(ctx context.Context, messages *record.Messages) ([]sink.Rejected, error)
	onFlush func(ctx context.Context) error
}

var _ sink.Sink = (*Fake)(nil)

// New returns a sink that takes everything.
func New() *Fake { return &Fake{changed: make(chan struct{})} }

// OnWrite lets hook answer every Write from now on. It may wait, as a full sink does. Messages that it rejects, and all
// messages if it returns an error, are not remembered.
func (f *Fake) OnWrite(hook func(ctx context.Context, messages *record.Messages) ([]sink.Rejected, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onWrite = hook
}

// OnFlush lets hook answer every Flush from now on. It may wait. A flush that it refuses delivers nothing.
func (f *Fake) OnFlush(hook func(ctx context.Context) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onFlush = hook
}

// Write implements sink.Sink.
func (f *Fake) Write(ctx context.Context, messages *record.Messages) ([]sink.Rejected, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	hook := f.onWrite
	f.mu.Unlock()
	var rejected []sink.Rejected
	if hook != nil {
		var err error
		if rejected, err = hook(ctx, messages); err != nil {
			return rejected, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range messages.Len() {
		if !slices.ContainsFunc(rejected, func(r sink.Rejected) bool { return r.Index == i }) {
			f.messages = append(f.messages, copied(messages, i))
		}
	}
	f.notify()
	return rejected, nil
}

// Flush implements sink.Sink.
func (f *Fake) Flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	hook, written := f.onFlush, len(f.messages)
	f.mu.Unlock()
	if hook != nil {
		if err := hook(ctx); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flushed = max(f.flushed, written)
	f.flushes++
	f.notify()
	return nil
}

// Close implements sink.Sink.
func (f *Fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.notify()
	return nil
}

// Messages returns what was written, in order.
func (f *Fake) Messages() []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.messages)
}

// Flushed returns what a Flush delivered, in order.
func (f *Fake) Flushed() []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.messages[:f.flushed])
}

// Values returns the values of what was written, in order. Nulls become empty.
func (f *Fake) Values() []string {
	messages := f.Messages()
	values := make([]string, 0, len(messages))
	for _, message := range messages {
		values = append(values, string(message.Value))
	}
	return values
}

// Flushes returns the number of flushes that went well.
func (f *Fake) Flushes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.flushes
}

// Closed tells whether Close was called.
func (f *Fake) Closed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// Wait returns when condition holds, which is asked again after each write, flush and close, or with ctx's error. The
// condition may call the fake's other methods.
func (f *Fake) Wait(ctx context.Context, condition func() bool) error {
	for {
		f.mu.Lock()
		changed := f.changed
		f.mu.Unlock()
		if condition() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// notify wakes every Wait. REQUIRES: mu is held.
func (f *Fake) notify() {
	close(f.changed)
	f.changed = make(chan struct{})
}

func copied(messages *record.Messages, i int) Message {
	message := Message{Value: bytes.Clone(messages.Values.At(i)), Time: -1, Partition: -1}
	if messages.Keys.Len() > 0 {
		message.Key = bytes.Clone(messages.Keys.At(i))
	}
	if messages.Times != nil {
		message.Time = messages.Times[i]
	}
	if messages.Partitions != nil {
		message.Partition = messages.Partitions[i]
	}
	if messages.Headers != nil {
		for _, header := range messages.Headers[i] {
			message.Headers = append(message.Headers, record.Header{Key: header.Key, Value: bytes.Clone(header.Value)})
		}
	}
	return message
}
