package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/record"
)

// Reach is how far a group is in a partition.
type Reach struct {
	// Low and End are the offsets of the first record and of the next one to be written.
	Low, End int64
	// Committed is -1 if the group committed nothing.
	Committed int64
}

// Reach returns how far a group is in the partitions of a topic.
func (c *Cluster) Reach(ctx context.Context, group, topic string) ([]Reach, error) {
	info, err := c.Topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := make([]Reach, info.Partitions)
	partitions := make([]kafka.TopicPartition, info.Partitions)
	for i := range partitions {
		partitions[i] = kafka.TopicPartition{Topic: &topic, Partition: int32(i)} //nolint:gosec // topics have fewer partitions
	}
	err = c.offsets(ctx, partitions, kafka.EarliestOffsetSpec, func(partition int32, offset int64) { out[partition].Low = offset })
	if err == nil {
		err = c.offsets(ctx, partitions, kafka.LatestOffsetSpec, func(partition int32, offset int64) { out[partition].End = offset })
	}
	if err == nil {
		err = settled(ctx, func(ctx context.Context) error {
			return c.committed(ctx, group, partitions, func(partition int32, offset int64, _ string) { out[partition].Committed = offset })
		})
	}
	if err != nil {
		return nil, fmt.Errorf("ask how far group %q is in topic %q: %w", group, topic, err)
	}
	return out, nil
}

func (c *Cluster) offsets(ctx context.Context, partitions []kafka.TopicPartition, spec kafka.OffsetSpec, found func(partition int32, offset int64)) error {
	wanted := map[kafka.TopicPartition]kafka.OffsetSpec{}
	for _, p := range partitions {
		wanted[p] = spec
	}
	answer, err := c.admin.ListOffsets(ctx, wanted, kafka.SetAdminRequestTimeout(connectTimeout))
	if err != nil {
		return err
	}
	for p, info := range answer.ResultInfos {
		if info.Error.Code() != kafka.ErrNoError {
			return info.Error
		}
		found(p.Partition, int64(info.Offset))
	}
	return nil
}

// coordinatorTimeout is what a question to the coordinator of a group has in place of a timeout. librdkafka aborts the process
// when a coordinator comes back whose question has timed out meanwhile, so questions must not: their context ends the waiting, and
// librdkafka drops the answer. See https://github.com/confluentinc/librdkafka/issues/4605; an hour is the most that it takes.
const coordinatorTimeout = time.Hour

// askCoordinator asks once. That there is no answer in time is an answer that is unsettled.
func askCoordinator(ctx context.Context, ask func(context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := ask(within)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return kafka.NewError(kafka.ErrTimedOut, "no answer from the coordinator of the group", false)
	}
	return err
}

// committed asks for the offsets that a group has committed, and the notes with them. While a transaction is open that may store others, the answer is
// an error that is unsettled.
func (c *Cluster) committed(ctx context.Context, group string, partitions []kafka.TopicPartition, found func(partition int32, offset int64, note string)) error {
	wanted := []kafka.ConsumerGroupTopicPartitions{{Group: group, Partitions: partitions}}
	var answer kafka.ListConsumerGroupOffsetsResult
	err := askCoordinator(ctx, func(ctx context.Context) (err error) {
		answer, err = c.admin.ListConsumerGroupOffsets(ctx, wanted, kafka.SetAdminRequestTimeout(coordinatorTimeout), kafka.SetAdminRequireStableOffsets(true))
		return err
	})
	if e, ok := errors.AsType[kafka.Error](err); ok && e.Code() == kafka.ErrGroupIDNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	for _, of := range answer.ConsumerGroupsTopicPartitions {
		for _, p := range of.Partitions {
			if p.Error != nil {
				return p.Error
			}
			note := ""
			if p.Metadata != nil {
				note = *p.Metadata
			}
			found(p.Partition, max(int64(p.Offset), -1), note)
		}
	}
	return nil
}

// Members returns how many other members a group has. One that died counts until its session times out, unless its
// group.instance.id begins with own, as those of this process do; empty: none does.
func (c *Cluster) Members(ctx context.Context, group, own string) (int, error) {
	var others int
	err := settled(ctx, func(ctx context.Context) (err error) {
		others, err = c.members(ctx, group, cmp.Or(own, c.settings["group.instance.id"]))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("ask who is in group %q: %w", group, err)
	}
	return others, nil
}

func (c *Cluster) members(ctx context.Context, group, own string) (int, error) {
	description, err := c.describe(ctx, group)
	if err != nil {
		return 0, err
	}
	others := 0
	for _, member := range description.Members {
		if own == "" || !strings.HasPrefix(member.GroupInstanceID, own) {
			others++
		}
	}
	return others, nil
}

// settled asks again for a while, as long as the answer is that no broker can say just now.
func settled(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return again(ctx, func() error { return ask(ctx) }, func(error) {})
}

// patiently asks again until ctx ends, as long as the answer is that no broker can say just now. The log says when it takes
// long, and again as long as it does.
func (c *Cluster) patiently(ctx context.Context, doing string, ask func() error) error {
	waits := waiting(c.logger.With("to", doing))
	defer waits.end()
	return again(ctx, ask, waits.refused)
}

// again asks until there is an answer. When ctx ends it returns the last answer.
func again(ctx context.Context, ask func() error, unanswered func(error)) error {
	const longest = 200 * time.Millisecond
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, longest) {
		err := ask()
		if !unsettled(err) {
			return err
		}
		unanswered(err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// unsettled tells answers that mean that another one comes with time.
func unsettled(err error) bool {
	e, ok := errors.AsType[kafka.Error](err)
	return ok && slices.Contains([]kafka.ErrorCode{
		kafka.ErrNotCoordinator, kafka.ErrCoordinatorNotAvailable, kafka.ErrCoordinatorLoadInProgress, kafka.ErrWaitCoord,
		kafka.ErrUnstableOffsetCommit, kafka.ErrTransport, kafka.ErrTimedOut, kafka.ErrTimedOutQueue, kafka.ErrRequestTimedOut,
		kafka.ErrAllBrokersDown, kafka.ErrNetworkException, kafka.ErrLeaderNotAvailable, kafka.ErrNotLeaderForPartition, kafka.ErrOffsetNotAvailable,
	}, e.Code())
}

// doubted returns what the client answered about a partition. That it knows none, or no leader of it, is settled only if the
// brokers have no such partition: one that has just come back does not tell of all leaders at once.
func (c *Cluster) doubted(ctx context.Context, partition record.Partition, answer error) error {
	e, ok := errors.AsType[kafka.Error](answer)
	if !ok || !slices.Contains([]kafka.ErrorCode{kafka.ErrUnknownPartition, kafka.ErrUnknownTopicOrPart, kafka.ErrNoent, kafka.ErrFencedLeaderEpoch, kafka.ErrUnknownLeaderEpoch}, e.Code()) {
		return answer
	}
	info, err := c.Topic(ctx, partition.Topic)
	if err != nil {
		return err
	}
	if int(partition.Index) >= info.Partitions {
		return answer
	}
	return kafka.NewError(kafka.ErrLeaderNotAvailable, answer.Error(), false)
}
