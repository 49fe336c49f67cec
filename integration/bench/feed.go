package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// feed produces records one by one.
type feed struct {
	producer *kafka.Producer
	topic    string
	next     func(rng *rand.Rand) (key, value string)
	rng      *rand.Rand
	sent     int
}

func newFeed(brokers, topic string, next func(rng *rand.Rand) (key, value string)) (*feed, error) {
	producer, err := kafka.NewProducer(&kafka.ConfigMap{
		"bootstrap.servers": brokers, "linger.ms": 1, "partitioner": "murmur2_random",
		"queue.buffering.max.messages": 1_000_000,
		"go.delivery.reports":          false, "enable.metrics.push": false,
	})
	if err != nil {
		return nil, fmt.Errorf("make a producer: %w", err)
	}
	return &feed{producer: producer, topic: topic, next: next, rng: rand.New(rand.NewPCG(3, 3))}, nil //nolint:gosec // test data
}

// counted makes readings that carry their numbers, from 0 on.
func counted() func(rng *rand.Rand) (key, value string) {
	next := -1
	return func(rng *rand.Rand) (key, value string) {
		next++
		station := fmt.Sprintf("st-%05d", rng.IntN(1000))
		return station, fmt.Sprintf(`{"station": %q, "region": "r-1", "ts": %d, "temp_f": 90.5, "rh": 60.5, "n": %d}`, station, time.Now().UnixMilli(), next)
	}
}

func (f *feed) send() error {
	key, value := f.next(f.rng)
	f.sent++
	err := f.producer.Produce(&kafka.Message{
		TopicPartition: kafka.TopicPartition{Topic: &f.topic, Partition: kafka.PartitionAny},
		Key:            []byte(key), Value: []byte(value),
	}, nil)
	if err != nil {
		return fmt.Errorf("produce record %d: %w", f.sent, err)
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
		return fmt.Errorf("the broker did not take %d records", left)
	}
	return nil
}

// endless sends records at a rate until the function that it returns is called.
func (f *feed) endless(ctx context.Context, rate int) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- f.steady(ctx, rate, 24*time.Hour) }()
	return sync.OnceValue(func() error {
		cancel()
		err := <-ended
		f.producer.Flush(30_000)
		f.producer.Close()
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	})
}

// produce puts so many records into a topic, as fast as the broker takes them.
func (s *stage) produce(topic string, count int, record func(i int) (partition int32, key, value string)) error {
	producer, err := kafka.NewProducer(&kafka.ConfigMap{
		"bootstrap.servers": s.brokers, "linger.ms": 20, "partitioner": "murmur2_random",
		"queue.buffering.max.messages": 1_000_000, "go.delivery.reports": false, "enable.metrics.push": false,
	})
	if err != nil {
		return fmt.Errorf("make a producer: %w", err)
	}
	defer producer.Close()
	for i := range count {
		partition, key, value := record(i)
		m := &kafka.Message{
			TopicPartition: kafka.TopicPartition{Topic: &topic, Partition: partition}, Key: []byte(key), Value: []byte(value),
		}
		if err := insist(producer, m); err != nil {
			return fmt.Errorf("produce record %d: %w", i, err)
		}
	}
	if left := producer.Flush(60_000); left > 0 {
		return fmt.Errorf("the broker did not take %d records", left)
	}
	return nil
}

// insist waits while the producer's queue is full.
func insist(producer *kafka.Producer, m *kafka.Message) error {
	for {
		err := producer.Produce(m, nil)
		var fault kafka.Error
		if !errors.As(err, &fault) || fault.Code() != kafka.ErrQueueFull {
			return err
		}
		producer.Flush(10)
	}
}
