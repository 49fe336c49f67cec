package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/sink"
)

// Cluster is a Kafka cluster: sources, outlets and logs are opened on it. Its methods may be called from any goroutine.
type Cluster struct {
	settings Settings
	logger   *slog.Logger
	said     *complaints
	// writer is the outlet of OpenSink. Its producer also tells what the brokers hold against this client.
	writer  *Outlet
	admin   *kafka.AdminClient
	closing chan struct{}
	served  sync.WaitGroup
	parking parking
}

// connectTimeout is how long Connect waits for the first broker.
const connectTimeout = 10 * time.Second

// Connect returns when a broker answered. Its error says which brokers did not and why.
func Connect(ctx context.Context, settings Settings, logger *slog.Logger) (*Cluster, error) {
	c := &Cluster{settings: settings, logger: logger, said: &complaints{logger: logger}, closing: make(chan struct{})}
	c.said.quiet.Store(true)
	defer c.said.quiet.Store(false)
	var err error
	if c.writer, err = c.OpenOutlet(ctx, OutletConfig{Name: "producer"}); err != nil {
		return nil, err
	}
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
		if refused := c.writer.producer.refused.Load(); refused != nil {
			return fmt.Errorf("%s refuse this client: %w; check the security settings (-X security.protocol=..., sasl.mechanism, sasl.username, sasl.password)", c.brokers(), *refused)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no answer from %s within %s: %w; check --brokers, and that the broker runs and speaks the same security.protocol; `pyudf dev` starts one on this machine", c.brokers(), connectTimeout, err)
		}
	}
}

func (c *Cluster) brokers() string { return "the brokers at " + c.settings["bootstrap.servers"] }

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

// OpenSink returns a sink for a topic that delivers at least once. REQUIRES: the topic exists, or was just created.
func (c *Cluster) OpenSink(ctx context.Context, topic string) (sink.Sink, error) {
	return c.writer.OpenSink(ctx, topic)
}

// Close frees everything. Sources, outlets and sinks must be closed before. What was not flushed may be lost.
func (c *Cluster) Close() {
	if err := c.parking.clear(func(string) bool { return true }); err != nil {
		c.logger.Debug("what was kept for another run did not close cleanly", "cause", err)
	}
	close(c.closing)
	c.served.Wait()
	if c.admin != nil {
		c.admin.Close()
	}
	_ = c.writer.Close()
}
