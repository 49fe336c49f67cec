package integration_test

import (
	"context"
	"testing"
	"time"

	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/integration/kafkatest"
)

func TestPartitionsThatDidNotBeginHoldUpNeitherTheOthersNorTheGroup(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		cluster, topic, group := connect(t, b), b.Topic(t, 2), kafkatest.Name(t, "group")
		b.Produce(t, topic, kafkatest.Record{Value: []byte("0")}, kafkatest.Record{Partition: 1, Value: []byte("1")})
		first := openSource(t, cluster, kafka.SourceConfig{Topic: topic, Group: group})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var records, revoked int
		var second chan error
		for revoked == 0 {
			event, err := first.Poll(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range event.Assigned {
				if p.Index == 1 {
					if _, err := first.Begin(ctx, p, -1); err != nil {
						t.Fatal(err)
					}
				}
			}
			if event.Records != nil {
				records += event.Records.Len()
			}
			if records == 1 && second == nil {
				second = make(chan error, 1)
				go func() { second <- assignedOne(ctx, cluster, topic, group) }()
			}
			if revoked = len(event.Revoked); revoked > 0 {
				if err := first.Release(event.Revoked); err != nil {
					t.Error(err)
				}
			}
		}
		go func() {
			for ctx.Err() == nil {
				_, _ = first.Poll(ctx)
			}
		}()
		if err := <-second; err != nil {
			t.Errorf("the second member: %v", err)
		}
		cancel()
		if records != 1 || revoked != 1 {
			t.Errorf("%d records came and %d partitions were revoked", records, revoked)
		}
	})
}

// assignedOne joins a group and returns when it has got a partition and its record.
func assignedOne(ctx context.Context, cluster *kafka.Cluster, topic, group string) error {
	s, err := cluster.OpenSource(ctx, kafka.SourceConfig{Topic: topic, Group: group})
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // what matters came before
	for {
		event, err := s.Poll(ctx)
		if err != nil {
			return err
		}
		for _, p := range event.Assigned {
			if _, err := s.Begin(ctx, p, -1); err != nil {
				return err
			}
		}
		if event.Records != nil {
			return nil
		}
	}
}
