package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
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
	events   *complaints
	producer *rdkafka.Producer
	admin    *kafka.AdminClient
	closing  chan struct{}
	served   sync.WaitGroup

	// refused holds the reason why brokers refuse this client for good, such as a wrong password.
	refused atomic.Pointer[error]
	// fatal holds an error after which the producer is of no use.
	fatal atomic.Pointer[error]
}

// connectTimeout is how long Connect waits for the first broker.
const connectTimeout = 10 * time.Second

// Connect returns when a broker answered. Its error says which brokers did not and why.
func Connect(ctx context.Context, settings Settings, logger *slog.Logger) (*Cluster, error) {
	producer, err := rdkafka.NewProducer(merge(settings, shared(), producerDefaults()))
	if err != nil {
		return nil, fmt.Errorf("settings for Kafka: %w", err)
	}
	c := &Cluster{settings: settings, logger: logger, events: &complaints{logger: logger}, producer: producer, closing: make(chan struct{})}
	c.events.quiet.Store(true)
	defer c.events.quiet.Store(false)
	c.served.Go(c.serve)
	if c.admin, err = kafka.NewAdminClient(configMap(merge(settings, shared()))); err != nil {
		err = fmt.Errorf("settings for Kafka: %w", err)
	} else {
		c.served.Go(func() { c.serveAdmin(c.admin.Logs()) })
		err = c.reach(ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// serveAdmin forwards the admin client's log lines; the client never closes their channel.
func (c *Cluster) serveAdmin(logs <-chan kafka.LogEvent) {
	for {
		select {
		case line := <-logs:
			debug(c.logger, line)
		case <-c.closing:
			return
		}
	}
}

// reach asks for metadata until a broker answers.
func (c *Cluster) reach(ctx context.Context) error {
	const step = 500 * time.Millisecond
	deadline := time.Now().Add(connectTimeout)
	for {
		_, err := c.admin.GetMetadata(nil, false, int(step.Milliseconds()))
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

// serve handles what the producer reports until the cluster is closed.
func (c *Cluster) serve() {
	for {
		event := c.producer.Serve(100)
		switch {
		case event == nil:
			select {
			case <-c.closing:
				return
			default:
			}
		case event.Log:
			c.logger.Debug("librdkafka", "line", event.Text, "client", "producer")
		default:
			c.note(event)
		}
	}
}

func (c *Cluster) note(event *rdkafka.Event) {
	e := kafka.NewError(kafka.ErrorCode(event.Code), event.Text, event.Fatal)
	var err error = e
	switch {
	case e.Code() == kafka.ErrAuthentication || e.Code() == kafka.ErrSaslAuthenticationFailed:
		c.refused.CompareAndSwap(nil, &err)
	case e.IsFatal():
		c.fatal.CompareAndSwap(nil, &err)
	}
	c.events.log(e)
}

// failure returns what makes it useless to go on writing.
func (c *Cluster) failure() error {
	if err := c.fatal.Load(); err != nil {
		return fmt.Errorf("the producer cannot go on: %w", *err)
	}
	if count, topic, code := c.producer.Lost(); count > 0 {
		return fmt.Errorf("%d records were not delivered, the first for topic %q: %s", count, topic, rdkafka.ErrorText(code))
	}
	return nil
}

// complaints writes what a client reports to the log, in words for people.
type complaints struct {
	logger *slog.Logger
	// quiet keeps the complaints from people as long as somebody waits for the connection and will say more.
	quiet atomic.Bool
	mu    sync.Mutex
	down  time.Time // when it was last said that no broker is there; guarded by mu
}

// repeatAfter is how often it is said that brokers are away.
const repeatAfter = 10 * time.Second

func (l *complaints) log(e kafka.Error) {
	down := e.Code() == kafka.ErrAllBrokersDown
	switch {
	case l.quiet.Load() || e.Code() == kafka.ErrTransport || e.Code() == kafka.ErrResolve || down && !l.due():
		l.logger.Debug("kafka reports an error", "error", e.String(), "code", e.Code().String())
	case down:
		l.logger.Warn("no broker can be reached, waiting for one to come back", "cause", e.String())
	default:
		l.logger.Warn("kafka reports an error", "error", e.String(), "code", e.Code().String())
	}
}

func (l *complaints) due() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.down) < repeatAfter {
		return false
	}
	l.down = now
	return true
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

// ID returns the name that the cluster has for itself.
func (c *Cluster) ID(ctx context.Context) (string, error) {
	result, err := c.admin.DescribeCluster(ctx, kafka.SetAdminRequestTimeout(connectTimeout))
	if err != nil {
		return "", fmt.Errorf("ask %s for the cluster's id: %w", c.brokers(), err)
	}
	if result.ClusterID == nil {
		return "", fmt.Errorf("%s do not say which cluster they are", c.brokers())
	}
	return *result.ClusterID, nil
}

// CreateTopic creates a topic and returns when the cluster knows it, which takes a moment. One that is there already is
// fine, whatever its settings.
func (c *Cluster) CreateTopic(ctx context.Context, spec TopicSpec) error {
	results, err := c.admin.CreateTopics(ctx, []kafka.TopicSpecification{{
		Topic:             spec.Name,
		NumPartitions:     spec.Partitions,
		ReplicationFactor: -1, // the broker's default
		Config:            map[string]string{"retention.ms": strconv.FormatInt(spec.RetentionMS, 10)},
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

// Close frees everything. Sources and sinks must be closed before. What was not flushed may be lost.
func (c *Cluster) Close() {
	close(c.closing)
	c.served.Wait()
	if c.admin != nil {
		c.admin.Close()
	}
	c.producer.Close()
}
