package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/kafka/rdkafka"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
)

// Sink writes to one topic. Messages go to the partition that they name or else to that which Java's clients would choose
// for their key.
type Sink struct {
	cluster *Cluster
	name    string
	topic   *rdkafka.Topic
	closed  sync.Once
}

// OpenSink returns a sink for a topic. REQUIRES: the topic exists, or was just created.
func (c *Cluster) OpenSink(_ context.Context, name string) (sink.Sink, error) {
	topic, err := c.producer.Topic(name)
	if err != nil {
		return nil, err
	}
	return &Sink{cluster: c, name: name, topic: topic}, nil
}

// Write implements sink.Sink.
func (s *Sink) Write(ctx context.Context, messages *record.Messages) ([]sink.Rejected, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var rejected []sink.Rejected
	for from := 0; ; {
		next, code := s.topic.Produce(messages, from)
		from = next
		switch kafka.ErrorCode(code) {
		case kafka.ErrNoError:
			return rejected, nil
		case kafka.ErrQueueFull:
			if err := s.wait(ctx); err != nil {
				return rejected, err
			}
		case kafka.ErrMsgSizeTooLarge:
			rejected = append(rejected, sink.Rejected{Index: from, Err: fmt.Errorf("the record is larger than message.max.bytes allows for topic %q", s.name)})
			from++
		case kafka.ErrUnknownPartition:
			return rejected, fmt.Errorf("topic %q has no partition %d: it was made anew with fewer than there were; give it as many as before, "+
				"or start the app anew", s.name, messages.Partitions[from])
		default:
			return rejected, fmt.Errorf("write to topic %q: %s", s.name, rdkafka.ErrorText(code))
		}
	}
}

// wait waits until the full queue has some room.
func (s *Sink) wait(ctx context.Context) error {
	if err := s.cluster.failure(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Millisecond):
		return nil
	}
}

// Flush implements sink.Sink. All sinks of a cluster share its producer: flushing one flushes all.
func (s *Sink) Flush(ctx context.Context) error {
	const step = 100 // ms
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		done := s.cluster.producer.Flush(step)
		if err := s.cluster.failure(); err != nil {
			return err
		}
		if done {
			return nil
		}
	}
}

// Close implements sink.Sink. Closing twice is fine.
func (s *Sink) Close() error {
	s.closed.Do(s.topic.Close)
	return nil
}
