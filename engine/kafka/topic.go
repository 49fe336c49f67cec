package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// ErrUnknownTopic is returned for a topic that does not exist.
var ErrUnknownTopic = errors.New("unknown topic")

// TopicInfo is what Topic knows of a topic.
type TopicInfo struct {
	Name       string
	Partitions int
}

// Topic returns a topic's description, or an error that wraps ErrUnknownTopic.
func (c *Cluster) Topic(ctx context.Context, name string) (TopicInfo, error) {
	result, err := c.admin.DescribeTopics(ctx, kafka.NewTopicCollectionOfTopicNames([]string{name}), kafka.SetAdminRequestTimeout(connectTimeout))
	if err != nil {
		return TopicInfo{}, fmt.Errorf("ask for topic %q: %w", name, err)
	}
	for _, topic := range result.TopicDescriptions {
		switch topic.Error.Code() {
		case kafka.ErrNoError:
			return TopicInfo{Name: name, Partitions: len(topic.Partitions)}, nil
		case kafka.ErrUnknownTopicOrPart, kafka.ErrUnknownTopic:
			return TopicInfo{}, fmt.Errorf("%w %q on %s", ErrUnknownTopic, name, c.brokers())
		default:
			return TopicInfo{}, fmt.Errorf("ask for topic %q: %w", name, topic.Error)
		}
	}
	return TopicInfo{}, fmt.Errorf("ask for topic %q: the broker said nothing of it", name)
}

// TopicSpec is a topic to create.
type TopicSpec struct {
	Name       string
	Partitions int
	// RetentionMS is how long the topic keeps its records, by their timestamps; -1 without limit.
	RetentionMS int64
	// MaxMessageBytes is how large a batch of records may be; 0: the broker's own limit.
	MaxMessageBytes int
}

// CreateTopic creates a topic and returns when the cluster knows it, which takes a moment. One that is there already is
// fine, whatever its settings.
func (c *Cluster) CreateTopic(ctx context.Context, spec TopicSpec) error {
	config := map[string]string{"retention.ms": strconv.FormatInt(spec.RetentionMS, 10)}
	if spec.MaxMessageBytes > 0 {
		config["max.message.bytes"] = strconv.Itoa(spec.MaxMessageBytes)
	}
	results, err := c.admin.CreateTopics(ctx, []kafka.TopicSpecification{{
		Topic:             spec.Name,
		NumPartitions:     spec.Partitions,
		ReplicationFactor: -1, // the broker's default
		Config:            config,
	}}, kafka.SetAdminOperationTimeout(connectTimeout))
	if err != nil {
		return fmt.Errorf("create topic %q: %w", spec.Name, err)
	}
	for _, result := range results {
		if code := result.Error.Code(); code != kafka.ErrNoError && code != kafka.ErrTopicAlreadyExists {
			return fmt.Errorf("create topic %q: %w", spec.Name, result.Error)
		}
	}
	return c.awaitTopic(ctx, spec.Name)
}

// awaitTopic returns when the cluster has heard of a topic that was created.
func (c *Cluster) awaitTopic(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		_, err := c.Topic(ctx, name)
		if !errors.Is(err, ErrUnknownTopic) {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return err
		}
	}
}
