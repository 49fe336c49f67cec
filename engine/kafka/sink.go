package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/kafka/rdkafka"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
)

// Sink writes to one topic. Messages go to the partition that they name or else to that which Java's clients would choose
// for their key.
type Sink struct {
	outlet  *Outlet
	name    string
	offsets *rdkafka.Offsets // nil: nobody asks where messages are
}

// Log is a sink that tells where its messages are. It implements sink.Log.
type Log struct{ *Sink }

// Next implements sink.Log. REQUIRES: the outlet is not closed.
func (l Log) Next(partition int32) int64 { return l.offsets.Next(partition) }

// Write implements sink.Sink.
func (s *Sink) Write(ctx context.Context, messages *record.Messages) ([]sink.Rejected, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if messages.Len() == 0 {
		return nil, nil
	}
	to, err := s.outlet.begin()
	if err != nil {
		return nil, err
	}
	topic, err := to.topic(s)
	if err != nil {
		return nil, err
	}
	s.outlet.written.Add(int64(len(messages.Keys.Data) + len(messages.Values.Data)))
	return s.produce(ctx, topic, messages)
}

func (s *Sink) produce(ctx context.Context, topic *rdkafka.Topic, messages *record.Messages) (rejected []sink.Rejected, err error) {
	for from := 0; ; {
		next, code := topic.Produce(messages, from)
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
			return rejected, s.outlet.fault(fmt.Sprintf("write to topic %q", s.name), &rdkafka.Error{Code: code, Text: rdkafka.ErrorText(code), Abortable: true})
		}
	}
}

// wait waits until the full queue has some room.
func (s *Sink) wait(ctx context.Context) error {
	if err := s.outlet.failure(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Millisecond):
		return nil
	}
}

// Flush implements sink.Sink. All sinks of an outlet share its producer: flushing one flushes all.
func (s *Sink) Flush(ctx context.Context) error { return s.outlet.flush(ctx) }

// Close implements sink.Sink. Closing twice is fine.
func (s *Sink) Close() error {
	s.outlet.producer.forget(s)
	return nil
}
