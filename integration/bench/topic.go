package main

import (
	"context"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// offsets has one for each partition of a topic.
type offsets [partitions]int64

func (o offsets) sum() int64 {
	var total int64
	for _, offset := range o {
		total += offset
	}
	return total
}

// ends is how far a reader of committed records can get in a topic now. What transactions leave there besides records
// counts, so it is more than the number of records.
func (s *stage) ends(ctx context.Context, topic string) (offsets, error) {
	latest := map[kafka.TopicPartition]kafka.OffsetSpec{}
	for p := range int32(partitions) {
		latest[kafka.TopicPartition{Topic: &topic, Partition: p}] = kafka.LatestOffsetSpec
	}
	var ends offsets
	listed, err := s.admin.ListOffsets(ctx, latest, kafka.SetAdminIsolationLevel(kafka.IsolationLevelReadCommitted))
	if err != nil {
		return ends, fmt.Errorf("ask for the end of %s: %w", topic, err)
	}
	for at, info := range listed.ResultInfos {
		if info.Error.Code() != kafka.ErrNoError {
			return ends, fmt.Errorf("ask for the end of %s: %w", topic, info.Error)
		}
		ends[at.Partition] = int64(info.Offset)
	}
	return ends, nil
}

// each does something with each committed record that a topic holds now, those of a partition in their order.
func (s *stage) each(ctx context.Context, topic string, do func(m *kafka.Message) error) error {
	ends, err := s.ends(ctx, topic)
	if err != nil {
		return err
	}
	_, err = s.between(topic, offsets{}, ends, do)
	return err
}

// between does something with each committed record from some offsets on, at least up to others, and returns how far
// it got.
func (s *stage) between(topic string, from, to offsets, do func(m *kafka.Message) error) (offsets, error) {
	consumer, err := s.reader(topic, from)
	if err != nil {
		return from, err
	}
	defer consumer.Close() //nolint:errcheck // all that was wanted has been read
	moved := time.Now()
	for !from.reach(to) {
		switch event := consumer.Poll(1000).(type) {
		case *kafka.Message:
			if err := do(event); err != nil {
				return from, err
			}
			from[event.TopicPartition.Partition] = int64(event.TopicPartition.Offset) + 1
			moved = time.Now()
		case kafka.PartitionEOF: // what transactions leave behind the last record is no message
			from[event.Partition] = max(from[event.Partition], int64(event.Offset))
		case kafka.Error:
			return from, fmt.Errorf("read %s: %w", topic, event)
		}
		if time.Since(moved) > stall {
			return from, fmt.Errorf("reading %s stands still at %v of %v", topic, from, to)
		}
	}
	return from, nil
}

func (o offsets) reach(to offsets) bool {
	for p := range o {
		if o[p] < to[p] {
			return false
		}
	}
	return true
}

// reader returns a consumer of committed records that begins at some offsets of a topic.
func (s *stage) reader(topic string, from offsets) (*kafka.Consumer, error) {
	consumer, err := kafka.NewConsumer(&kafka.ConfigMap{
		"bootstrap.servers": s.brokers, "group.id": "bench", "enable.auto.commit": false,
		"isolation.level": "read_committed", "enable.partition.eof": true, "enable.metrics.push": false,
		"fetch.queue.backoff.ms": 2,
	})
	if err != nil {
		return nil, fmt.Errorf("make a consumer: %w", err)
	}
	var all []kafka.TopicPartition
	for p, offset := range from {
		all = append(all, kafka.TopicPartition{Topic: &topic, Partition: int32(p), Offset: kafka.Offset(offset)}) //nolint:gosec // few partitions
	}
	if err := consumer.Assign(all); err != nil {
		return nil, fmt.Errorf("read %s: %w", topic, err)
	}
	return consumer, nil
}

// tally counts the committed records of a topic while it grows. It reads none of them before there may be enough, so
// that the counting does not slow down what is measured.
type tally struct {
	stage *stage
	topic string
	// records are those before upTo, and appended is when the last of them came into the topic.
	upTo     offsets
	records  int64
	appended time.Time
}

// reach tells whether the topic, which ends there now, holds so many records.
func (t *tally) reach(ends offsets, want int64) (bool, error) {
	if t.records+ends.sum()-t.upTo.sum() < want {
		return false, nil
	}
	var err error
	t.upTo, err = t.stage.between(t.topic, t.upTo, ends, func(m *kafka.Message) error {
		t.records++
		if m.Timestamp.After(t.appended) {
			t.appended = m.Timestamp
		}
		return nil
	})
	return t.records >= want, err
}
