package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// feed produces readings that carry the time at which they were made.
type feed struct {
	producer *kafka.Producer
	topic    string
	rng      *rand.Rand
	sent     int
}

func newFeed(brokers, topic string) (*feed, error) {
	producer, err := kafka.NewProducer(&kafka.ConfigMap{
		"bootstrap.servers": brokers, "linger.ms": 1, "partitioner": "murmur2_random",
		"go.delivery.reports": false, "enable.metrics.push": false,
	})
	if err != nil {
		return nil, fmt.Errorf("make a producer: %w", err)
	}
	return &feed{producer: producer, topic: topic, rng: rand.New(rand.NewPCG(3, 3))}, nil //nolint:gosec // test data
}

func (f *feed) send() error {
	now := time.Now()
	station := fmt.Sprintf("st-%05d", f.rng.IntN(1000))
	value := fmt.Sprintf(`{"station": %q, "region": "r-1", "ts": %d, "temp_f": 90.5, "rh": 60.5, "t": %[2]d}`,
		station, now.UnixMilli())
	f.sent++
	err := f.producer.Produce(&kafka.Message{
		TopicPartition: kafka.TopicPartition{Topic: &f.topic, Partition: kafka.PartitionAny},
		Key:            []byte(station), Value: []byte(value), Timestamp: now,
	}, nil)
	if err != nil {
		return fmt.Errorf("produce reading %d: %w", f.sent, err)
	}
	return nil
}

// steady sends every millisecond what is due, and returns when all is with the broker.
func (f *feed) steady(ctx context.Context, rate int, span time.Duration) error {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	began, total := time.Now(), rate*int(span.Seconds())
	for sent := 0; sent < total; {
		due := min(total, int(time.Since(began).Seconds()*float64(rate)))
		for ; sent < due; sent++ {
			if err := f.send(); err != nil {
				return err
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if left := f.producer.Flush(30_000); left > 0 {
		return fmt.Errorf("the broker did not take %d readings", left)
	}
	return nil
}
