package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Partitions is how many partitions a topic has.
func (b *Broker) Partitions(t testing.TB, topic string) int {
	t.Helper()
	admin := b.admin(t)
	defer admin.Close()
	meta, err := admin.GetMetadata(&topic, false, int(patience.Milliseconds()))
	if err != nil {
		t.Fatal(err)
	}
	found := meta.Topics[topic]
	if found.Error.Code() != kafka.ErrNoError {
		t.Fatal(found.Error)
	}
	return len(found.Partitions)
}

// Committed is what a group has committed of a topic, by partition. Partitions without a commit are not in it.
func (b *Broker) Committed(t testing.TB, group, topic string) map[int32]int64 {
	t.Helper()
	admin := b.admin(t)
	defer admin.Close()
	var partitions []kafka.TopicPartition
	for i := range b.Partitions(t, topic) {
		partitions = append(partitions, kafka.TopicPartition{Topic: &topic, Partition: int32(i)}) //nolint:gosec // few
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result, err := admin.ListConsumerGroupOffsets(ctx, []kafka.ConsumerGroupTopicPartitions{{Group: group, Partitions: partitions}})
	committed := map[int32]int64{}
	if unknown := (kafka.Error{}); errors.As(err, &unknown) && unknown.Code() == kafka.ErrGroupIDNotFound {
		return committed
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range result.ConsumerGroupsTopicPartitions {
		for _, p := range of.Partitions {
			if p.Error == nil && p.Offset >= 0 {
				committed[p.Partition] = int64(p.Offset)
			}
		}
	}
	return committed
}

func (b *Broker) admin(t testing.TB) *kafka.AdminClient {
	t.Helper()
	admin, err := kafka.NewAdminClient(b.client(nil))
	if err != nil {
		t.Fatal(err)
	}
	return admin
}

// Exists tells whether there is a topic.
func (b *Broker) Exists(t testing.TB, topic string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	admin := b.admin(t)
	defer admin.Close()
	described, err := admin.DescribeTopics(ctx, kafka.NewTopicCollectionOfTopicNames([]string{topic}))
	if err != nil {
		t.Fatalf("describe the topic %s: %v", topic, err)
	}
	return described.TopicDescriptions[0].Error.Code() == kafka.ErrNoError
}

// Owners says in a line each who is in a group and which partitions are whose, for tests that failed.
func (b *Broker) Owners(t testing.TB, group string) []string {
	t.Helper()
	admin := b.admin(t)
	defer admin.Close()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	described, err := admin.DescribeConsumerGroups(ctx, []string{group})
	if err != nil {
		return []string{err.Error()}
	}
	var lines []string
	for _, g := range described.ConsumerGroupDescriptions {
		lines = append(lines, fmt.Sprintf("group %s: %s", g.GroupID, g.State))
		for _, m := range g.Members {
			owned := []string{fmt.Sprintf("member %s as %s:", m.ConsumerID, m.GroupInstanceID)}
			for _, p := range m.Assignment.TopicPartitions {
				owned = append(owned, fmt.Sprintf("%s [%d]", *p.Topic, p.Partition))
			}
			lines = append(lines, strings.Join(owned, " "))
		}
	}
	return lines
}
