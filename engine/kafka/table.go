package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/record"
)

// Table is a topic of one partition that keeps the last record of each key. Any goroutine may call it.
type Table struct {
	cluster *Cluster
	at      record.Partition
	limit   int
}

// OpenTable returns a table, which is created if it is not there. It waits for brokers that are away, and for rights that this
// client lacks, and says so in the log. The error of a topic that is no table says what to do.
func (c *Cluster) OpenTable(ctx context.Context, name string) (*Table, error) {
	t := &Table{cluster: c, at: record.Partition{Topic: name}}
	err := c.patiently(ctx, "open topic "+name, func() error {
		info, settings, err := c.findTable(ctx, name)
		if err != nil {
			return denied(name, err)
		}
		if err := checkTable(info, settings); err != nil {
			return err
		}
		t.limit = recordLimit(settings["max.message.bytes"], c.settings["message.max.bytes"])
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("open topic %q: %w", name, err)
	}
	return t, nil
}

// findTable returns what a topic is like, after creating it if need be.
func (c *Cluster) findTable(ctx context.Context, name string) (TopicInfo, map[string]string, error) {
	info, err := c.Topic(ctx, name)
	if errors.Is(err, ErrUnknownTopic) {
		if err := c.CreateTopic(ctx, TopicSpec{Name: name, Partitions: 1, Compacted: true}); err != nil {
			return info, nil, err
		}
		info, err = c.Topic(ctx, name)
	}
	if err != nil {
		return info, nil, err
	}
	settings, err := c.TopicSettings(ctx, name)
	return info, settings, err
}

// denied returns the answer of brokers that do not let this client do what it must, as one that may change with time.
func denied(topic string, answer error) error {
	e, ok := errors.AsType[kafka.Error](answer)
	if !ok || !slices.Contains([]kafka.ErrorCode{kafka.ErrTopicAuthorizationFailed, kafka.ErrClusterAuthorizationFailed}, e.Code()) {
		return answer
	}
	text := fmt.Sprintf("%s; allow this user the operations Create, Describe, DescribeConfigs, Read and Write on topic %q", answer, topic)
	return kafka.NewError(kafka.ErrLeaderNotAvailable, text, false)
}

// checkTable returns why a topic is no table.
func checkTable(info TopicInfo, settings map[string]string) error {
	if info.Partitions != 1 {
		return fmt.Errorf("it has %d partitions, but needs to have one, so that all read the same in the same order: "+
			"take another name, or delete the topic if nobody needs it, and it is created as it has to be", info.Partitions)
	}
	if policy := settings["cleanup.policy"]; policy != "compact" {
		return fmt.Errorf("it has cleanup.policy=%s, so what is kept there would be deleted after some time: "+
			"run `kafka-configs --bootstrap-server HOST:PORT --alter --entity-type topics --entity-name %s --add-config cleanup.policy=compact`, "+
			"or take another name", policy, info.Name)
	}
	return nil
}

// recordLimit returns how large the value of a record may be, by the limits of the topic and of the client. They count keys,
// headers and what the batch needs around them, too.
func recordLimit(topic, client string) int {
	const (
		most   = 900 << 10
		around = 4 << 10
		usual  = 1_000_000 // of librdkafka's message.max.bytes
	)
	limit := usual
	for _, text := range []string{topic, client} {
		if n, err := strconv.Atoi(text); err == nil {
			limit = min(limit, n)
		}
	}
	return max(min(most, limit-around), 1)
}

// Limit returns how many bytes a record's value may have.
func (t *Table) Limit() int { return t.limit }

// Follow gives the records from an offset on, -1: from the first, and goes on with those that come, until ctx ends or take
// returns an error, which it returns. What is in a transaction comes with its commit. next is the offset behind what was read.
// The batch is nil when there is nothing more for now. Brokers that are away are waited for.
func (t *Table) Follow(ctx context.Context, from int64, take func(batch *record.Batch, next int64) error) error {
	first := []record.Position{{Partition: t.at, Offset: int64(kafka.OffsetBeginning)}}
	s, err := t.cluster.openSource(SourceConfig{Topic: t.at.Topic, Assign: first, Seldom: true})
	if err != nil {
		return err
	}
	defer t.cluster.served.Go(func() { _ = s.Close() })
	if _, err := s.Begin(ctx, t.at, from); err != nil {
		return err
	}
	for {
		event, err := s.Poll(ctx)
		switch {
		case err != nil:
			return err
		case event.Records != nil:
			err = take(event.Records, event.Records.Next())
		case event.CaughtUp != nil:
			err = take(nil, s.owned[t.at.Index].next)
		}
		if err != nil {
			return err
		}
	}
}

// End returns the offset behind everything, be it in a transaction that is open. It waits for brokers that are away.
func (t *Table) End(ctx context.Context) (int64, error) {
	var end int64
	of := []kafka.TopicPartition{{Topic: &t.at.Topic, Partition: t.at.Index}}
	err := t.cluster.patiently(ctx, "ask for the end of topic "+t.at.Topic, func() error {
		err := t.cluster.offsets(ctx, of, kafka.LatestOffsetSpec, func(_ int32, offset int64) { end = offset })
		return t.cluster.doubted(ctx, t.at, err)
	})
	if err != nil {
		return 0, fmt.Errorf("ask for the end of topic %q: %w", t.at.Topic, err)
	}
	return end, nil
}
