package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/changelog"
	"github.com/pyudf/pyudf/engine/record"
)

// Bounds implements changelog.Log. It waits for brokers that are away.
func (c *Cluster) Bounds(ctx context.Context, partition record.Partition) (low, end int64, err error) {
	of := []kafka.TopicPartition{{Topic: &partition.Topic, Partition: partition.Index}}
	err = c.patiently(ctx, "ask for the bounds of a changelog", func() error {
		if _, err := c.Topic(ctx, partition.Topic); err != nil {
			return err
		}
		err := c.offsets(ctx, of, kafka.EarliestOffsetSpec, func(_ int32, offset int64) { low = offset })
		if err == nil {
			err = c.offsets(ctx, of, kafka.LatestOffsetSpec, func(_ int32, offset int64) { end = offset })
		}
		return c.doubted(ctx, partition, err)
	})
	if errors.Is(err, ErrUnknownTopic) {
		return 0, 0, nil
	}
	if err != nil {
		err = fmt.Errorf("ask for the bounds of %s [%d]: %w", partition.Topic, partition.Index, err)
	}
	return low, end, err
}

// Read implements changelog.Log. It waits for brokers that are away.
func (c *Cluster) Read(ctx context.Context, partition record.Partition, from int64, take func(next int64, value []byte) error) (int64, error) {
	s, err := c.openSource(SourceConfig{Topic: partition.Topic, Assign: []record.Position{{Partition: partition}}, UntilEnd: true})
	if err != nil {
		return 0, err
	}
	defer c.served.Go(func() { _ = s.Close() })
	began, err := s.Begin(ctx, partition, from)
	if err != nil {
		return 0, err
	}
	if began != from {
		return 0, gap(partition, from, began)
	}
	for {
		event, err := s.Poll(ctx)
		switch {
		case err != nil:
			return 0, fmt.Errorf("read %s [%d]: %w", partition.Topic, partition.Index, err)
		case event.Ended != nil:
			return s.owned[partition.Index].end, c.uncut(ctx, partition, from)
		case event.Records == nil:
			continue
		}
		for i, offset := range event.Records.Offsets {
			if err := take(offset+1, event.Records.Values.At(i)); err != nil {
				return offset, err
			}
		}
	}
}

// uncut returns an error if records behind an offset were deleted, maybe before they were read: a consumer passes over them.
func (c *Cluster) uncut(ctx context.Context, partition record.Partition, from int64) error {
	low, _, err := c.Bounds(ctx, partition)
	if err == nil && low > from {
		err = gap(partition, from, low)
	}
	return err
}

func gap(partition record.Partition, from, low int64) error {
	return fmt.Errorf("%w: %s [%d] begins at offset %d, after %d", changelog.ErrGap, partition.Topic, partition.Index, low, from)
}
