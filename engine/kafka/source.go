package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/kafka/rdkafka"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

// SourceConfig says what to read.
type SourceConfig struct {
	Topic string
	// Group is the consumer group. Without one, Assign says what to read and nothing can be committed. Offsets of Assign
	// may be librdkafka's logical ones: -2 the beginning, -1 the end, -2000-n the last n records.
	Group  string
	Assign []record.Position
	// InstanceID is the group.instance.id: a process that comes back with it within the session gets its partitions back, and
	// its past can no longer commit. Empty: the process is a new member each time.
	InstanceID string
	// Start is where partitions begin that the group has no committed offset for. Without a group At goes before Assign.
	Start Start
	// UntilEnd makes the source end at the offsets that partitions have when they begin. It waits there for transactions
	// that are open.
	UntilEnd bool
	// Metrics takes the lag; nil: nobody asks.
	Metrics *metrics.Set
	// Seldom is for a topic that few records come to: brokers answer with the first one, and otherwise some times a second.
	Seldom bool
	// OneByOne reads by the client's own calls, as is done anyway where package rdkafka refuses.
	OneByOne bool
}

// Start is where to begin in a partition.
type Start struct {
	Kind StartKind
	Time time.Time // for At
}

// StartKind is a kind of Start.
type StartKind uint8

// The kinds of Start. At means the first record whose timestamp is not before Start.Time.
const (
	Earliest StartKind = iota
	Latest
	At
)

// Source reads one topic. It implements source.Source.
type Source struct {
	config   SourceConfig
	cluster  *Cluster
	consumer *kafka.Consumer
	logger   *slog.Logger
	// fast and queue are nil if records come through events.
	fast  *rdkafka.Client
	queue *rdkafka.Queue
	// calls are for the client's own calls that only the goroutine that polls it may make.
	calls chan func()
	// events come from the goroutine that polls the client: rebalances, errors, and records without a queue.
	events  chan any
	closing chan struct{}
	polled  chan struct{} // closed when that goroutine ended
	mending sync.WaitGroup

	// finishing tells that partitions end where they end now, leaving that this process does not come back to its group, staying
	// that it does at once, lost that partitions went to another process before this one was done with them.
	finishing, leaving, staying, lost atomic.Bool

	notes notes

	reading reading

	slow   calls
	closed sync.Once

	// What follows belongs to the goroutine that calls Poll.
	owned   map[int32]*partition
	open    map[int32]*record.Batch // batches that are being filled
	order   []int32                 // partitions of open, oldest first
	ready   []source.Event
	handing *handover
	lagAt   time.Time
	bounded bool // finishing was seen, and all owned partitions have an end
	// given tells that the group has given partitions, or none, at least once.
	given bool
}

// partition is a partition that this process owns.
type partition struct {
	flows bool  // it began
	next  int64 // offset of the next record; -1: not known
	end   int64 // where a bounded run ends; -1: never
	done  bool
	// What the last batch held.
	records, keyBytes, valueBytes int
}

// handover is a rebalance that waits for the engine.
type handover struct {
	assigned, revoked []record.Partition
	lost              bool
	released          chan struct{}
}

const (
	// maxRecords and maxBytes are the size of a batch: large enough to be cheap, small enough to be quick.
	maxRecords = 8192
	maxBytes   = 1 << 20
	// idleAfter is how long Poll waits before it says so.
	idleAfter = 50 * time.Millisecond
)

// OpenSource starts reading. The topic must exist.
func (c *Cluster) OpenSource(ctx context.Context, config SourceConfig) (source.Source, error) {
	if s := c.unpark(config); s != nil {
		return s, nil
	}
	if _, err := c.Topic(ctx, config.Topic); err != nil {
		return nil, err
	}
	return c.openSource(config)
}

func (c *Cluster) openSource(config SourceConfig) (*Source, error) {
	consumer, err := kafka.NewConsumer(configMap(merge(config.overrides(), shared(), consumerDefaults(), c.settings)))
	if err != nil {
		return nil, fmt.Errorf("settings for Kafka: %w", err)
	}
	s := &Source{
		config:   config,
		cluster:  c,
		consumer: consumer,
		logger:   c.logger,
		calls:    make(chan func()),
		events:   make(chan any),
		closing:  make(chan struct{}),
		polled:   make(chan struct{}),
		owned:    map[int32]*partition{},
		open:     map[int32]*record.Batch{},
	}
	go forwardLogs(consumer.Logs(), c.logger)
	s.openQueue()
	if err := s.subscribe(); err != nil {
		s.discard()
		return nil, fmt.Errorf("read topic %q: %w", config.Topic, err)
	}
	go s.pollClient()
	return s, nil
}

// overrides are the settings of a client that users have no say in.
func (c SourceConfig) overrides() map[string]string {
	settings := map[string]string{"group.id": c.Group, "isolation.level": "read_committed"}
	if c.Group == "" {
		settings["group.id"] = "pyudf-reader" // the client insists on a name; nothing joins or commits
	}
	if c.Seldom {
		settings["fetch.min.bytes"] = "1"
		settings["fetch.wait.max.ms"] = "100"
	}
	if c.InstanceID != "" {
		settings["group.instance.id"] = c.InstanceID
	}
	return settings
}

func (s *Source) openQueue() {
	if s.config.OneByOne {
		return
	}
	fast, err := rdkafka.For(s.consumer)
	if err != nil {
		s.logger.Warn("records are consumed one by one, which is slower", "cause", err)
		return
	}
	s.fast = fast
	s.queue = fast.NewQueue(maxRecords)
}

// subscribe joins the group. Without one, the partitions of the configuration are this process's own.
func (s *Source) subscribe() error {
	if s.config.Group != "" {
		return s.consumer.SubscribeTopics([]string{s.config.Topic}, s.rebalance)
	}
	h := &handover{assigned: []record.Partition{}}
	for _, at := range s.config.Assign {
		h.assigned = append(h.assigned, at.Partition)
	}
	s.handOver(h)
	return nil
}

// discard frees what subscribe did not come to use.
func (s *Source) discard() {
	if s.queue != nil {
		s.queue.Close()
	}
	_ = s.consumer.Close()
}

// pollClient serves the client until the source is closed.
func (s *Source) pollClient() {
	defer close(s.polled)
	for {
		select {
		case <-s.closing:
			return
		case call := <-s.calls:
			call()
			continue
		default:
		}
		switch event := s.consumer.Poll(100).(type) {
		case nil:
		case kafka.Error:
			s.report(event)
		default:
			s.send(event)
		}
	}
}

// send hands an event to Poll and returns false if the source is closed instead.
func (s *Source) send(event any) bool {
	select {
	case s.events <- event:
		return true
	case <-s.closing:
		return false
	}
}

// Poll implements source.Source.
func (s *Source) Poll(ctx context.Context) (source.Event, error) {
	deadline := time.Now().Add(idleAfter)
	for {
		if len(s.ready) > 0 {
			event := s.ready[0]
			s.ready = s.ready[1:]
			return event, nil
		}
		if ctx.Err() != nil {
			return source.Event{}, ctx.Err()
		}
		if err := s.endNow(ctx); err != nil {
			return source.Event{}, err
		}
		if err := s.gather(deadline); err != nil {
			return source.Event{}, err
		}
		s.closeBatches()
		s.reportLag()
		if len(s.ready) == 0 && time.Now().After(deadline) {
			return source.Event{Idle: true}, nil
		}
	}
}

// Finish implements source.Finisher.
func (s *Source) Finish() { s.finishing.Store(true) }

// endNow makes the partitions end where they end now, if Finish was called.
func (s *Source) endNow(ctx context.Context) error {
	if s.bounded || !s.finishing.Load() {
		return nil
	}
	for index, p := range s.owned {
		if !p.flows || p.end >= 0 {
			continue
		}
		end, err := s.end(ctx, index)
		if err != nil {
			return err
		}
		p.end = end
		if p.next >= end {
			s.finish(index, p)
		}
	}
	s.bounded = true
	return nil
}

// gather takes what there is, or waits for something for a short while.
func (s *Source) gather(deadline time.Time) error {
	select {
	case event := <-s.events:
		return s.handle(event)
	default:
	}
	const slice = 20 * time.Millisecond
	wait := min(slice, max(time.Until(deadline), time.Millisecond))
	if s.queue != nil {
		s.queue.Drain(int(wait.Milliseconds()), s.add)
		return nil
	}
	select {
	case event := <-s.events:
		return s.handle(event)
	case <-time.After(wait):
		return nil
	}
}

// handle takes an event of the client's.
func (s *Source) handle(event any) error {
	switch e := event.(type) {
	case *handover:
		s.handOver(e)
	case *kafka.Message:
		s.add(messageOf(e))
	case kafka.PartitionEOF:
		s.add(&rdkafka.Message{Partition: e.Partition, Offset: int64(e.Offset), Err: int(kafka.ErrPartitionEOF)})
	case kafka.Error:
		return s.fatal(e)
	}
	return nil
}

func messageOf(m *kafka.Message) *rdkafka.Message {
	out := &rdkafka.Message{
		Partition: m.TopicPartition.Partition,
		Offset:    int64(m.TopicPartition.Offset),
		Time:      -1,
		Key:       m.Key,
		Value:     m.Value,
	}
	if m.TimestampType != kafka.TimestampNotAvailable {
		out.Time = m.Timestamp.UnixMilli()
	}
	for _, header := range m.Headers {
		out.Headers = append(out.Headers, record.Header{Key: header.Key, Value: header.Value})
	}
	return out
}

// Commit implements source.Source. It waits for brokers that are away.
func (s *Source) Commit(ctx context.Context, positions []record.Position) error {
	if s.config.Group == "" {
		return errors.New("positions cannot be committed without a consumer group")
	}
	if len(positions) == 0 {
		return nil
	}
	err := s.cluster.patiently(ctx, "commit offsets", func() error {
		if s.lost.Load() {
			return s.lostError()
		}
		return s.slow.do(ctx, func() error {
			_, err := s.consumer.CommitOffsets(s.noted(s.offsets(positions)))
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("commit offsets of topic %q: %w", s.config.Topic, err)
	}
	return nil
}

func (s *Source) offsets(positions []record.Position) []kafka.TopicPartition {
	var out []kafka.TopicPartition
	for _, p := range positions {
		out = append(out, kafka.TopicPartition{Topic: &s.config.Topic, Partition: p.Partition.Index, Offset: kafka.Offset(p.Offset)})
	}
	return out
}
