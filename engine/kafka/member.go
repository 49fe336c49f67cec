package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Leave implements source.Leaver.
func (s *Source) Leave() { s.leaving.Store(true) }

// Close implements source.Source. Closing twice is fine.
func (s *Source) Close() error {
	var err error
	s.closed.Do(func() {
		if s.park() {
			return
		}
		close(s.closing)
		if s.fast != nil {
			s.fast.Wake()
		}
		if s.handing != nil {
			close(s.handing.released)
			s.handing = nil
		}
		err = s.slow.end(s.free)
	})
	return err
}

// free ends the client, which takes its time while brokers are away.
func (s *Source) free() error {
	<-s.polled
	s.mending.Wait()
	if s.leaving.Load() && s.config.InstanceID != "" {
		s.leave()
	}
	if s.fast != nil && s.fast.Failed() {
		// Close would not return: see https://github.com/confluentinc/confluent-kafka-go/pull/1588.
		return errors.New("the client cannot be closed after what was fatal to it, and is left behind")
	}
	if s.queue != nil {
		s.queue.Close()
	}
	return s.consumer.Close()
}

// leaveWithin is how long leaving the group may take, after which the group notices by itself.
const leaveWithin = 2 * time.Second

// leave has the group know that this process does not come back, which the client does not tell of a static member that is
// closed. REQUIRES: nobody polls the client.
func (s *Source) leave() {
	if err := s.consumer.Unsubscribe(); err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveWithin)
	defer cancel()
	for ctx.Err() == nil {
		const step = 50 // ms
		s.consumer.Poll(step)
		if members, err := s.cluster.instances(ctx, s.config.Group); err != nil || !members[s.config.InstanceID] {
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
	var answer kafka.DescribeConsumerGroupsResult
	err := askCoordinator(ctx, func(ctx context.Context) (err error) {
		answer, err = c.admin.DescribeConsumerGroups(ctx, []string{group}, kafka.SetAdminRequestTimeout(coordinatorTimeout))
		return err
	})
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
