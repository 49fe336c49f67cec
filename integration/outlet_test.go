package integration_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/sink/sinktest"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/integration/kafkatest"
)

// openOutlet opens an outlet of a transactional id. No test waits for a transaction to time out, and on a busy machine the
// default is over while a test still works.
func openOutlet(ctx context.Context, c *kafka.Cluster, id string) (*kafka.Outlet, error) {
	return c.OpenOutlet(ctx, kafka.OutletConfig{Name: id, TransactionalID: id, TransactionTimeout: 5 * time.Minute})
}

// outletTo opens an outlet of a transactional id with a sink for a topic.
func outletTo(t *testing.T, c *kafka.Cluster, id, topic string) (*kafka.Outlet, sink.Log) {
	t.Helper()
	outlet, err := openOutlet(t.Context(), c, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = outlet.Close() })
	to, err := outlet.OpenLog(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return outlet, to
}

func put(t *testing.T, to sink.Sink, values ...string) {
	t.Helper()
	messages := sinktest.Messages(values...)
	messages.Partitions = make([]int32, len(values))
	if rejected, err := to.Write(t.Context(), messages); err != nil || len(rejected) > 0 {
		t.Fatalf("write: %v, %v", rejected, err)
	}
}

// joined is a source of a group whose partitions have begun where they are committed.
type joined struct {
	source source.Source
	owned  []record.Partition
}

func join(t *testing.T, c *kafka.Cluster, topic, group string) *joined {
	t.Helper()
	r := &joined{source: openSource(t, c, kafka.SourceConfig{Topic: topic, Group: group})}
	t.Cleanup(func() { _ = r.source.Close() })
	for len(r.owned) == 0 {
		event, err := r.source.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r.owned = event.Assigned
	}
	for _, p := range r.owned {
		from, err := r.source.Committed(t.Context(), p)
		if err == nil {
			_, err = r.source.Begin(t.Context(), p, from)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// take polls until there are so many records, and returns their values and where they end.
func (r *joined) take(t *testing.T, records int) (values []string, reads []sink.Read) {
	t.Helper()
	next := map[record.Partition]int64{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for len(values) < records {
		event, err := r.source.Poll(ctx)
		if err != nil {
			t.Fatalf("after %d records: %v", len(values), err)
		}
		if b := event.Records; b != nil {
			for i := range b.Len() {
				values = append(values, string(b.Values.At(i)))
			}
			next[b.Partition] = b.Next()
		}
	}
	read := sink.Read{Source: r.source}
	for p, offset := range next {
		read.Positions = append(read.Positions, record.Position{Partition: p, Offset: offset})
	}
	return values, []sink.Read{read}
}

func delivered(t *testing.T, b *kafkatest.Broker, topic string) []string {
	t.Helper()
	return texts(b.ReadAll(t, topic))
}

func texts(records []kafkatest.Record) []string {
	var values []string
	for _, r := range records {
		values = append(values, string(r.Value))
	}
	return values
}

func TestRecordsAndPositionsAreThereTogetherOrNotAtAll(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		cluster, in, out, group := connect(t, b), b.Topic(t, 1), b.Topic(t, 1), kafkatest.Name(t, "group")
		b.Produce(t, in, kafkatest.Record{Value: []byte("1")}, kafkatest.Record{Value: []byte("2")})
		outlet, to := outletTo(t, cluster, group, out)
		reader := join(t, cluster, in, group)
		_, reads := reader.take(t, 2)
		put(t, to, "a", "b")
		if got := outlet.Written(); got != 2 {
			t.Errorf("%d bytes count as written, want 2", got)
		}
		if err := to.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := texts(b.ReadVisible(t, out)); len(got) > 0 || len(b.Committed(t, group, in)) > 0 {
			t.Errorf("before the commit there are %q, and %v is committed", got, b.Committed(t, group, in))
		}
		if err := outlet.Deliver(t.Context(), reads); err != nil {
			t.Fatal(err)
		}
		if err := outlet.Acknowledge(t.Context(), reads); err != nil {
			t.Error(err)
		}
		if got := outlet.Written(); got != 0 {
			t.Errorf("%d bytes count as written after the commit", got)
		}
		p := reader.owned[0]
		if committed, err := reader.source.Committed(t.Context(), p); err != nil || committed != 2 {
			t.Errorf("committed %d, %v, want 2", committed, err)
		}
		if got := delivered(t, b, out); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("after the commit there are %q", got)
		}
	})
}

func TestAnOutletThatIsOpenedAnewDropsWhatWasNotCommitted(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		cluster, out, id := connect(t, b), b.Topic(t, 1), kafkatest.Name(t, "node")
		first, to := outletTo(t, cluster, id, out)
		put(t, to, "kept")
		if err := first.Deliver(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if got := to.Next(0); got != 1 {
			t.Errorf("the log ends at %d, want 1", got)
		}
		put(t, to, "dropped", "dropped too")
		if err := to.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := to.Next(0); got != 4 { // there is a marker between
			t.Errorf("the log ends at %d, want 4", got)
		}
		if err := first.Close(); err != nil {
			t.Error(err)
		}
		second, to := outletTo(t, cluster, id, out)
		put(t, to, "kept too")
		if err := second.Deliver(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if got := delivered(t, b, out); !slices.Equal(got, []string{"kept", "kept too"}) {
			t.Errorf("there are %q", got)
		}
	})
}

func TestAnOutletThatAnotherHasTakenThePlaceOfSaysSo(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		cluster, in, out, id := connect(t, b), b.Topic(t, 1), b.Topic(t, 1), kafkatest.Name(t, "node")
		b.Produce(t, in, kafkatest.Record{Value: []byte("1")})
		reader := join(t, cluster, in, id)
		_, reads := reader.take(t, 1)
		first, to := outletTo(t, cluster, id, out)
		put(t, to, "past")
		if err := to.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		second, too := outletTo(t, connect(t, b), id, out)
		err := first.Deliver(t.Context(), reads)
		if err == nil || errors.Is(err, sink.ErrAborted) || !strings.Contains(err.Error(), "another process runs as this node") {
			t.Errorf("the first one says: %v", err)
		}
		put(t, too, "present")
		if err := second.Deliver(t.Context(), reads); err != nil {
			t.Errorf("the second one says: %v", err)
		}
		if got := delivered(t, b, out); !slices.Equal(got, []string{"present"}) {
			t.Errorf("there are %q", got)
		}
	})
}

func TestAReaderPassesWhatWasAbortedAndEndsBehindIt(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		cluster, topic := connect(t, b), b.Topic(t, 1)
		for i := range 3 {
			outlet, to := outletTo(t, cluster, kafkatest.Name(t, "node"), topic)
			put(t, to, fmt.Sprint("kept ", i))
			if err := outlet.Deliver(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			put(t, to, "dropped")
			if err := to.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := outlet.Close(); err != nil {
				t.Fatal(err)
			}
		}
		p := record.Partition{Topic: topic}
		s := openSource(t, cluster, kafka.SourceConfig{Topic: topic, Assign: []record.Position{{Partition: p}}, UntilEnd: true})
		got := readAll(t, s)
		var values []string
		for i := range got.Len() {
			values = append(values, string(got.Values.At(i)))
		}
		if !slices.Equal(values, []string{"kept 0", "kept 1", "kept 2"}) {
			t.Errorf("the source gives %q", values)
		}
	})
}

func TestATransactionWhoseOutcomeNobodyKnowsIsDecidedByTheNextOutlet(t *testing.T) {
	kafkatest.EachOwn(t, func(t *testing.T, b *kafkatest.Broker) {
		cluster, out, id := connect(t, b), b.Topic(t, 1), kafkatest.Name(t, "node")
		first, to := outletTo(t, cluster, id, out)
		put(t, to, "0")
		if err := first.Deliver(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		put(t, to, "1")
		if err := to.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.Stop(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := first.Deliver(ctx, nil); !errors.Is(err, sink.ErrAborted) {
			t.Errorf("without a broker it says: %v", err)
		}
		if err := first.Close(); err != nil {
			t.Error(err)
		}
		opened := make(chan error, 1)
		var second *kafka.Outlet
		go func() {
			var err error
			second, err = openOutlet(t.Context(), cluster, id)
			opened <- err
		}()
		b.Start(t)
		if err := <-opened; err != nil {
			t.Fatal(err)
		}
		defer second.Close() //nolint:errcheck // what matters is delivered
		before := delivered(t, b, out)
		if !slices.Equal(before, []string{"0"}) {
			t.Errorf("there are %q", before)
		}
		again, err := second.OpenSink(t.Context(), out)
		if err != nil {
			t.Fatal(err)
		}
		put(t, again, "1 again")
		if err := second.Deliver(t.Context(), nil); err != nil {
			t.Error(err)
		}
		if got := delivered(t, b, out); !slices.Equal(got, []string{"0", "1 again"}) {
			t.Errorf("there are %q", got)
		}
	})
}

func TestARecordThatNoBrokerTakesEndsTheRunAndIsNotTriedForEver(t *testing.T) {
	b := kafkatest.Kafka(t) // the embedded broker has no limit
	cluster, out := connect(t, b), kafkatest.Name(t, "topic")
	b.CreateTopicWith(t, out, 1, map[string]string{"max.message.bytes": "1000"})
	outlet, to := outletTo(t, cluster, kafkatest.Name(t, "node"), out)
	put(t, to, strings.Repeat("x", 2000))
	if err := outlet.Deliver(t.Context(), nil); err == nil || errors.Is(err, sink.ErrAborted) || !strings.Contains(err.Error(), out) {
		t.Errorf("it says: %v", err)
	}
}
