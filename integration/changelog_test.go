package integration_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pyudf/pyudf/engine/changelog"
	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/integration/kafkatest"
)

var _ changelog.Log = (*kafka.Cluster)(nil)

// deliver writes values to the first partition of a log, each in a transaction of its own.
func deliver(t *testing.T, cluster *kafka.Cluster, topic string, values ...string) {
	t.Helper()
	outlet, to := outletTo(t, cluster, kafkatest.Name(t, "node"), topic)
	for _, value := range values {
		put(t, to, value)
		if err := outlet.Deliver(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestALogIsReadToItsEndAndNoFurther(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		cluster, topic := connect(t, b), b.Topic(t, 2)
		p := record.Partition{Topic: topic}
		deliver(t, cluster, topic, "0", "1", "2")
		low, end, err := cluster.Bounds(t.Context(), p)
		if err != nil || low != 0 || end != 6 { // a marker behind each
			t.Errorf("the bounds are %d and %d, %v", low, end, err)
		}
		var values []string
		next, err := cluster.Read(t.Context(), p, 2, func(next int64, value []byte) error {
			values = append(values, fmt.Sprintf("%s:%d", value, next))
			return nil
		})
		if err != nil || next != 6 || !slices.Equal(values, []string{"1:3", "2:5"}) {
			t.Errorf("read %q up to %d, %v", values, next, err)
		}
		began := time.Now()
		next, err = cluster.Read(t.Context(), p, 5, func(int64, []byte) error { return errors.New("there is nothing") })
		if err != nil || next != 6 {
			t.Errorf("the tail is read up to %d, %v", next, err)
		}
		t.Logf("a tail of one marker takes %s", time.Since(began))
		if _, err := cluster.Read(t.Context(), p, 7, nil); err == nil {
			t.Error("a log that ends before the place where reading begins is read")
		}
		if low, end, err := cluster.Bounds(t.Context(), record.Partition{Topic: kafkatest.Name(t, "nothing")}); err != nil || low != 0 || end != 0 {
			t.Errorf("a log that is not there has the bounds %d and %d, %v", low, end, err)
		}
	})
}

func TestALogThatIsCutWhileItIsReadSaysSo(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		cluster, topic := connect(t, b), b.Topic(t, 1)
		p := record.Partition{Topic: topic}
		deliver(t, cluster, topic, "0", "1", "2")
		ignore := func(int64, []byte) error { return nil }
		b.DeleteRecords(t, topic, 2)
		if _, err := cluster.Read(t.Context(), p, 0, ignore); !errors.Is(err, changelog.ErrGap) {
			t.Errorf("from before the cut: %v", err)
		}
		if next, err := cluster.Read(t.Context(), p, 2, ignore); next != 6 || err != nil {
			t.Errorf("from the cut: %d, %v", next, err)
		}
		cut := func(next int64, _ []byte) error {
			b.DeleteRecords(t, topic, next)
			return nil
		}
		if _, err := cluster.Read(t.Context(), p, 2, cut); !errors.Is(err, changelog.ErrGap) {
			t.Errorf("with a cut meanwhile: %v", err)
		}
	})
}

func TestALogWaitsForTheEndOfOpenTransactions(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		cluster, topic := connect(t, b), b.Topic(t, 1)
		outlet, to := outletTo(t, cluster, kafkatest.Name(t, "node"), topic)
		put(t, to, "open")
		if err := to.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		read := make(chan string, 1)
		go func() {
			_, err := connect(t, b).Read(t.Context(), record.Partition{Topic: topic}, 0, func(_ int64, value []byte) error {
				read <- string(value)
				return nil
			})
			read <- fmt.Sprint(err)
		}()
		select {
		case value := <-read:
			t.Fatalf("%q was read while the transaction was open", value)
		case <-time.After(300 * time.Millisecond):
		}
		if err := outlet.Deliver(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if value, end := <-read, <-read; value != "open" || end != "<nil>" {
			t.Errorf("read %q, then %s", value, end)
		}
	})
}
