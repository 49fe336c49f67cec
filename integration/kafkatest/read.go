package kafkatest

import (
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// ReadAll reads a topic from its beginning to its end as it stands now, by partition and offset. It waits for transactions
// that are open there; records of those that were aborted are not among them.
func (b *Broker) ReadAll(t testing.TB, topic string) []Record {
	t.Helper()
	r := b.open(t, topic)
	defer r.close(t)
	r.ends = b.ends(t, topic, r.partitions)
	return r.toEnd(t)
}

// ReadVisible reads what consumers of a topic get now, by partition and offset: what is before the first transaction that is
// open. A transaction is open for a moment after its commit, too.
func (b *Broker) ReadVisible(t testing.TB, topic string) []Record {
	t.Helper()
	r := b.open(t, topic)
	defer r.close(t)
	return r.toEnd(t)
}

// Await waits until a topic, which need not be there yet, holds at least n records and returns all that came up to then, by
// partition and offset.
func (b *Broker) Await(t testing.TB, topic string, n int) []Record {
	t.Helper()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(patience); !b.Exists(t, topic) && time.Now().Before(deadline); {
		<-look.C
	}
	r := b.open(t, topic)
	defer r.close(t)
	var records []Record
	for len(records) < n {
		if m := r.next(t, len(records)); m != nil {
			records = append(records, received(m))
		}
	}
	return sorted(records)
}

// AwaitNext waits for a record that is wanted, among those that come from now on.
func (b *Broker) AwaitNext(t testing.TB, topic string, wanted func(Record) bool) {
	t.Helper()
	r := b.openAt(t, topic, kafka.OffsetEnd)
	defer r.close(t)
	for passed := 0; ; {
		if m := r.next(t, passed); m != nil {
			if wanted(received(m)) {
				return
			}
			passed++
		}
	}
}

// reader reads all partitions of one topic.
type reader struct {
	topic      string
	consumer   *kafka.Consumer
	partitions int
	ends       map[int32]int64 // how far toEnd reads at least; nil: to where consumers get no more for now
	ended      map[int32]bool  // partitions that were read to there
	deadline   time.Time
}

func (b *Broker) open(t testing.TB, topic string) *reader {
	t.Helper()
	return b.openAt(t, topic, kafka.OffsetBeginning)
}

func (b *Broker) openAt(t testing.TB, topic string, from kafka.Offset) *reader {
	t.Helper()
	consumer, err := kafka.NewConsumer(b.client(kafka.ConfigMap{
		"group.id": "kafkatest", "enable.auto.commit": false, "enable.partition.eof": true,
		"isolation.level": "read_committed", "fetch.wait.max.ms": 50,
	}))
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{topic: topic, consumer: consumer, ended: map[int32]bool{}, deadline: time.Now().Add(patience)}
	if err := r.assign(from); err != nil {
		r.close(t)
		t.Fatalf("read %s: %v", topic, err)
	}
	return r
}

func (r *reader) toEnd(t testing.TB) []Record {
	t.Helper()
	var records []Record
	for len(r.ended) < r.partitions {
		if m := r.next(t, len(records)); m != nil {
			records = append(records, received(m))
		}
	}
	return sorted(records)
}

// ends returns the ends of a topic's partitions, behind what is in open transactions.
func (b *Broker) ends(t testing.TB, topic string, partitions int) map[int32]int64 {
	t.Helper()
	consumer, err := kafka.NewConsumer(b.client(kafka.ConfigMap{"group.id": "kafkatest", "isolation.level": "read_uncommitted"}))
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close() //nolint:errcheck // it read nothing
	ends := map[int32]int64{}
	for i := range int32(partitions) { //nolint:gosec // few
		_, end, err := consumer.QueryWatermarkOffsets(topic, i, int(patience.Milliseconds()))
		if err != nil {
			t.Fatalf("ask where %s [%d] ends: %v", topic, i, err)
		}
		ends[i] = end
	}
	return ends
}

func (r *reader) assign(from kafka.Offset) error {
	meta, err := r.consumer.GetMetadata(&r.topic, false, int(patience.Milliseconds()))
	if err != nil {
		return err
	}
	topic := meta.Topics[r.topic]
	if topic.Error.Code() != kafka.ErrNoError {
		return topic.Error
	}
	var all []kafka.TopicPartition
	for _, p := range topic.Partitions {
		all = append(all, kafka.TopicPartition{Topic: &r.topic, Partition: p.ID, Offset: from})
	}
	r.partitions = len(all)
	return r.consumer.Assign(all)
}

// next returns a record, or nil if something else happened.
func (r *reader) next(t testing.TB, have int) *kafka.Message {
	t.Helper()
	const step = 200 // milliseconds
	switch event := r.consumer.Poll(step).(type) {
	case *kafka.Message:
		if event.TopicPartition.Error != nil {
			t.Fatalf("read %s: %v", r.topic, event.TopicPartition.Error)
		}
		return event
	case kafka.PartitionEOF:
		if int64(event.Offset) >= r.ends[event.Partition] {
			r.ended[event.Partition] = true
		}
	case kafka.Error:
		t.Logf("read %s: %v", r.topic, event)
	}
	if time.Now().After(r.deadline) {
		t.Fatalf("read %s: no more than %d records came within %v", r.topic, have, patience)
	}
	return nil
}

func (r *reader) close(t testing.TB) {
	t.Helper()
	if err := r.consumer.Close(); err != nil {
		t.Error(err)
	}
}
