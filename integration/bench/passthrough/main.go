// Command passthrough copies a topic's records to another topic, unread: the fastest that a Go program with the stock
// Kafka client is, and so the limit that the benchmark holds the engine against. It runs until it is killed.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

func main() {
	if err := pass(os.Getenv("BROKERS"), os.Getenv("IN"), os.Getenv("OUT")); err != nil {
		fmt.Fprintln(os.Stderr, "passthrough:", err)
		os.Exit(1)
	}
}

func pass(brokers, in, out string) error {
	consumer, err := kafka.NewConsumer(&kafka.ConfigMap{
		"bootstrap.servers": brokers, "group.id": out, "auto.offset.reset": "earliest",
		"fetch.queue.backoff.ms": 2, "queued.min.messages": 100000, "enable.metrics.push": false,
	})
	if err != nil {
		return fmt.Errorf("make a consumer: %w", err)
	}
	producer, err := kafka.NewProducer(&kafka.ConfigMap{
		"bootstrap.servers": brokers, "linger.ms": 5, "batch.num.messages": 10000,
		"queue.buffering.max.messages": 1000000, "go.delivery.reports": false, "enable.metrics.push": false,
	})
	if err != nil {
		return fmt.Errorf("make a producer: %w", err)
	}
	if err := consumer.Subscribe(in, nil); err != nil {
		return fmt.Errorf("subscribe to %s: %w", in, err)
	}
	for {
		switch event := consumer.Poll(100).(type) {
		case *kafka.Message:
			if err := forward(producer, event, out); err != nil {
				return err
			}
		case kafka.Error:
			fmt.Fprintln(os.Stderr, "passthrough:", event)
		}
	}
}

// forward waits while the producer's queue is full.
func forward(producer *kafka.Producer, m *kafka.Message, out string) error {
	copied := &kafka.Message{
		TopicPartition: kafka.TopicPartition{Topic: &out, Partition: m.TopicPartition.Partition},
		Key:            m.Key, Value: m.Value, Timestamp: m.Timestamp, Headers: m.Headers,
	}
	for {
		err := producer.Produce(copied, nil)
		var full kafka.Error
		if errors.As(err, &full) && full.Code() == kafka.ErrQueueFull {
			producer.Flush(10)
			continue
		}
		if err != nil {
			return fmt.Errorf("produce to %s: %w", out, err)
		}
		return nil
	}
}
