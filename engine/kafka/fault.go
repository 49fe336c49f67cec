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

// insist makes a call until it is refused for good. It gives up when ctx ends, with ctx's error. The log says when it takes
// long, and again as long as it does.
func (o *Outlet) insist(ctx context.Context, doing string, limit time.Duration, call func(timeoutMS int) error) error {
	began := time.Now()
	say := began.Add(quietFor)
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
		if time.Now().After(say) {
			o.cluster.logger.Warn("a transaction waits for the brokers", "for", o.config.Name, "doing", doing,
				"since", time.Since(began).Round(time.Second), "cause", cause.Text)
			say = time.Now().Add(repeatAfter)
		}
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
		return fmt.Errorf("another process runs as this node: it has the transactional id %q too, and brokers let the younger one go on; "+
			"stop one of them, or give each a state directory of its own; if they read files, another --group", o.config.TransactionalID)
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
