package kafka

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

// requestTimeout is for one request to the brokers.
const requestTimeout = 5 * time.Second

// Committed implements source.Source. It waits for brokers that are away.
func (s *Source) Committed(ctx context.Context, partition record.Partition) (int64, error) {
	if s.config.Group == "" {
		return -1, nil
	}
	offset := int64(-1)
	of := []kafka.TopicPartition{{Topic: &partition.Topic, Partition: partition.Index}}
	err := s.cluster.patiently(ctx, "ask for committed offsets", func() error {
		return s.cluster.committed(ctx, s.config.Group, of, func(index int32, committed int64, note string) {
			offset = committed
			s.notes.found(index, note)
		})
	})
	if err != nil {
		return 0, fmt.Errorf("ask how far group %q is in %s [%d]: %w", s.config.Group, partition.Topic, partition.Index, err)
	}
	return offset, nil
}

// Begin implements source.Source. It waits for brokers that are away. A partition that waits for its Release gives nothing.
// REQUIRES: the partition was assigned, and did not begin.
func (s *Source) Begin(ctx context.Context, partition record.Partition, from int64) (int64, error) {
	p := s.owned[partition.Index]
	if p == nil || s.handing != nil && slices.Contains(s.handing.revoked, partition) {
		return from, nil
	}
	from, err := s.place(ctx, partition.Index, from)
	if err != nil {
		return 0, err
	}
	if s.config.UntilEnd || s.finishing.Load() {
		if p.end, err = s.end(ctx, partition.Index); err != nil {
			return 0, err
		}
	}
	if err := s.flow(partition.Index, from); err != nil {
		return 0, fmt.Errorf("read %s [%d] from offset %d: %w", partition.Topic, partition.Index, from, err)
	}
	p.flows, p.next = true, from
	if p.end >= 0 && p.next >= p.end {
		s.finish(partition.Index, p)
	}
	return from, nil
}

// place returns where a partition begins that shall begin at an offset.
func (s *Source) place(ctx context.Context, index int32, from int64) (int64, error) {
	low, high, err := s.watermarks(ctx, index)
	if err != nil {
		return 0, err
	}
	if from < 0 {
		return s.start(ctx, index, low, high)
	}
	if from < low {
		s.logger.Warn("records were deleted from the topic before they were read", "topic", s.config.Topic, "partition", index, "from", from, "to", low)
		return low, nil
	}
	if from > high { // which is before what is in open transactions
		end, err := s.end(ctx, index)
		if err != nil {
			return 0, err
		}
		if from > end {
			return 0, fmt.Errorf("%s [%d] ends at offset %d, but has been read up to %d: the topic was made anew; use --reset-state, or another --group",
				s.config.Topic, index, end, from)
		}
	}
	return from, nil
}

// start returns where a partition begins that nothing was committed for.
func (s *Source) start(ctx context.Context, index int32, low, high int64) (int64, error) {
	if s.config.Group == "" && s.config.Start.Kind != At {
		return s.assigned(index, low, high), nil
	}
	switch s.config.Start.Kind {
	case Latest:
		return high, nil
	case At:
		return s.startAt(ctx, index, high)
	default:
		return low, nil
	}
}

func (s *Source) startAt(ctx context.Context, index int32, high int64) (int64, error) {
	at := []kafka.TopicPartition{{Topic: &s.config.Topic, Partition: index, Offset: kafka.Offset(s.config.Start.Time.UnixMilli())}}
	found := high
	err := s.cluster.patiently(ctx, "ask for offsets by time", func() error {
		answer, err := s.consumer.OffsetsForTimes(at, int(requestTimeout.Milliseconds()))
		if err == nil && answer[0].Error != nil {
			err = answer[0].Error
		}
		if err == nil && answer[0].Offset >= 0 {
			found = int64(answer[0].Offset)
		}
		return s.cluster.doubted(ctx, s.named(index), err)
	})
	if err != nil {
		return 0, fmt.Errorf("ask where %s [%d] was at %s: %w", s.config.Topic, index, s.config.Start.Time.Format(time.RFC3339), err)
	}
	return found, nil
}

// assigned returns where the configuration lets a partition begin.
func (s *Source) assigned(index int32, low, high int64) int64 {
	for _, at := range s.config.Assign {
		if at.Partition.Index != index {
			continue
		}
		switch offset := at.Offset; {
		case offset == int64(kafka.OffsetBeginning):
			return low
		case offset == int64(kafka.OffsetEnd):
			return high
		case offset < 0:
			return max(low, high+offset-int64(kafka.OffsetTail(0)))
		default:
			return min(max(low, offset), high)
		}
	}
	return low
}

// watermarks returns the offsets of the first record and of that behind the last one that readers see.
func (s *Source) watermarks(ctx context.Context, index int32) (low, high int64, err error) {
	err = s.cluster.patiently(ctx, "ask for offsets", func() error {
		low, high, err = s.consumer.QueryWatermarkOffsets(s.config.Topic, index, int(requestTimeout.Milliseconds()))
		return s.cluster.doubted(ctx, s.named(index), err)
	})
	if err != nil {
		err = fmt.Errorf("ask for the offsets of %s [%d]: %w", s.config.Topic, index, err)
	}
	return low, high, err
}

// end returns the offset behind everything in a partition, be it in open transactions.
func (s *Source) end(ctx context.Context, index int32) (int64, error) {
	var end int64
	of := []kafka.TopicPartition{{Topic: &s.config.Topic, Partition: index}}
	err := s.cluster.patiently(ctx, "ask for offsets", func() error {
		err := s.cluster.offsets(ctx, of, kafka.LatestOffsetSpec, func(_ int32, offset int64) { end = offset })
		return s.cluster.doubted(ctx, s.named(index), err)
	})
	if err != nil {
		err = fmt.Errorf("ask for the end of %s [%d]: %w", s.config.Topic, index, err)
	}
	return end, err
}

// flow has the client read a partition from an offset on.
func (s *Source) flow(index int32, from int64) error {
	s.reading.add(index)
	if s.fast == nil {
		at := s.offsets([]record.Position{{Partition: s.named(index), Offset: from}})
		return s.call(func() error { return s.consumer.IncrementalAssign(at) })
	}
	s.queue.Forward(s.config.Topic, index)
	return s.fast.Assign(s.config.Topic, index, from)
}

// call has the goroutine that polls the client make one of its calls, as the client does not allow both at once.
func (s *Source) call(do func() error) error {
	done := make(chan error, 1)
	for {
		select {
		case s.calls <- func() { done <- do() }:
			return <-done
		case event := <-s.events:
			if err := s.handle(event); err != nil {
				return err
			}
		}
	}
}

// drop throws away what was gathered of partitions and not polled.
func (s *Source) drop(partitions []record.Partition) {
	for _, p := range partitions {
		delete(s.open, p.Index)
	}
	s.ready = slices.DeleteFunc(s.ready, func(event source.Event) bool {
		switch {
		case event.Records != nil:
			return slices.Contains(partitions, event.Records.Partition)
		case event.CaughtUp != nil:
			return slices.Contains(partitions, event.CaughtUp[0])
		case event.Ended != nil:
			return slices.Contains(partitions, event.Ended[0])
		default:
			return false
		}
	})
}

// Release implements source.Source. The goroutine that waits in rebalance takes the partitions from the client.
func (s *Source) Release(partitions []record.Partition) error {
	for _, at := range partitions {
		delete(s.owned, at.Index)
		if s.config.Metrics != nil {
			s.config.Metrics.Lag.DeleteLabelValues(s.config.Topic, strconv.Itoa(int(at.Index)))
		}
	}
	s.drop(partitions)
	if s.handing != nil {
		close(s.handing.released)
		s.handing = nil
	}
	return nil
}
