package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pyudf/pyudf/engine/kafka/rdkafka"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
)

// OutletConfig says how an outlet delivers.
type OutletConfig struct {
	// Name is for the log.
	Name string
	// TransactionalID is what no other outlet of the cluster has, and what this one has after every restart: opening it ends
	// what the process before had begun, and keeps it from going on. Empty: messages are delivered at least once.
	TransactionalID string
	// TransactionTimeout is after what time brokers abort a transaction whose producer is gone, so that readers go on; 0: 15 s.
	TransactionTimeout time.Duration
}

// Outlet implements sink.Outlet with a producer of its own. A transaction begins by itself, with what is written first.
type Outlet struct {
	cluster  *Cluster
	config   OutletConfig
	producer *producer
	calls    calls
	// written are the bytes that were handed over since the last Deliver.
	written atomic.Int64
	closed  sync.Once
	// staying tells that who closes the outlet opens it again at once.
	staying atomic.Bool

	mu sync.Mutex // guards what follows
	// offsets are those of the logs.
	offsets []*rdkafka.Offsets
	// begun is when the open transaction began; zero: none is open.
	begun time.Time
	// committing tells that the transaction is being committed.
	committing bool
	// failed tells that the outlet is of no more use.
	failed bool
}

const (
	// slice is how long a call into the client may take, so that contexts are heeded. A call for offsets aborts the
	// transaction when its time is over, so it has more.
	slice        = 500 * time.Millisecond
	offsetsSlice = time.Minute
)

var _ sink.Outlet = (*Outlet)(nil)

// OpenOutlet returns an outlet. If it is transactional, it waits until brokers have ended what an outlet of the same id had
// begun before.
func (c *Cluster) OpenOutlet(ctx context.Context, config OutletConfig) (*Outlet, error) {
	config.TransactionTimeout = cmp.Or(config.TransactionTimeout, 15*time.Second)
	if o := c.unparkOutlet(config); o != nil {
		return o, nil
	}
	producer, err := c.newProducer(config.Name, merge(config.overrides(), shared(), producerDefaults(), c.settings))
	if err != nil {
		return nil, err
	}
	o := &Outlet{cluster: c, config: config, producer: producer}
	if !o.transactional() {
		return o, nil
	}
	if err := o.insist(ctx, "starting", slice, o.init); err != nil {
		_ = o.Close()
		return nil, fmt.Errorf("start transactions of %s: %w", config.Name, err)
	}
	return o, nil
}

// init starts transactions, once there is a connection: the first answer comes from a broker by its address, the second one from
// a broker by its number, and that is who is asked.
func (o *Outlet) init(timeoutMS int) error {
	for range 2 {
		if !o.producer.client.Reach(timeoutMS) {
			break
		}
	}
	return o.producer.client.InitTransactions(timeoutMS)
}

// overrides are the settings of a producer that users have no say in.
func (c OutletConfig) overrides() map[string]string {
	if c.TransactionalID == "" {
		return nil
	}
	return map[string]string{
		"transactional.id":       c.TransactionalID,
		"transaction.timeout.ms": strconv.FormatInt(c.TransactionTimeout.Milliseconds(), 10),
	}
}

// OpenSink returns a sink for a topic. It is of use until the outlet is closed. REQUIRES: the topic exists, or was just created.
func (o *Outlet) OpenSink(_ context.Context, topic string) (sink.Sink, error) {
	s := &Sink{outlet: o, name: topic}
	if _, err := o.producer.topic(s); err != nil {
		return nil, err
	}
	return s, nil
}

// OpenLog returns a sink for a topic that tells where its messages are.
func (o *Outlet) OpenLog(ctx context.Context, topic string) (sink.Log, error) {
	info, err := o.cluster.Topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	s := &Sink{outlet: o, name: topic, offsets: rdkafka.NewOffsets(info.Partitions)}
	o.keep(s.offsets)
	if _, err := o.producer.topic(s); err != nil {
		return nil, err
	}
	return Log{s}, nil
}

// keep has Close free the offsets, which messages on their way refer to.
func (o *Outlet) keep(offsets *rdkafka.Offsets) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.offsets = append(o.offsets, offsets)
}

// Written returns how many bytes were written since the last Deliver. Any goroutine may call it.
func (o *Outlet) Written() int64 { return o.written.Load() }

func (o *Outlet) transactional() bool { return o.config.TransactionalID != "" }

// begin returns the producer to write to, in a transaction if it has some.
func (o *Outlet) begin() (*producer, error) {
	if !o.transactional() {
		return o.producer, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.begun.IsZero() {
		return o.producer, nil
	}
	if err := o.producer.client.BeginTransaction(); err != nil {
		return nil, o.judge("begin a transaction", err)
	}
	o.begun = time.Now()
	return o.producer, nil
}

// Deliver implements sink.Outlet. Positions of sources that are not topics read by a group are left out of the transaction.
func (o *Outlet) Deliver(ctx context.Context, reads []sink.Read) error {
	if !o.transactional() {
		if err := o.flush(ctx); err != nil {
			return err
		}
		o.written.Store(0)
		return nil
	}
	sent := false
	for _, read := range reads {
		group, ok := groupOf(read)
		if !ok {
			continue
		}
		if err := o.sendOffsets(ctx, group, read.Positions); err != nil {
			return err
		}
		sent = true
	}
	if !sent && !o.open() {
		return nil
	}
	return o.commit(ctx)
}

func (o *Outlet) open() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.begun.IsZero()
}

// groupOf returns the source of positions that a transaction can store.
func groupOf(read sink.Read) (*Source, bool) {
	s, ok := read.Source.(*Source)
	return s, ok && s.config.Group != "" && len(read.Positions) > 0
}

func (o *Outlet) sendOffsets(ctx context.Context, of *Source, positions []record.Position) error {
	if of.fast == nil {
		return errors.New("positions cannot be part of a transaction with this build, whose librdkafka is not the one it was written for: use --guarantee at-least-once")
	}
	to, err := o.begin()
	if err != nil {
		return err
	}
	limit := min(offsetsSlice, o.config.TransactionTimeout)
	err = o.insist(ctx, "storing positions", limit, func(timeoutMS int) error {
		progress, err := of.progress(positions)
		if err != nil {
			return err
		}
		// The call may never return if the group's coordinator was away meanwhile.
		within, cancel := context.WithTimeout(ctx, limit+slice)
		defer cancel()
		return o.calls.do(within, func() error {
			defer progress.Close()
			return to.client.SendOffsets(progress, timeoutMS)
		})
	})
	return o.fault("store positions of topic "+strconv.Quote(of.config.Topic), err)
}

func (o *Outlet) commit(ctx context.Context) error {
	o.setCommitting(true)
	defer o.setCommitting(false)
	err := o.insist(ctx, "committing", slice, o.producer.client.CommitTransaction)
	if err := o.fault("commit", err); err != nil {
		return err
	}
	o.ended()
	return nil
}

func (o *Outlet) setCommitting(yes bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.committing = yes
}

// ended forgets the transaction that was open.
func (o *Outlet) ended() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begun = time.Time{}
	o.written.Store(0)
}

// Acknowledge implements sink.Outlet.
func (o *Outlet) Acknowledge(ctx context.Context, reads []sink.Read) error {
	for _, read := range reads {
		if _, delivered := groupOf(read); delivered && o.transactional() || len(read.Positions) == 0 {
			continue
		}
		if err := read.Source.Commit(ctx, read.Positions); err != nil {
			return err
		}
	}
	return nil
}

// flush returns when everything written is delivered.
func (o *Outlet) flush(ctx context.Context) error {
	const step = 100 // ms
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		done := o.producer.client.Flush(step)
		if err := o.failure(); err != nil {
			return err
		}
		if done {
			return nil
		}
	}
}

// Close implements sink.Outlet. Closing twice is fine. A transaction that is open is aborted if brokers are there, so that
// no reader has to wait for its end.
func (o *Outlet) Close() error {
	var err error
	o.closed.Do(func() {
		if !o.park() {
			err = o.calls.end(o.free)
		}
	})
	return err
}

func (o *Outlet) free() error {
	if o.abortable() {
		const patience = 2000 // ms
		_ = o.producer.client.AbortTransaction(patience)
	}
	o.producer.close()
	o.freeOffsets()
	return nil
}

// freeOffsets frees what messages on their way refer to. REQUIRES: there are none.
func (o *Outlet) freeOffsets() {
	for _, offsets := range o.offsets {
		offsets.Close()
	}
	o.offsets = nil
}

func (o *Outlet) abortable() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.transactional() && !o.begun.IsZero() && !o.failed
}
