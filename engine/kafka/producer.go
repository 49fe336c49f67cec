package kafka

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/kafka/rdkafka"
)

// producer is one client that writes, and what it had to report.
type producer struct {
	client *rdkafka.Producer
	name   string
	logger *slog.Logger
	said   *complaints

	closing chan struct{}
	served  sync.WaitGroup

	// refused holds the reason why brokers refuse this client for good, such as a wrong password.
	refused atomic.Pointer[error]

	mu     sync.Mutex // guards topics
	topics map[*Sink]*rdkafka.Topic
}

func (c *Cluster) newProducer(name string, settings map[string]string) (*producer, error) {
	client, err := rdkafka.NewProducer(settings)
	if err != nil {
		return nil, fmt.Errorf("settings for Kafka: %w", err)
	}
	p := &producer{client: client, name: name, logger: c.logger, said: c.said, closing: make(chan struct{}), topics: map[*Sink]*rdkafka.Topic{}}
	p.served.Go(p.serve)
	return p, nil
}

// serve handles what the client reports until it is closed.
func (p *producer) serve() {
	for {
		event := p.client.Serve(100)
		switch {
		case event == nil:
			select {
			case <-p.closing:
				return
			default:
			}
		case event.Log:
			p.logger.Debug("librdkafka", "line", event.Text, "client", p.name)
		default:
			p.note(event)
		}
	}
}

func (p *producer) note(event *rdkafka.Event) {
	e := kafka.NewError(kafka.ErrorCode(event.Code), event.Text, event.Fatal)
	var err error = e
	switch {
	case e.Code() == kafka.ErrAuthentication || e.Code() == kafka.ErrSaslAuthenticationFailed:
		p.refused.CompareAndSwap(nil, &err)
	case e.IsFatal():
		// Whoever writes next says it.
		p.logger.Debug("kafka reports an error", "error", e.String(), "code", e.Code().String(), "client", p.name)
		return
	}
	p.said.log(e)
}

// topic returns the client's own handle of a sink's topic.
func (p *producer) topic(s *Sink) (*rdkafka.Topic, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if topic := p.topics[s]; topic != nil {
		return topic, nil
	}
	topic, err := p.client.Topic(s.name, s.offsets)
	if err == nil {
		p.topics[s] = topic
	}
	return topic, err
}

// forget frees what topic returned.
func (p *producer) forget(s *Sink) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if topic := p.topics[s]; topic != nil {
		topic.Close()
		delete(p.topics, s)
	}
}

// forgetAll frees all that topic returned.
func (p *producer) forgetAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s, topic := range p.topics {
		topic.Close()
		delete(p.topics, s)
	}
}

// lost returns an error if messages were not delivered and never will be. hopeless tells that they would not be if they
// were written again.
func (p *producer) lost() (hopeless bool, err error) {
	count, topic, code := p.client.Lost()
	if count == 0 {
		return false, nil
	}
	err = fmt.Errorf("%d records were not delivered, the first for topic %q: %s", count, topic, rdkafka.ErrorText(code))
	return isHopeless(kafka.ErrorCode(code)), err
}

// isHopeless tells errors that come again as often as the same is tried.
func isHopeless(code kafka.ErrorCode) bool {
	return slices.Contains([]kafka.ErrorCode{
		kafka.ErrMsgSizeTooLarge, kafka.ErrRecordListTooLarge, kafka.ErrInvalidRecord, kafka.ErrInvalidTimestamp,
		kafka.ErrTopicAuthorizationFailed, kafka.ErrGroupAuthorizationFailed, kafka.ErrClusterAuthorizationFailed,
		kafka.ErrTransactionalIDAuthorizationFailed, kafka.ErrInvalidTransactionTimeout, kafka.ErrUnsupportedVersion,
		kafka.ErrUnknownTopic, kafka.ErrUnknownPartition, kafka.ErrPolicyViolation,
	}, code)
}

// close frees everything. What was not flushed is lost.
func (p *producer) close() {
	close(p.closing)
	p.client.Wake()
	p.served.Wait()
	for _, topic := range p.topics {
		topic.Close()
	}
	p.client.Close()
}
