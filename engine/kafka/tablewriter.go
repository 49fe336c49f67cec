package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/kafka/rdkafka"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
)

// TableWriter writes to a table. One goroutine calls it. After an error it is of no more use.
type TableWriter struct {
	table  *Table
	outlet *Outlet
	to     sink.Sink
}

// OpenWriter returns a writer whose records are there one by one, at least once.
func (t *Table) OpenWriter(ctx context.Context) (*TableWriter, error) {
	return t.open(ctx, OutletConfig{Name: t.at.Topic})
}

// fencedFor is how long what a writer with an id has begun may keep readers waiting once its process is gone; brokers look for
// such transactions every 10 s, unless they are set to do it more often.
const fencedFor = 5 * time.Second

// Fence returns a writer whose records are there with Commit, all or none. It ends what other writers with the id have begun,
// and keeps them from going on: their errors wrap ErrFenced, or sink.ErrAborted if brokers do not say why.
func (t *Table) Fence(ctx context.Context, id string) (*TableWriter, error) {
	w, err := t.open(ctx, OutletConfig{Name: t.at.Topic, TransactionalID: id, TransactionTimeout: fencedFor})
	cause, ok := errors.AsType[*rdkafka.Error](err)
	switch {
	case ok && isFenced(cause):
		return nil, fmt.Errorf("%w: %w", ErrFenced, err)
	case ok && kafka.ErrorCode(cause.Code) == kafka.ErrTransactionalIDAuthorizationFailed:
		return nil, fmt.Errorf("%w; allow this user the operations Describe and Write on the transactional id %q", err, id)
	default:
		return w, err
	}
}

func (t *Table) open(ctx context.Context, config OutletConfig) (*TableWriter, error) {
	outlet, err := t.cluster.OpenOutlet(ctx, config)
	if err != nil {
		return nil, err
	}
	to, err := outlet.OpenSink(ctx, t.at.Topic)
	if err != nil {
		return nil, errors.Join(err, outlet.Close())
	}
	return &TableWriter{table: t, outlet: outlet, to: to}, nil
}

// Put takes a record over; a nil value ends what the key has. Headers may be nil.
func (w *TableWriter) Put(ctx context.Context, key string, value []byte, headers []record.Header) error {
	messages := &record.Messages{Times: []int64{-1}, Partitions: []int32{w.table.at.Index}}
	messages.Keys.Append([]byte(key))
	messages.Values.Append(value)
	if headers != nil {
		messages.Headers = [][]record.Header{headers}
	}
	rejected, err := w.to.Write(ctx, messages)
	if err == nil && len(rejected) > 0 {
		err = rejected[0].Err
	}
	return err
}

// Flush returns when all that was put is in the topic, be it in the open transaction.
func (w *TableWriter) Flush(ctx context.Context) error { return w.to.Flush(ctx) }

// Commit makes what was put visible. If its error wraps sink.ErrAborted it may be that it did. REQUIRES: the writer is of Fence.
func (w *TableWriter) Commit(ctx context.Context) error { return w.outlet.Deliver(ctx, nil) }

// Close frees everything. What was not flushed or committed is dropped.
func (w *TableWriter) Close() error { return errors.Join(w.to.Close(), w.outlet.Close()) }
