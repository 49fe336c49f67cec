package kafkatest

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Record is a record of a topic. A nil Key or Value is a null.
type Record struct {
	Partition int32
	Offset    int64
	Key       []byte
	Value     []byte
	Time      time.Time
	Headers   []Header
}

// Header is one header of a record. A nil Value is a null.
type Header struct {
	Key   string
	Value []byte
}

// Header is the text of the first header of that name, empty if there is none.
func (r Record) Header(name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// ByKey as a partition lets the key choose, as Java clients do.
const ByKey int32 = kafka.PartitionAny

// Name is a name for a topic, group or app that no other test of this or another run has.
func Name(t testing.TB, suffix string) string {
	t.Helper()
	plain := regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(t.Name(), "-")
	if len(plain) > 150 {
		plain = plain[:150]
	}
	return fmt.Sprintf("%s-%s-%s", plain, suffix, strings.ToLower(rand.Text()[:8]))
}

// Topic creates a topic with a name of its own and returns the name.
func (b *Broker) Topic(t testing.TB, partitions int) string {
	t.Helper()
	name := Name(t, "topic")
	b.CreateTopic(t, name, partitions)
	return name
}

// CreateTopic creates a topic of a given name.
func (b *Broker) CreateTopic(t testing.TB, name string, partitions int) {
	t.Helper()
	b.CreateTopicWith(t, name, partitions, nil)
}

// CreateTopicWith creates a topic with settings such as max.message.bytes.
func (b *Broker) CreateTopicWith(t testing.TB, name string, partitions int, settings map[string]string) {
	t.Helper()
	admin := b.admin(t)
	defer admin.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	results, err := admin.CreateTopics(ctx, []kafka.TopicSpecification{{
		Topic: name, NumPartitions: partitions, ReplicationFactor: 1, Config: settings,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if results[0].Error.Code() != kafka.ErrNoError {
		t.Fatal(results[0].Error)
	}
}

// client is the configuration of a client of ours, with more laid over it.
func (b *Broker) client(more kafka.ConfigMap) *kafka.ConfigMap {
	config := kafka.ConfigMap{"bootstrap.servers": b.Addr(), "enable.metrics.push": false}
	maps.Copy(config, more)
	return &config
}

// Produce appends records to a topic and returns when all are in it. Each goes to its Partition, which may be ByKey.
func (b *Broker) Produce(t testing.TB, topic string, records ...Record) {
	t.Helper()
	b.Producer(t).Produce(t, topic, records...)
}

// Producer is for tests that produce in many goes.
type Producer struct{ client *kafka.Producer }

// Producer connects for as long as the test runs. Records keep their order, also if brokers refuse some for a moment.
func (b *Broker) Producer(t testing.TB) *Producer {
	t.Helper()
	client, err := kafka.NewProducer(b.client(kafka.ConfigMap{"partitioner": "murmur2_random", "enable.idempotence": true, "linger.ms": 5, "message.max.bytes": 50 << 20}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &Producer{client}
}

// Produce is Broker.Produce.
func (p *Producer) Produce(t testing.TB, topic string, records ...Record) {
	t.Helper()
	delivered := make(chan kafka.Event, len(records))
	for _, r := range records {
		if err := p.client.Produce(r.message(topic), delivered); err != nil {
			t.Fatalf("produce to %s: %v", topic, err)
		}
	}
	for range records {
		report, ok := (<-delivered).(*kafka.Message)
		if ok && report.TopicPartition.Error != nil {
			t.Fatalf("produce to %s: %v", topic, report.TopicPartition.Error)
		}
	}
}

func (r Record) message(topic string) *kafka.Message {
	m := &kafka.Message{
		TopicPartition: kafka.TopicPartition{Topic: &topic, Partition: r.Partition},
		Key:            r.Key, Value: r.Value, Timestamp: r.Time,
	}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, kafka.Header{Key: h.Key, Value: h.Value})
	}
	return m
}

func received(m *kafka.Message) Record {
	r := Record{
		Partition: m.TopicPartition.Partition, Offset: int64(m.TopicPartition.Offset),
		Key: m.Key, Value: m.Value, Time: m.Timestamp,
	}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, Header{Key: h.Key, Value: h.Value})
	}
	return r
}

func sorted(records []Record) []Record {
	slices.SortFunc(records, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return records
}

// DeleteTopic deletes a topic and returns when the broker knows it no more.
func (b *Broker) DeleteTopic(t testing.TB, name string) {
	t.Helper()
	admin := b.admin(t)
	defer admin.Close()
	results, err := admin.DeleteTopics(t.Context(), []string{name})
	if err != nil {
		t.Fatal(err)
	}
	if code := results[0].Error.Code(); code != kafka.ErrNoError {
		t.Fatalf("delete topic %s: %v", name, results[0].Error)
	}
	for deadline := time.Now().Add(patience); b.Exists(t, name); {
		if time.Now().After(deadline) {
			t.Fatalf("topic %s is still there", name)
		}
	}
}

// DeleteRecords removes the records of a topic's first partition that are before an offset.
func (b *Broker) DeleteRecords(t testing.TB, topic string, before int64) {
	t.Helper()
	admin := b.admin(t)
	defer admin.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	to := []kafka.TopicPartition{{Topic: &topic, Offset: kafka.Offset(before)}}
	deleted, err := admin.DeleteRecords(ctx, to)
	if err == nil {
		err = deleted.DeleteRecordsResults[0].TopicPartition.Error
	}
	if err != nil {
		t.Fatalf("delete what is before %d in %s: %v", before, topic, err)
	}
}
