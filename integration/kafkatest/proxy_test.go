package kafkatest_test

import (
	"slices"
	"testing"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

const produce kafkatest.API = 0

// throughProxy appends a record to a topic through the proxy. The client knows no idempotence: it sends again what nobody
// answered.
func throughProxy(t *testing.T, proxy *kafkatest.Proxy, topic string) {
	t.Helper()
	client, err := kafka.NewProducer(&kafka.ConfigMap{
		"bootstrap.servers": proxy.Addr(), "socket.timeout.ms": 1000, "enable.metrics.push": false,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	delivered := make(chan kafka.Event, 1)
	if err := client.Produce(&kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &topic}, Value: []byte("v")}, delivered); err != nil {
		t.Fatal(err)
	}
	if m, ok := (<-delivered).(*kafka.Message); ok && m.TopicPartition.Error != nil {
		t.Fatal(m.TopicPartition.Error)
	}
}

func TestAProxyLosesTheFirstReply(t *testing.T) {
	b, proxy := kafkatest.ProxiedKafka(t)
	for name, verdict := range map[string]kafkatest.Verdict{"cut": kafkatest.Cut, "silence": kafkatest.Silence} {
		t.Run(name, func(t *testing.T) {
			topic := b.Topic(t, 1)
			var seen []bool
			proxy.Watch(func(api kafkatest.API, reply bool) kafkatest.Verdict {
				if api != produce {
					return kafkatest.Pass
				}
				seen = append(seen, reply)
				if reply && len(seen) == 2 {
					return verdict
				}
				return kafkatest.Pass
			})
			throughProxy(t, proxy, topic)
			proxy.Watch(nil)
			if want := []bool{false, true, false, true}; !slices.Equal(seen, want) {
				t.Errorf("requests (false) and replies (true) came as %v, want %v", seen, want)
			}
			if n := len(b.ReadAll(t, topic)); n != 2 {
				t.Errorf("%d records, want the lost one and the one sent again", n)
			}
		})
	}
}

func TestAClientThatBeginsAtTheBrokerNeverMeetsTheProxy(t *testing.T) {
	b, proxy := kafkatest.ProxiedKafka(t)
	met := false
	proxy.Watch(func(kafkatest.API, bool) kafkatest.Verdict { met = true; return kafkatest.Pass })
	topic := b.Topic(t, 1)
	b.Produce(t, topic, kafkatest.Record{Value: []byte("v")})
	n := len(b.ReadAll(t, topic))
	proxy.Watch(nil)
	if n != 1 || met {
		t.Errorf("%d records; met the proxy: %v", n, met)
	}
}
