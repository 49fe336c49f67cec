package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// moments knows when each record of a topic counts as written.
type moments interface {
	// each is called once, when the topic has all records.
	each(do func(value []byte, at time.Time) error) error
	close()
}

// appended goes by the time at which the broker took a record, which it stamps on the record. That is what counts without
// transactions: whoever reads may have it then.
func appended(ctx context.Context, s *stage, topic string) (moments, error) {
	return appends{func(do func(value []byte, at time.Time) error) error {
		return s.each(ctx, topic, func(m *kafka.Message) error { return do(m.Value, m.Timestamp) })
	}}, nil
}

type appends struct {
	read func(do func(value []byte, at time.Time) error) error
}

func (a appends) each(do func(value []byte, at time.Time) error) error { return a.read(do) }

func (a appends) close() {}

// received goes by the time at which a consumer of committed records is given a record, which reads along: a record in a
// transaction has its append time long before anybody may have it.
func received(_ context.Context, s *stage, topic string) (moments, error) {
	consumer, err := s.reader(topic, offsets{})
	if err != nil {
		return nil, err
	}
	l := &listener{consumer: consumer, over: make(chan struct{}), heard: make(chan struct{})}
	l.end = sync.OnceFunc(func() { close(l.over) })
	go l.listen()
	return l, nil
}

// listener reads along, in a goroutine of its own. It only notes what comes, and looks at nothing before the end.
type listener struct {
	consumer *kafka.Consumer
	end      func()        // closes over
	over     chan struct{} // closed when no more records come into the topic
	heard    chan struct{} // closed when all of them have been received; then the rest may be used
	arrivals []arrival
	fault    error
}

type arrival struct {
	value []byte
	at    time.Time
}

func (l *listener) listen() {
	defer close(l.heard)
	for l.fault == nil {
		switch event := l.consumer.Poll(int(quiet.Milliseconds())).(type) {
		case *kafka.Message:
			l.arrivals = append(l.arrivals, arrival{event.Value, time.Now()})
		case kafka.Error:
			l.fault = fmt.Errorf("read along: %w", event)
		case nil: // quiet for a while
			select {
			case <-l.over:
				return
			default:
			}
		}
	}
}

func (l *listener) each(do func(value []byte, at time.Time) error) error {
	l.end()
	<-l.heard
	for _, a := range l.arrivals {
		if err := do(a.value, a.at); err != nil {
			return err
		}
	}
	return l.fault
}

func (l *listener) close() {
	l.end()
	<-l.heard
	_ = l.consumer.Close() // all that was wanted has been read
}
