package harness

import (
	"context"
	"errors"
	"sync"

	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// outlet keeps what is written to it until it is delivered, as a transaction does.
type outlet struct {
	session *Session
	mu      sync.Mutex // guards waiting
	waiting []waiting
}

// waiting is a record on its way to a topic.
type waiting struct {
	to     *writer
	record Record
}

var _ engine.Outlet = (*outlet)(nil)

// OpenSink implements engine.Outlet.
func (o *outlet) OpenSink(_ context.Context, to *planv1.To) (sink.Sink, error) {
	return o.writer(plan.SinkName(to)), nil
}

// OpenDeadLetters implements engine.Outlet.
func (o *outlet) OpenDeadLetters(context.Context) (sink.Sink, error) {
	return o.writer(o.session.names.Dead), nil
}

// OpenHop implements engine.Outlet.
func (o *outlet) OpenHop(_ context.Context, stage string) (sink.Sink, error) {
	return &writer{outlet: o, topic: o.session.broker.topic(hopTopic(stage))}, nil
}

// OpenChangelog implements engine.Outlet.
func (o *outlet) OpenChangelog(context.Context, string, int) (sink.Log, error) {
	return nil, errors.New("the state of a session is in memory, and needs no changelog")
}

func (o *outlet) writer(name string) *writer {
	return &writer{outlet: o, topic: o.session.broker.topic(name), shown: true}
}

var errCrash = errors.New("the engine was crashed on purpose")

// Deliver implements sink.Outlet.
func (o *outlet) Deliver(ctx context.Context, reads []sink.Read) error {
	if o.session.broker.crashing.Load() {
		return errCrash
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.waiting {
		o.waiting[i].to.deliver(o.waiting[i].record)
	}
	o.waiting = nil
	for _, read := range reads {
		if err := read.Source.Commit(ctx, read.Positions); err != nil {
			return err
		}
	}
	return nil
}

// Acknowledge implements sink.Outlet.
func (o *outlet) Acknowledge(context.Context, []sink.Read) error { return nil }

// Close implements sink.Outlet.
func (o *outlet) Close() error { return nil }

// writer is a sink of a topic.
type writer struct {
	outlet *outlet
	topic  *topic
	// shown tells that the user sees what is written: it is no topic of the engine's own.
	shown bool
}

var _ sink.Sink = (*writer)(nil)

// Write implements sink.Sink.
func (w *writer) Write(_ context.Context, messages *record.Messages) ([]sink.Rejected, error) {
	w.outlet.mu.Lock()
	defer w.outlet.mu.Unlock()
	for row := range messages.Len() {
		w.outlet.waiting = append(w.outlet.waiting, waiting{w, w.record(messages, row)})
	}
	return nil, nil
}

func (w *writer) deliver(r Record) {
	w.topic.mu.Lock()
	defer w.topic.mu.Unlock()
	w.topic.append(r)
	if w.shown {
		w.topic.unseen = append(w.topic.unseen, r)
	}
}

func (w *writer) record(messages *record.Messages, row int) Record {
	r := Record{Key: clone(messages.Keys.At(row)), Value: clone(messages.Values.At(row))}
	time := messages.Times[row]
	if time == -1 {
		time = w.outlet.session.clock.Load()
	}
	r.Time = &time
	if messages.Partitions != nil && messages.Partitions[row] >= 0 {
		at := messages.Partitions[row]
		r.Partition = &at
	}
	if messages.Headers != nil {
		for _, h := range messages.Headers[row] {
			r.Headers = append(r.Headers, Header{h.Key, clone(h.Value)})
		}
	}
	return r
}

// clone copies bytes; what is no text stays none.
func clone(data []byte) []byte {
	if data == nil {
		return nil
	}
	return append([]byte{}, data...)
}

// Flush implements sink.Sink. What was written is delivered with everything else.
func (w *writer) Flush(context.Context) error { return nil }

// Close implements sink.Sink.
func (w *writer) Close() error { return nil }
