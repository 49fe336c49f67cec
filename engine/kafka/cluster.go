package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/kafka/rdkafka"
)

// ErrUnknownTopic is returned for a topic that does not exist.
var ErrUnknownTopic = errors.New("unknown topic")

// Cluster is a Kafka cluster: one producer that all sinks share, and consumers as sources are opened.
type Cluster struct {
	settings Settings
	logger   *slog.Logger
	producer *kafka.Producer
	admin    *kafka.AdminClient
	fast     *rdkafka.Client // nil: use the producer's own calls
	served   sync.WaitGroup

	// refused holds the reason why brokers refuse this client for good, such as a wrong password.
	refused atomic.Pointer[error]
	// undelivered holds the first message that was lost for good.
	undelivered atomic.Pointer[error]
}

// connectTimeout is how long Connect waits for the first broker.
const connectTimeout = 10 * time.Second

// Connect returns when a broker answered. Its error says which brokers did not and why.
func Connect(ctx context.Context, settings Settings, logger *slog.Logger) (*Cluster, error) {
	producer, err := kafka.NewProducer(merge(settings, shared(), producerDefaults()))
	if err != nil {
		return nil, fmt.Errorf("Kafka settings: %w", err)
	}
	c := &Cluster{settings: settings, logger: logger, producer: producer}
	c.served.Go(func() { forwardLogs(producer.Logs(), logger) })
	c.served.Go(c.serveEvents)
	if c.fast, err = rdkafka.For(producer); err != nil {
		logger.Warn("records are produced one by one, which is slower", "cause", err)
	}
	if c.admin, err = kafka.NewAdminClientFromProducer(producer); err == nil {
		err = c.reach(ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// reach asks for metadata until a broker answers.
func (c *Cluster) reach(ctx context.Context) error {
	const step = 500 * time.Millisecond
	deadline := time.Now().Add(connectTimeout)
	for {
		_, err := c.producer.GetMetadata(nil, false, int(step.Milliseconds()))
		if err == nil {
			return nil
		}
		if refused := c.refused.Load(); refused != nil {
			return fmt.Errorf("%s refuse this client: %w; check the security settings (-X security.protocol=..., sasl.mechanism, sasl.username, sasl.password)", c.brokers(), *refused)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no answer from %s within %s: %w; check --brokers, and that the broker runs and speaks the same security.protocol", c.brokers(), connectTimeout, err)
		}
	}
}

func (c *Cluster) brokers() string { return "the brokers at " + c.settings["bootstrap.servers"] }

// serveEvents reads what the producer says until it is closed.
func (c *Cluster) serveEvents() {
	for event := range c.producer.Events() {
		switch e := event.(type) {
		case *kafka.Message:
			if e.TopicPartition.Error != nil {
				err := fmt.Errorf("a record for %s was not delivered: %w", *e.TopicPartition.Topic, e.TopicPartition.Error)
				c.undelivered.CompareAndSwap(nil, &err)
			}
		case kafka.Error:
			c.note(e)
		}
	}
}

func (c *Cluster) note(e kafka.Error) {
	var err error = e
	switch {
	case e.Code() == kafka.ErrAuthentication || e.Code() == kafka.ErrSaslAuthenticationFailed:
		c.refused.CompareAndSwap(nil, &err)
	case e.IsFatal():
		c.undelivered.CompareAndSwap(nil, &err)
	}
	logClientError(c.logger, e)
}

func logClientError(logger *slog.Logger, e kafka.Error) {
	switch e.Code() {
	case kafka.ErrAllBrokersDown:
		logger.Warn("no broker can be reached, waiting", "cause", e.String())
	case kafka.ErrTransport, kafka.ErrResolve:
		logger.Debug(e.String())
	default:
		logger.Warn("kafka: "+e.String(), "code", e.Code().String())
	}
}

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
}

// CreateTopic creates a topic. One that is there already is fine, whatever its settings.
func (c *Cluster) CreateTopic(ctx context.Context, spec TopicSpec) error {
	results, err := c.admin.CreateTopics(ctx, []kafka.TopicSpecification{{
		Topic:             spec.Name,
		NumPartitions:     spec.Partitions,
		ReplicationFactor: -1, // the broker's default
		Config:            map[string]string{"retention.ms": fmt.Sprint(spec.RetentionMS)},
	}}, kafka.SetAdminOperationTimeout(connectTimeout))
	if err != nil {
		return fmt.Errorf("create topic %q: %w", spec.Name, err)
	}
	for _, result := range results {
		if code := result.Error.Code(); code != kafka.ErrNoError && code != kafka.ErrTopicAlreadyExists {
			return fmt.Errorf("create topic %q: %w", spec.Name, result.Error)
		}
	}
	return nil
}

// Close frees everything. Sources must be closed before. What was not flushed may be lost.
func (c *Cluster) Close() {
	if c.admin != nil {
		c.admin.Close()
	}
	c.producer.Close()
	c.served.Wait()
}
