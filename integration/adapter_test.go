package integration_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/sink/sinktest"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/source/sourcetest"
	"github.com/pyudf/pyudf/integration/kafkatest"
)

func connect(t *testing.T, b *kafkatest.Broker) *kafka.Cluster {
	t.Helper()
	cluster, err := kafka.Connect(t.Context(), kafka.Settings{"bootstrap.servers": b.Addr()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

func openSource(t *testing.T, c *kafka.Cluster, config kafka.SourceConfig) source.Source {
	t.Helper()
	s, err := c.OpenSource(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKafkaKeepsThePromisesOfABoundedSourceByBothWaysOfReading(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 3)
		values := map[record.Partition][]string{}
		var records []kafkatest.Record
		for i := range 20_000 {
			p := record.Partition{Topic: topic, Index: int32(i % 3)}
			value := fmt.Sprintf(`{"n":%d}`, i)
			values[p] = append(values[p], value)
			records = append(records, kafkatest.Record{Partition: p.Index, Value: []byte(value), Time: time.UnixMilli(1000)})
		}
		b.Produce(t, topic, records...)
		for name, oneByOne := range map[string]bool{"batches": false, "one by one": true} {
			t.Run(name, func(t *testing.T) {
				cluster, opened := connect(t, b), 0
				sourcetest.Suite(t, func(t *testing.T) sourcetest.Opened {
					opened++
					group := fmt.Sprintf("%s-%v-%d", topic, oneByOne, opened)
					return sourcetest.Opened{
						Source: openSource(t, cluster, kafka.SourceConfig{Topic: topic, Group: group, UntilEnd: true, OneByOne: oneByOne}),
						Values: values, Fourth: 3,
					}
				})
			})
		}
	})
}

func TestKafkaKeepsThePromisesOfASink(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		cluster := connect(t, b)
		sinktest.Suite(t, func(t *testing.T) sinktest.Opened {
			topic := b.Topic(t, 1)
			s, err := cluster.OpenSink(t.Context(), topic)
			if err != nil {
				t.Fatal(err)
			}
			return sinktest.Opened{Sink: s, Delivered: func(t *testing.T) []string {
				var values []string
				for _, r := range b.ReadAll(t, topic) {
					values = append(values, string(r.Value))
				}
				return values
			}}
		})
	})
}

func TestKeysNullsTimesAndHeadersSurviveAWriteAndARead(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		cluster, topic := connect(t, b), b.Topic(t, 1)
		written := &record.Messages{Headers: [][]record.Header{nil, {{Key: "a", Value: []byte("1")}, {Key: "b"}, {Key: "c", Value: []byte{}}}, nil}}
		for i, pair := range [][2][]byte{{nil, []byte("v")}, {[]byte("k"), nil}, {[]byte(""), []byte("")}} {
			written.Keys.Append(pair[0])
			written.Values.Append(pair[1])
			written.Times = append(written.Times, int64(1_370_000_000_000+i))
		}
		s, err := cluster.OpenSink(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, s, written)
		for _, oneByOne := range []bool{false, true} {
			source := openSource(t, cluster, kafka.SourceConfig{Topic: topic, Assign: []record.Position{{Partition: record.Partition{Topic: topic}}}, UntilEnd: true, OneByOne: oneByOne})
			got := readAll(t, source)
			for i := range 3 {
				// The client's own calls do not tell an empty text from none.
				nulls := oneByOne || got.Keys.IsNull(i) == written.Keys.IsNull(i) && got.Values.IsNull(i) == written.Values.IsNull(i)
				same := string(got.Keys.At(i)) == string(written.Keys.At(i)) && string(got.Values.At(i)) == string(written.Values.At(i)) && got.Times[i] == written.Times[i]
				if !same || !nulls {
					t.Errorf("one by one %v: record %d: %q=%q at %d", oneByOne, i, got.Keys.At(i), got.Values.At(i), got.Times[i])
				}
			}
			equal := func(a, b record.Header) bool {
				return a.Key == b.Key && string(a.Value) == string(b.Value) && (a.Value == nil) == (b.Value == nil)
			}
			if !slices.EqualFunc(got.Headers[1], written.Headers[1], equal) || got.Headers[0] != nil {
				t.Errorf("one by one %v: headers %q", oneByOne, got.Headers)
			}
		}
	})
}

func TestARecordThatTheBrokerRefusesIsNotForgotten(t *testing.T) {
	b := kafkatest.Kafka(t) // the embedded broker has no limit
	cluster, topic := connect(t, b), b.Topic(t, 1)
	s, err := cluster.OpenSink(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	huge := &record.Messages{Times: []int64{-1, -1}}
	for _, size := range []int{2 << 20, 10} {
		huge.Keys.Append(nil)
		huge.Values.Append(make([]byte, size))
	}
	rejected, err := s.Write(t.Context(), huge)
	if err != nil || len(rejected) != 1 || rejected[0].Index != 0 {
		t.Fatalf("rejected %v, %v", rejected, err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if got := b.ReadAll(t, topic); len(got) != 1 {
		t.Errorf("%d records, the neighbour should be there", len(got))
	}
}

func mustWrite(t *testing.T, s sink.Sink, m *record.Messages) {
	t.Helper()
	if rejected, err := s.Write(t.Context(), m); err != nil || len(rejected) > 0 {
		t.Fatal(rejected, err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// readAll returns the records of a bounded source of one partition, which it closes.
func readAll(t *testing.T, s source.Source) *record.Messages {
	t.Helper()
	all := &record.Messages{}
	for _, event := range sourcetest.Drain(t, s) {
		if event.Records == nil {
			continue
		}
		for i := range event.Records.Len() {
			all.Keys.Append(event.Records.Keys.At(i))
			all.Values.Append(event.Records.Values.At(i))
			all.Times = append(all.Times, event.Records.Times[i])
			var headers []record.Header
			if event.Records.Headers != nil {
				headers = event.Records.Headers[i]
			}
			all.Headers = append(all.Headers, headers)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return all
}
