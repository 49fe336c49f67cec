package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/kafka/rdkafka"
	"github.com/pyudf/pyudf/engine/sink"
)

// ErrFenced is wrapped by errors of an outlet that brokers do not let go on, as a younger one has its transactional id.
var ErrFenced = errors.New("brokers let the younger one go on")

// insist makes a call until it is refused for good. It gives up when ctx ends, with ctx's error. The log says when it takes
// long, and again as long as it does.
func (o *Outlet) insist(ctx context.Context, doing string, limit time.Duration, call func(timeoutMS int) error) error {
	waits := waiting(o.cluster.logger.With("for", o.config.Name, "doing", doing))
	defer waits.end()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := call(int(limit.Milliseconds()))
		cause, ok := errors.AsType[*rdkafka.Error](err)
		if !ok || !cause.Retriable {
			return err
		}
		waits.refused(cause)
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
}

// failure returns what makes it useless to go on writing.
func (o *Outlet) failure() error {
	if fatal := o.producer.client.FatalError(); fatal != nil {
		return o.fault("write", fatal)
	}
	if _, lost := o.producer.lost(); lost != nil {
		return o.fault("write", &rdkafka.Error{Text: "messages failed", Abortable: true})
	}
	return nil
}

// fault returns what an error of the client's means to the engine: it wraps sink.ErrAborted if the outlet is to be opened anew,
// and what was written in the transaction is to be written again.
func (o *Outlet) fault(doing string, err error) error {
	if err == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.judge(doing, err)
}

// judge is fault. REQUIRES: mu is held.
func (o *Outlet) judge(doing string, err error) error {
	o.failed = true
	cause, ok := errors.AsType[*rdkafka.Error](err)
	if fatal := o.producer.client.FatalError(); ok && fatal != nil {
		cause, err = fatal, fatal
	}
	hopeless, lost := o.producer.lost()
	if ok && lost != nil && !cause.Fatal {
		err = lost
	}
	switch {
	case !o.transactional() || hopeless || ok && isHopeless(kafka.ErrorCode(cause.Code)):
		return fmt.Errorf("%s: %w", doing, err)
	case ok && isFenced(cause) && o.displaced():
		return fmt.Errorf("another process runs as this node: it has the transactional id %q too, and %w; "+
			"stop one of them, or give each a state directory of its own; if they read files, another --group", o.config.TransactionalID, ErrFenced)
	case ok, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w: %w", doing, sink.ErrAborted, err)
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}

func isFenced(cause *rdkafka.Error) bool {
	return slices.Contains([]kafka.ErrorCode{kafka.ErrFenced, kafka.ErrProducerFenced, kafka.ErrInvalidProducerEpoch}, kafka.ErrorCode(cause.Code))
}

// displaced tells, of a producer that brokers do not let go on, whether that is because of another with its transactional id.
// Brokers do the same to one whose transaction has timed out, which a younger one cannot have, and to one that does not know
// whether its commit was done. REQUIRES: mu is held.
func (o *Outlet) displaced() bool {
	return !o.committing && !o.begun.IsZero() && time.Since(o.begun) < o.config.TransactionTimeout
}

// report takes an error of the client's. Only one that ends the reading waits for Poll, so that the client is served while the
// engine waits for brokers.
func (s *Source) report(e kafka.Error) {
	if e.IsFatal() {
		s.send(e)
	} else {
		s.cluster.said.log(e)
	}
}

// fatal says why the client cannot go on. After brokers were away for longer than a session the client has no member id any
// more, and may fence itself by a heartbeat without one, as in https://github.com/confluentinc/librdkafka/issues/3437.
func (s *Source) fatal(e kafka.Error) error {
	fenced := e.Code() == kafka.ErrFencedInstanceID
	if fenced && s.fast != nil && s.fast.MemberID() == "" {
		return fmt.Errorf("%w: the brokers did not hear of this process for longer than session.timeout.ms, so it joins group %q anew", sink.ErrAborted, s.config.Group)
	}
	if fenced {
		return fmt.Errorf("another process runs as this node: it reads topic %q with the group.instance.id %q too, and brokers let the younger one go on; "+
			"stop one of them, or give each a state directory of its own", s.config.Topic, s.config.InstanceID)
	}
	return fmt.Errorf("read topic %q: %w", s.config.Topic, e)
}
