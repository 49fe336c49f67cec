package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }

// open returns a stage with a topic on a real Kafka.
func open(t *testing.T) (s *stage, topic string) {
	t.Helper()
	s = &stage{brokers: kafkatest.Kafka(t).Addr()}
	if err := s.connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.admin.Close)
	topic = kafkatest.Name(t, "out")
	if err := s.create(t.Context(), topic, map[string]string{"message.timestamp.type": "LogAppendTime"}); err != nil {
		t.Fatal(err)
	}
	return s, topic
}

// transact writes a record to each partition in a transaction and ends that.
func transact(t *testing.T, p *kafka.Producer, topic, value string, end func() error) {
	t.Helper()
	if err := p.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for partition := range int32(partitions) {
		err := p.Produce(&kafka.Message{
			TopicPartition: kafka.TopicPartition{Topic: &topic, Partition: partition}, Value: []byte(value),
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	if left := p.Flush(30_000); left > 0 {
		t.Fatalf("%d records are not with the broker", left)
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
}

func transactional(t *testing.T, s *stage) *kafka.Producer {
	t.Helper()
	p, err := kafka.NewProducer(&kafka.ConfigMap{
		"bootstrap.servers": s.brokers, "transactional.id": kafkatest.Name(t, "producer"), "go.delivery.reports": false,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	if err := p.InitTransactions(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOnlyCommittedRecordsCount(t *testing.T) {
	s, topic := open(t)
	p := transactional(t, s)
	commit := func() error { return p.CommitTransaction(t.Context()) }
	transact(t, p, topic, "dropped", func() error { return p.AbortTransaction(t.Context()) })
	for i := range 3 {
		transact(t, p, topic, fmt.Sprint("kept ", i), commit)
	}
	transact(t, p, topic, "open", func() error { return nil })

	ends, err := s.ends(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	counted := tally{stage: s, topic: topic}
	for want, is := range map[int64]bool{3*partitions + 1: false, 3 * partitions: true} {
		if reached, err := counted.reach(ends, want); err != nil || reached != is {
			t.Errorf("%d records are reached: %t, %v; want %t", want, reached, err, is)
		}
	}
	if counted.records != 3*partitions || counted.upTo != ends {
		t.Errorf("%d records up to %v, want %d up to %v", counted.records, counted.upTo, 3*partitions, ends)
	}

	if err := commit(); err != nil {
		t.Fatal(err)
	}
	awaitCount(t, &counted, 4*partitions)
	if counted.appended.IsZero() {
		t.Error("nobody knows when the last record came")
	}
}

// awaitCount waits for the broker: it says that a transaction is committed before it lets others read the records.
func awaitCount(t *testing.T, counted *tally, want int64) {
	t.Helper()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-ticker.C {
		ends, err := counted.stage.ends(t.Context(), counted.topic)
		if err != nil {
			t.Fatal(err)
		}
		if reached, err := counted.reach(ends, want); err != nil || reached {
			if err != nil || counted.records != want {
				t.Errorf("%d records, %v; want %d", counted.records, err, want)
			}
			return
		}
	}
	t.Errorf("%d records are counted, want %d", counted.records, want)
}
