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
	// Compacted: of each key the last record stays for good, and the others go after a while. RetentionMS says nothing then.
	Compacted bool
}

// settings are what the topic is created with.
func (s TopicSpec) settings() map[string]string {
	settings := map[string]string{}
	if s.Compacted {
		// What was superseded goes when its segment is complete. Smaller segments than these are refused by some clouds.
		settings["cleanup.policy"] = "compact"
		settings["segment.bytes"] = strconv.Itoa(50 << 20)
		settings["segment.ms"] = strconv.FormatInt((4 * time.Hour).Milliseconds(), 10)
	} else {
		settings["retention.ms"] = strconv.FormatInt(s.RetentionMS, 10)
	}
	if s.MaxMessageBytes > 0 {
		settings["max.message.bytes"] = strconv.Itoa(s.MaxMessageBytes)
	}
	return settings
}

// CreateTopic creates a topic and returns when the cluster knows it, which takes a moment. One that is there already is
// fine, whatever its settings.
func (c *Cluster) CreateTopic(ctx context.Context, spec TopicSpec) error {
	results, err := c.admin.CreateTopics(ctx, []kafka.TopicSpecification{{
		Topic:             spec.Name,
		NumPartitions:     spec.Partitions,
		ReplicationFactor: -1, // the broker's default
		Config:            spec.settings(),
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

// TopicSettings returns the settings that a topic has, its own and the brokers' defaults, by their names.
func (c *Cluster) TopicSettings(ctx context.Context, name string) (map[string]string, error) {
	of := []kafka.ConfigResource{{Type: kafka.ResourceTopic, Name: name}}
	results, err := c.admin.DescribeConfigs(ctx, of, kafka.SetAdminRequestTimeout(connectTimeout))
	if err == nil && results[0].Error.Code() != kafka.ErrNoError {
		err = results[0].Error
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the settings of topic %q: %w", name, err)
	}
	settings := map[string]string{}
	for key, entry := range results[0].Config {
		settings[key] = entry.Value
	}
	return settings, nil
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
