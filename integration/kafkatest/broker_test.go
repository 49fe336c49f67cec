package kafkatest_test

import (
	"net"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/integration/broker"
	"github.com/pyudf/pyudf/integration/kafkatest"
)

// samples are records of one topic with two partitions, as ReadAll must give them back.
func samples() []kafkatest.Record {
	old := time.UnixMilli(1357020000123)
	return []kafkatest.Record{
		{Partition: 0, Offset: 0, Key: []byte("k"), Value: []byte("one"), Time: old},
		{Partition: 0, Offset: 1, Key: []byte("k"), Time: old.Add(time.Hour)},
		{Partition: 1, Offset: 0, Value: []byte("two"), Time: old.Add(-time.Hour), Headers: []kafkatest.Header{
			{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte("2")},
		}},
	}
}

func TestRecordsComeBackAsTheyWereProduced(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 2)
		b.Produce(t, topic, samples()...)
		if got := b.ReadAll(t, topic); !reflect.DeepEqual(got, samples()) {
			t.Fatalf("got\n%+v, want\n%+v", got, samples())
		}
	})
}

func TestAnEmptyTopicReadsAsNoRecords(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		if got := b.ReadAll(t, b.Topic(t, 3)); len(got) != 0 {
			t.Fatalf("got %d records", len(got))
		}
	})
}

func TestAwaitReturnsOnceTheRecordsAreThere(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := kafkatest.Name(t, "later")
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.CreateTopic(t, topic, 2)
			b.Produce(t, topic, samples()...)
		}()
		if got := b.Await(t, topic, 3); !reflect.DeepEqual(got, samples()) {
			t.Errorf("got\n%+v, want\n%+v", got, samples())
		}
		<-done
	})
}

func TestOnlyWhatComesFromNowOnIsNext(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 2)
		b.Produce(t, topic, samples()...)
		more, over := b.Producer(t), make(chan struct{})
		var sending sync.WaitGroup
		sending.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				default:
					more.Produce(t, topic, kafkatest.Record{Partition: int32(n & 1), Key: []byte("new")})
				}
			}
		})
		var first []kafkatest.Record
		b.AwaitNext(t, topic, func(r kafkatest.Record) bool {
			first = append(first, r)
			return len(first) == 3
		})
		close(over)
		sending.Wait()
		for _, r := range first {
			if string(r.Key) != "new" {
				t.Errorf("%s was there before", r.Key)
			}
		}
	})
}

func TestTheKeyPicksThePartitionAsInJava(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 4)
		// Utils.murmur2 of org.apache.kafka.common.utils gives these for four partitions.
		want := map[string]int32{"EWR": 3, "JFK": 1, "LGA": 0, "st-00001": 1}
		for key := range want {
			b.Produce(t, topic, kafkatest.Record{Key: []byte(key), Partition: kafkatest.ByKey})
		}
		for _, r := range b.ReadAll(t, topic) {
			if r.Partition != want[string(r.Key)] {
				t.Errorf("%s went to partition %d, want %d", r.Key, r.Partition, want[string(r.Key)])
			}
		}
	})
}

func TestABrokerComesBackAtItsAddressWithItsData(t *testing.T) {
	kafkatest.EachOwn(t, func(t *testing.T, b *kafkatest.Broker) {
		topic, addr := b.Topic(t, 2), b.Addr()
		b.Produce(t, topic, samples()...)
		b.Stop(t)
		if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr); err == nil {
			t.Errorf("%v still answers after Stop", conn.RemoteAddr())
		}
		b.Start(t)
		if b.Addr() != addr {
			t.Errorf("came back at %s, was at %s", b.Addr(), addr)
		}
		if got := b.ReadAll(t, topic); !reflect.DeepEqual(got, samples()) {
			t.Errorf("got\n%+v, want\n%+v", got, samples())
		}
	})
}

func TestTheLoginListenerTakesTheRightPassword(t *testing.T) {
	producer := login(t, kafkatest.Kafka(t), broker.Password)
	if _, err := producer.GetMetadata(nil, true, 30_000); err != nil {
		t.Error(err)
	}
}

func TestTheLoginListenerRefusesAWrongPassword(t *testing.T) {
	producer := login(t, kafkatest.Kafka(t), "wrong")
	for event := range producer.Events() {
		if err, ok := event.(kafka.Error); ok && err.Code() == kafka.ErrAuthentication {
			return
		}
		t.Logf("%v", event)
	}
}

func login(t *testing.T, b *kafkatest.Broker, password string) *kafka.Producer {
	t.Helper()
	producer, err := kafka.NewProducer(&kafka.ConfigMap{
		"bootstrap.servers": b.SASLAddr(), "security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN",
		"sasl.username": broker.User, "sasl.password": password, "enable.metrics.push": false,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	return producer
}

func TestTheProgramUnderTestIsBuiltOnce(t *testing.T) {
	first := kafkatest.Pyudf(t)
	if again := kafkatest.Pyudf(t); again != first {
		t.Errorf("built twice: %s, %s", first, again)
	}
	if out, err := exec.CommandContext(t.Context(), first, "version").CombinedOutput(); err != nil {
		t.Errorf("pyudf version: %v: %s", err, out)
	}
}

func TestThePythonUnderTestHasTheSDK(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), kafkatest.Python(t), "-c", "import pyudf; print(pyudf.__name__)")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "pyudf" {
		t.Errorf("import pyudf: %v: %s", err, out)
	}
}
