package embedded_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/pyudf/pyudf/engine/embedded"
)

const wait = 20 * time.Second

func start(t *testing.T, config embedded.Config) *embedded.Broker {
	t.Helper()
	broker, err := embedded.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(); err != nil {
			t.Error(err)
		}
	})
	return broker
}

func connect(t *testing.T, addr string, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	options = append(options, kgo.SeedBrokers(addr), kgo.AllowAutoTopicCreation(), kgo.RetryTimeout(wait))
	client, err := kgo.NewClient(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func produce(t *testing.T, client *kgo.Client, record *kgo.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func next(t *testing.T, client *kgo.Client) *kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	for {
		fetches := client.PollRecords(ctx, 1)
		if err := fetches.Err0(); err != nil {
			t.Fatal(err)
		}
		if fetches.NumRecords() > 0 {
			return fetches.Records()[0]
		}
	}
}

func TestFirstUseCreatesATopicWithTheConfiguredPartitions(t *testing.T) {
	broker := start(t, embedded.Config{Partitions: 3})
	client := connect(t, broker.Addr(), kgo.ConsumeTopics("new"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	produce(t, client, &kgo.Record{Topic: "new", Partition: 2, Value: []byte("v")})
	if got := next(t, client); got.Partition != 2 || string(got.Value) != "v" {
		t.Fatalf("got %q of partition %d, want v of partition 2", got.Value, got.Partition)
	}
}

func TestDataDirKeepsRecordsAndGroupOffsets(t *testing.T) {
	dir := t.TempDir()
	old := time.UnixMilli(1357020000000)
	first := start(t, embedded.Config{DataDir: dir})
	client := connect(t, first.Addr(), kgo.ConsumeTopics("kept"), kgo.ConsumerGroup("g"), kgo.DisableAutoCommit())
	produce(t, client, &kgo.Record{Topic: "kept", Value: []byte("one"), Timestamp: old})
	if err := client.CommitRecords(t.Context(), next(t, client)); err != nil {
		t.Fatal(err)
	}
	produce(t, client, &kgo.Record{Topic: "kept", Value: []byte("two"), Timestamp: old})
	client.Close()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	second := start(t, embedded.Config{DataDir: dir})
	again := connect(t, second.Addr(), kgo.ConsumeTopics("kept"), kgo.ConsumerGroup("g"), kgo.DisableAutoCommit())
	got := next(t, again)
	if string(got.Value) != "two" || got.Offset != 1 || !got.Timestamp.Equal(old) {
		t.Fatalf("after the restart came %q at offset %d of %s, want two at offset 1 of %s", got.Value, got.Offset, got.Timestamp, old)
	}
}

func TestSecondBrokerOnADataDirIsRefused(t *testing.T) {
	dir := t.TempDir()
	first := start(t, embedded.Config{DataDir: dir})
	_, err := embedded.Start(embedded.Config{DataDir: dir})
	want := dir + " is in use by another broker: stop it, or choose another data directory"
	if err == nil || err.Error() != want {
		t.Fatalf("got %v, want %s", err, want)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, embedded.Config{DataDir: dir})
}

func TestTakenAddressIsNamed(t *testing.T) {
	addr := start(t, embedded.Config{}).Addr()
	dir := t.TempDir()
	_, err := embedded.Start(embedded.Config{Addr: addr, DataDir: dir})
	want := addr + " is in use by another program, perhaps another broker: stop it, or listen elsewhere"
	if err == nil || err.Error() != want {
		t.Fatalf("got %v, want %s", err, want)
	}
	start(t, embedded.Config{DataDir: dir})
}

func TestAllFaultsOfAConfigurationAreNamedAtOnce(t *testing.T) {
	_, err := embedded.Start(embedded.Config{Addr: "nowhere", Partitions: -1})
	want := "\"nowhere\" is no address to listen on: write host:port, such as 127.0.0.1:9092\n" +
		"a topic cannot have -1 partitions: write 1 or more"
	if err == nil || err.Error() != want {
		t.Fatalf("got %v, want %s", err, want)
	}
}

func TestAddressWithoutAHostIsThisMachineOnly(t *testing.T) {
	broker := start(t, embedded.Config{Addr: ":0"})
	host, port, err := net.SplitHostPort(broker.Addr())
	if err != nil || host != "127.0.0.1" || port == "0" {
		t.Fatalf("got %q (%v), want 127.0.0.1 and the chosen port", broker.Addr(), err)
	}
}

func TestClosingTwiceIsFine(t *testing.T) {
	broker := start(t, embedded.Config{})
	for range 2 {
		if err := broker.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
