package engine_test

import (
	"context"
	"sync"

	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/changelog"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// ledger is topics that are written in transactions, and read as changelogs.
type ledger struct {
	mu sync.Mutex // guards what follows
	// values are those that were committed, by topic, and for changelogs by partition.
	values map[string]map[int32][]string
}

var _ changelog.Log = (*ledger)(nil)

func newLedger() *ledger { return &ledger{values: map[string]map[int32][]string{}} }

// of returns what was committed to a partition.
func (l *ledger) of(topic string, partition int32) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.values[topic][partition]
}

// all returns what was committed to a topic.
func (l *ledger) all(topic string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, values := range l.values[topic] {
		all = append(all, values...)
	}
	return all
}

func (l *ledger) Bounds(_ context.Context, p record.Partition) (low, end int64, err error) {
	return 0, int64(len(l.of(p.Topic, p.Index))), nil
}

func (l *ledger) Read(_ context.Context, p record.Partition, from int64, take func(next int64, value []byte) error) (int64, error) {
	for _, value := range l.of(p.Topic, p.Index)[from:] {
		from++
		if err := take(from, []byte(value)); err != nil {
			return 0, err
		}
	}
	return from, nil
}

// entry is a value that is to be committed.
type entry struct {
	topic     string
	partition int32
	value     string
}

// transaction is an outlet of a ledger.
type transaction struct {
	ledger *ledger
	// deliver commits, or does not, and says so; nil: it commits.
	deliver func(entries []entry, commit func()) error

	mu      sync.Mutex // guards entries
	entries []entry
	// failed is why it is of no more use.
	failed error
}

var _ engine.Outlet = (*transaction)(nil)

func (t *transaction) OpenSink(_ context.Context, to *planv1.To) (sink.Sink, error) {
	return &page{t, plan.SinkName(to)}, nil
}

func (t *transaction) OpenDeadLetters(context.Context) (sink.Sink, error) {
	return &page{t, "dead"}, nil
}

func (t *transaction) OpenHop(context.Context, string) (sink.Sink, error) { panic("hops have sinks") }

func (t *transaction) OpenChangelog(_ context.Context, topic string, _ int) (sink.Log, error) {
	return &page{t, topic}, nil
}

func (t *transaction) Deliver(context.Context, []sink.Read) error {
	if t.failed != nil {
		return t.failed
	}
	t.mu.Lock()
	entries := t.entries
	t.entries = nil
	t.mu.Unlock()
	commit := func() {
		t.ledger.mu.Lock()
		defer t.ledger.mu.Unlock()
		for _, e := range entries {
			if t.ledger.values[e.topic] == nil {
				t.ledger.values[e.topic] = map[int32][]string{}
			}
			t.ledger.values[e.topic][e.partition] = append(t.ledger.values[e.topic][e.partition], e.value)
		}
	}
	if t.deliver == nil {
		commit()
		return nil
	}
	t.failed = t.deliver(entries, commit)
	return t.failed
}

func (t *transaction) Acknowledge(context.Context, []sink.Read) error { return nil }

func (t *transaction) Close() error { return nil }

// page is a topic of a ledger.
type page struct {
	to    *transaction
	topic string
}

func (p *page) Write(_ context.Context, messages *record.Messages) ([]sink.Rejected, error) {
	p.to.mu.Lock()
	defer p.to.mu.Unlock()
	for i := range messages.Len() {
		e := entry{topic: p.topic, value: string(messages.Values.At(i))}
		if messages.Partitions != nil {
			e.partition = messages.Partitions[i]
		}
		p.to.entries = append(p.to.entries, e)
	}
	return nil, nil
}

func (p *page) Flush(context.Context) error { return nil }

func (p *page) Close() error { return nil }

func (p *page) Next(partition int32) int64 { return int64(len(p.to.ledger.of(p.topic, partition))) }
