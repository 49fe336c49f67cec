package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// DeleteTopics deletes those of the topics that there are, with all that is in them, and returns when the cluster knows them no
// more.
func (c *Cluster) DeleteTopics(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	results, err := c.admin.DeleteTopics(ctx, names, kafka.SetAdminOperationTimeout(connectTimeout), kafka.SetAdminRequestTimeout(connectTimeout))
	if err != nil {
		return fmt.Errorf("delete the topics %q: %w", names, err)
	}
	var faults []error
	for _, result := range results {
		switch result.Error.Code() {
		case kafka.ErrNoError:
			faults = append(faults, c.awaitNoTopic(ctx, result.Topic))
		case kafka.ErrUnknownTopicOrPart, kafka.ErrUnknownTopic:
		case kafka.ErrTopicAuthorizationFailed:
			faults = append(faults, fmt.Errorf("delete topic %q: %w; allow this user the operation Delete on it", result.Topic, result.Error))
		default:
			faults = append(faults, fmt.Errorf("delete topic %q: %w", result.Topic, result.Error))
		}
	}
	return errors.Join(faults...)
}

// awaitNoTopic returns when the cluster has forgotten a topic that was deleted.
func (c *Cluster) awaitNoTopic(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		_, err := c.Topic(ctx, name)
		if errors.Is(err, ErrUnknownTopic) {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("delete topic %q: it is still there after %s", name, connectTimeout)
		}
	}
}

// DeleteGroups forgets those of the groups that there are, and their positions. One with members stays, and is an error.
func (c *Cluster) DeleteGroups(ctx context.Context, names []string) error {
	var faults []error
	for _, name := range names {
		err := settled(ctx, func(ctx context.Context) error { return c.deleteGroup(ctx, name) })
		if err != nil {
			faults = append(faults, fmt.Errorf("delete group %q: %w", name, err))
		}
	}
	return errors.Join(faults...)
}

func (c *Cluster) deleteGroup(ctx context.Context, name string) error {
	var answer kafka.DeleteConsumerGroupsResult
	err := askCoordinator(ctx, func(ctx context.Context) (err error) {
		answer, err = c.admin.DeleteConsumerGroups(ctx, []string{name}, kafka.SetAdminRequestTimeout(coordinatorTimeout))
		return err
	})
	if err == nil && len(answer.ConsumerGroupResults) == 1 && answer.ConsumerGroupResults[0].Error.Code() != kafka.ErrNoError {
		err = answer.ConsumerGroupResults[0].Error
	}
	e, _ := errors.AsType[kafka.Error](err)
	switch e.Code() {
	case kafka.ErrGroupIDNotFound:
		return nil
	case kafka.ErrNonEmptyGroup:
		return fmt.Errorf("somebody still reads with it: %w; stop that, or wait a minute if it has crashed", err)
	default:
		return err
	}
}
