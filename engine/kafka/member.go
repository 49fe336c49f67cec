package kafka

import (
	"context"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// leaveWithin is how long leaving the group may take, after which the group notices by itself.
const leaveWithin = 2 * time.Second

// leave has the group know that this process does not come back, which the client does not tell of a static member that is
// closed. REQUIRES: nobody polls the client.
func (s *Source) leave() {
	if err := s.consumer.Unsubscribe(); err != nil {
		return
	}
	const step = 50 // ms
	for deadline := time.Now().Add(leaveWithin); time.Now().Before(deadline); {
		s.consumer.Poll(step)
		if members, err := s.cluster.instances(context.Background(), s.config.Group); err != nil || !members[s.config.InstanceID] {
			return
		}
	}
}

// instances returns the group.instance.ids of a group's members.
func (c *Cluster) instances(ctx context.Context, group string) (map[string]bool, error) {
	description, err := c.describe(ctx, group)
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, member := range description.Members {
		ids[member.GroupInstanceID] = true
	}
	return ids, nil
}

func (c *Cluster) describe(ctx context.Context, group string) (kafka.ConsumerGroupDescription, error) {
	answer, err := c.admin.DescribeConsumerGroups(ctx, []string{group}, kafka.SetAdminRequestTimeout(connectTimeout))
	if err != nil {
		return kafka.ConsumerGroupDescription{}, err
	}
	description := answer.ConsumerGroupDescriptions[0]
	if code := description.Error.Code(); code != kafka.ErrNoError && code != kafka.ErrGroupIDNotFound {
		return description, description.Error
	}
	return description, nil
}

// mendAfter is how long after an assignment it is looked whether all partitions have an owner.
const mendAfter = 3 * time.Second

// mendLater makes sure, in a while, that all partitions have an owner. A static member that died between the two rounds of a
// cooperative rebalance gets back, without a third one, what the first round left it: what it had given up is nobody's, for
// good. To leave and join again makes the group share out everything.
func (s *Source) mendLater() {
	select {
	case <-s.closing:
		return
	default:
	}
	if s.config.InstanceID == "" {
		return
	}
	s.mending.Go(func() {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() {
			select {
			case <-s.closing:
				cancel()
			case <-ctx.Done():
			}
		}()
		for settled := false; !settled; {
			select {
			case <-time.After(mendAfter):
			case <-ctx.Done():
				return
			}
			var hole bool
			if settled, hole = s.look(ctx); hole {
				s.rejoin()
			}
		}
	})
}

// look tells whether the group has come to rest, and whether a partition has no owner then.
func (s *Source) look(ctx context.Context) (settled, hole bool) {
	description, err := s.cluster.describe(ctx, s.config.Group)
	if err != nil || description.State != kafka.ConsumerGroupStateStable {
		return false, false
	}
	info, err := s.cluster.Topic(ctx, s.config.Topic)
	if err != nil {
		return false, false
	}
	owned := map[int32]bool{}
	for _, member := range description.Members {
		for _, p := range member.Assignment.TopicPartitions {
			if *p.Topic == s.config.Topic {
				owned[p.Partition] = true
			}
		}
	}
	return true, len(owned) < info.Partitions
}

// rejoin leaves the group and joins it again, in the goroutine that polls the client.
func (s *Source) rejoin() {
	s.logger.Warn("some partitions have no owner, joining the group again", "topic", s.config.Topic, "group", s.config.Group)
	again := func() {
		if err := s.consumer.Unsubscribe(); err != nil {
			s.logger.Warn("the group could not be left", "cause", err)
			return
		}
		if err := s.consumer.SubscribeTopics([]string{s.config.Topic}, s.rebalance); err != nil {
			s.logger.Warn("the group could not be joined again", "cause", err)
		}
	}
	select {
	case s.calls <- again:
	case <-s.closing:
	}
}
