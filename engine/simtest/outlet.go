package simtest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/partition"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// DeadLetters is the topic of records that no step could handle.
const DeadLetters = "dead-letters"

// Outlet is a producer with transactions.
type Outlet struct {
	cluster  *Cluster
	client   *Client
	name     string
	producer *producer
	epoch    int
	// broken tells that nothing can be written any more.
	broken bool
	// again tells that there are no transactions: what is written is there, and positions are stored afterwards.
	again bool
	// waiting is what was written and is not there yet.
	waiting []func()
}

var _ engine.Outlet = (*Outlet)(nil)

var (
	errOtherProcess = errors.New("another process runs as this node")
	errRefused      = fmt.Errorf("%w: the brokers say so", sink.ErrAborted)
	errSilence      = fmt.Errorf("%w: nobody knows, as there was no reply", sink.ErrAborted)
)

// OpenOutlet opens the producer of a transactional id, which puts an end to what anybody else still does with it.
func (c *Cluster) OpenOutlet(ctx context.Context, client *Client, id string) (*Outlet, error) {
	o := &Outlet{cluster: c, client: client, name: id}
	err := o.call(ctx, "fence", nil, func() error {
		if c.producers[id] == nil {
			c.producers[id] = &producer{}
		}
		o.producer = c.producers[id]
		o.producer.owner = o
		o.producer.epoch++
		o.epoch = o.producer.epoch
		if t := o.producer.txn; t != nil && t.state == undecided {
			c.decide(o.producer, aborted)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return o, o.call(ctx, "begin", o.idle, func() error { return o.check() })
}

// OpenAtLeastOnce opens a producer without transactions.
func (c *Cluster) OpenAtLeastOnce(client *Client, name string) *Outlet {
	return &Outlet{cluster: c, client: client, name: name, again: true}
}

// idle tells that no transaction is being decided.
func (o *Outlet) idle() bool {
	return o.again || o.producer.txn == nil || o.producer.txn.state == undecided
}

func (o *Outlet) call(ctx context.Context, name string, ready func() bool, do func() error) error {
	return o.cluster.gate.Call(ctx, Call{Client: o.client, Name: o.name + " " + name, Ready: ready, Do: do})
}

// check returns an error if nothing can be written any more.
func (o *Outlet) check() error {
	switch {
	case o.again:
		return nil
	case o.producer.owner != o:
		return errOtherProcess
	case o.broken || o.producer.epoch != o.epoch:
		o.broken = true
		return errRefused
	default:
		return nil
	}
}

// transaction returns the one that is open, or begins one; nil: there are none.
func (o *Outlet) transaction() *txn {
	if o.again {
		return nil
	}
	if o.producer.txn == nil {
		o.producer.txn = &txn{offsets: map[*group]map[int32]int64{}}
	}
	return o.producer.txn
}

// OpenSink implements engine.Outlet.
func (o *Outlet) OpenSink(ctx context.Context, to *planv1.To) (sink.Sink, error) {
	return o.OpenTopic(ctx, plan.SinkName(to), 2)
}

// OpenDeadLetters implements engine.Outlet.
func (o *Outlet) OpenDeadLetters(ctx context.Context) (sink.Sink, error) {
	return o.OpenTopic(ctx, DeadLetters, 1)
}

// OpenHop implements engine.Outlet.
func (o *Outlet) OpenHop(ctx context.Context, stage string) (sink.Sink, error) {
	return o.OpenTopic(ctx, stage, 0) // OpenSource has created it
}

// OpenChangelog implements engine.Outlet.
func (o *Outlet) OpenChangelog(ctx context.Context, topic string, partitions int) (sink.Log, error) {
	w, err := o.open(ctx, topic, partitions)
	w.ofOne = true
	return w, err
}

// OpenTopic opens a topic, which is created if need be.
func (o *Outlet) OpenTopic(ctx context.Context, name string, partitions int) (sink.Log, error) {
	return o.open(ctx, name, partitions)
}

func (o *Outlet) open(ctx context.Context, name string, partitions int) (*writer, error) {
	w := &writer{outlet: o, name: name}
	return w, o.call(ctx, "open "+name, nil, func() error {
		o.cluster.Create(name, partitions)
		w.topic = o.cluster.topics[name]
		for range w.topic.partitions {
			w.next = append(w.next, -1)
		}
		return nil
	})
}

// Deliver implements sink.Outlet.
func (o *Outlet) Deliver(ctx context.Context, reads []sink.Read) error {
	if o.again {
		return o.call(ctx, "flush", nil, o.flush)
	}
	for _, read := range reads {
		from, ok := read.Source.(*Source)
		if !ok {
			return errors.New("the source is of another cluster")
		}
		err := o.call(ctx, "send offsets", o.idle, func() error {
			if err := o.check(); err != nil {
				return err
			}
			if err := from.group.promise(o.transaction(), from.member, read.Positions); err != nil {
				o.broken = true
				return fmt.Errorf("%w: %w", sink.ErrAborted, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return o.call(ctx, "commit", o.idle, o.commit)
}

// flush sends what was written.
func (o *Outlet) flush() error {
	for _, write := range o.waiting {
		write()
	}
	o.waiting = nil
	return nil
}

// lost is how rarely the reply to a commit gets lost, and refused how rarely one is.
const (
	lost    = 40
	refused = 40
)

func (o *Outlet) commit() error {
	if err := o.check(); err != nil {
		return err
	}
	if o.producer.txn == nil {
		return nil // nothing was written
	}
	gate := o.cluster.gate
	if gate.Fault(refused) {
		o.broken = true
		o.cluster.decide(o.producer, aborted)
		return errRefused
	}
	if gate.Fault(lost) {
		o.broken = true
		if gate.Pick(2) == 0 {
			o.cluster.decide(o.producer, committed)
		}
		return errSilence
	}
	o.cluster.decide(o.producer, committed)
	return nil
}

// Acknowledge implements sink.Outlet.
func (o *Outlet) Acknowledge(ctx context.Context, reads []sink.Read) error {
	for _, read := range reads {
		if !o.again {
			break
		}
		if err := read.Source.Commit(ctx, read.Positions); err != nil {
			return err
		}
	}
	return nil
}

// Close implements sink.Outlet. A transaction that is open stays so, until somebody opens the producer or it takes too long.
func (o *Outlet) Close() error { return nil }

// writer writes to a topic.
type writer struct {
	outlet *Outlet
	name   string
	topic  *topic
	next   []int64
	// ofOne tells that each partition is written by one task.
	ofOne bool
}

// Write implements sink.Sink.
func (w *writer) Write(ctx context.Context, messages *record.Messages) ([]sink.Rejected, error) {
	if messages.Len() == 0 {
		return nil, ctx.Err()
	}
	records := w.records(messages)
	return nil, w.outlet.call(ctx, w.nameOf(records), w.outlet.idle, func() error {
		if err := w.outlet.check(); err != nil {
			return err
		}
		w.outlet.waiting = append(w.outlet.waiting, func() {
			for _, r := range records {
				w.next[r.Partition] = w.topic.partitions[r.Partition].append(r, w.outlet.transaction()) + 1
			}
		})
		if w.outlet.again && w.outlet.cluster.gate.Pick(2) == 0 {
			return nil // it is sent with the next ones
		}
		return w.outlet.flush()
	})
}

// nameOf returns a name that no other call has which is made at the same time: one that is the same whenever a seed is run.
func (w *writer) nameOf(records []Record) string {
	if w.ofOne { // what is in there is not always in the same order
		return fmt.Sprintf("write %s %d", w.name, records[0].Partition)
	}
	sum := fnv.New32a()
	for _, r := range records {
		_, _ = sum.Write(r.Value) // a hash takes everything
	}
	return fmt.Sprintf("write %s %08x", w.name, sum.Sum32())
}

// records copies messages, each with its partition. Those without a key go where their value says, so that it is always the same.
func (w *writer) records(messages *record.Messages) []Record {
	var out []Record
	for i := range messages.Len() {
		r := Record{Key: messages.Keys.At(i), Value: messages.Values.At(i), Time: messages.Times[i]}
		r.Key, r.Value = clone(r.Key), clone(r.Value)
		if messages.Headers != nil {
			r.Headers = messages.Headers[i]
		}
		switch {
		case messages.Partitions != nil && messages.Partitions[i] >= 0:
			r.Partition = messages.Partitions[i]
		case r.Key != nil:
			r.Partition = partition.Of(r.Key, len(w.topic.partitions))
		default:
			r.Partition = partition.Of(r.Value, len(w.topic.partitions))
		}
		out = append(out, r)
	}
	return out
}

// clone is bytes.Clone, but for that an empty text stays one.
func clone(text []byte) []byte {
	if text == nil {
		return nil
	}
	return append([]byte{}, text...)
}

// Flush implements sink.Sink.
func (w *writer) Flush(ctx context.Context) error { return ctx.Err() }

// Close implements sink.Sink.
func (w *writer) Close() error { return nil }

// Next implements sink.Log.
func (w *writer) Next(index int32) int64 { return w.next[index] }
