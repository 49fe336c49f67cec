package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/kafka/rdkafka"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
)

// Sink writes to one topic. Keys go to the partition that Java's clients would choose.
type Sink struct {
	cluster *Cluster
	topic   string
	fast    *rdkafka.Topic // nil: produce message by message
}

// OpenSink returns a sink for a topic that exists.
func (c *Cluster) OpenSink(ctx context.Context, topic string) (sink.Sink, error) {
	if _, err := c.Topic(ctx, topic); err != nil {
		return nil, err
	}
	s := &Sink{cluster: c, topic: topic}
	if c.fast != nil {
		s.fast = c.fast.Topic(topic)
	}
	return s, nil
}

// Write implements sink.Sink.
func (s *Sink) Write(ctx context.Context, messages *record.Messages) ([]sink.Rejected, error) {
	produce := s.produceEach
	if s.fast != nil && messages.Headers == nil {
		produce = s.fast.Produce
	}
	var rejected []sink.Rejected
	for from := 0; ; {
		next, code := produce(messages, from)
		from = next
		switch kafka.ErrorCode(code) {
		case kafka.ErrNoError:
			return rejected, nil
		case kafka.ErrQueueFull:
			if err := s.wait(ctx); err != nil {
				return rejected, err
			}
		case kafka.ErrMsgSizeTooLarge:
			rejected = append(rejected, sink.Rejected{Index: from, Err: fmt.Errorf("the record is larger than %s takes (message.max.bytes)", s.topic)})
			from++
		default:
			return rejected, fmt.Errorf("write to topic %q: %w", s.topic, kafka.NewError(kafka.ErrorCode(code), rdkafka.ErrorText(code), false))
		}
	}
}

// wait waits until the full queue has some room.
func (s *Sink) wait(ctx context.Context) error {
	if err := s.cluster.undelivered.Load(); err != nil {
		return *err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Millisecond):
		return nil
	}
}

// produceEach is rdkafka.Topic.Produce by the client's own calls, with headers.
func (s *Sink) produceEach(m *record.Messages, from int) (next, code int) {
	for i := from; i < m.Len(); i++ {
		message := &kafka.Message{
			TopicPartition: kafka.TopicPartition{Topic: &s.topic, Partition: kafka.PartitionAny},
			Key:            m.Keys.At(i),
			Value:          m.Values.At(i),
		}
		if m.Times[i] >= 0 {
			message.Timestamp = time.UnixMilli(m.Times[i])
		}
		if m.Headers != nil {
			for _, header := range m.Headers[i] {
				message.Headers = append(message.Headers, kafka.Header{Key: header.Key, Value: header.Value})
			}
		}
		if err := s.cluster.producer.Produce(message, nil); err != nil {
			var failed kafka.Error
			if !errors.As(err, &failed) {
				return i, int(kafka.ErrFail)
			}
			return i, int(failed.Code())
		}
	}
	return m.Len(), 0
}

// Flush implements sink.Sink. All sinks of a cluster share its producer: flushing one flushes all.
func (s *Sink) Flush(ctx context.Context) error {
	const step = 100 // ms
	for {
		var done bool
		if s.cluster.fast != nil {
			done = s.cluster.fast.Flush(step)
		} else {
			done = s.cluster.producer.Flush(step) == 0
		}
		if err := s.cluster.undelivered.Load(); err != nil {
			return *err
		}
		if done {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// Close implements sink.Sink.
func (s *Sink) Close() error {
	if s.fast != nil {
		s.fast.Close()
	}
	return nil
}
