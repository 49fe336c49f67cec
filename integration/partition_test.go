package integration_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/partition"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/integration/kafkatest"
)

func TestMessagesGoToThePartitionThatTheyNameOrToTheirKeys(t *testing.T) {
	const partitions, count = 5, 2000
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		for _, headers := range []bool{false, true} {
			topic := b.Topic(t, partitions)
			s, err := connect(t, b).OpenSink(t.Context(), topic)
			if err != nil {
				t.Fatal(err)
			}
			messages, want := &record.Messages{}, map[string]int32{}
			for n := range count {
				key, named := fmt.Appendf(nil, `"key %d"`, n), kafkatest.ByKey
				want[strconv.Itoa(n)] = partition.Of(key, partitions)
				if n%2 == 0 {
					named = int32(n % partitions)
					want[strconv.Itoa(n)] = named
				}
				messages.Keys.Append(key)
				messages.Values.Append(strconv.AppendInt(nil, int64(n), 10))
				messages.Times = append(messages.Times, -1)
				messages.Partitions = append(messages.Partitions, named)
				if headers {
					messages.Headers = append(messages.Headers, []record.Header{{Key: "h"}})
				}
			}
			mustWrite(t, s, messages)
			got := b.ReadAll(t, topic)
			for _, r := range got {
				if to := want[string(r.Value)]; r.Partition != to {
					t.Errorf("message %s is in partition %d, want %d", r.Value, r.Partition, to)
				}
			}
			if len(got) != count {
				t.Errorf("%d messages, want %d", len(got), count)
			}
		}
	})
}

func TestAPartitionThatIsNotThereIsAnErrorThatNamesIt(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 1)
		s, err := connect(t, b).OpenSink(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		messages := &record.Messages{Times: []int64{-1}, Partitions: []int32{0}}
		messages.Keys.Append(nil)
		messages.Values.Append([]byte("v"))
		if _, err := s.Write(t.Context(), messages); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(t.Context()); err != nil { // the client knows the topic from here on
			t.Fatal(err)
		}
		messages.Partitions[0] = 7
		if _, err := s.Write(t.Context(), messages); err == nil || !strings.Contains(err.Error(), "no partition 7") {
			t.Errorf("written to a partition that is not there: %v", err)
		}
	})
}
