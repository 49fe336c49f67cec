package integration_test

import (
	"testing"

	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/sink/sinktest"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/integration/kafkatest"
)

func TestAnOutletOfKafkaKeepsThePromisesOfOutlets(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		sinktest.Outlets(t, func(t *testing.T) sinktest.Broker {
			t.Helper()
			cluster, in, out, group := connect(t, b), b.Topic(t, 1), b.Topic(t, 1), kafkatest.Name(t, "group")
			for range 3 {
				b.Produce(t, in, kafkatest.Record{Value: []byte("{}")})
			}
			return sinktest.Broker{
				Open: func(t *testing.T, id string) (sink.Outlet, sink.Log) {
					t.Helper()
					return outletTo(t, cluster, group+id, out)
				},
				Delivered: func(t *testing.T) []string {
					t.Helper()
					return delivered(t, b, out)
				},
				Visible: func(t *testing.T) []string {
					t.Helper()
					return texts(b.ReadVisible(t, out))
				},
				Join: func(t *testing.T) source.Source {
					t.Helper()
					s := openSource(t, cluster, kafka.SourceConfig{Topic: in, Group: group})
					t.Cleanup(func() { _ = s.Close() })
					return s
				},
			}
		})
	})
}
