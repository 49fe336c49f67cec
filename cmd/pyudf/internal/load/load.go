// Package load owns how the rows of a file get into a topic, for `pyudf produce`.
//
// It knows no file format and no Kafka, only table.Reader and the sink port.
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/table"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
)

// The size at which rows are handed to the sink.
const (
	maxRows  = 4096
	maxBytes = 1 << 20
)

// errStopped says that ctx ended, which is no failure.
var errStopped = errors.New("stopped")

// Loader carries rows from a file to a sink.
type Loader struct {
	From table.Reader
	To   sink.Sink
	sent atomic.Int64
}

// Sent returns how many records the sink took so far. It may be called from any goroutine.
func (l *Loader) Sent() int64 { return l.sent.Load() }

// Run sends all rows and returns when they are delivered. At the first row that cannot be read or sent it stops with
// a *table.LineError; the rows before it are delivered then. When ctx ends it stops likewise, without an error.
func (l *Loader) Run(ctx context.Context) error {
	failed := l.copyRows(ctx)
	if errors.Is(failed, errStopped) {
		failed = nil
	}
	// What was taken over is delivered even if the user asked to stop.
	if err := l.To.Flush(context.WithoutCancel(ctx)); err != nil {
		return errors.Join(failed, fmt.Errorf("delivering: %w", err))
	}
	return failed
}

func (l *Loader) copyRows(ctx context.Context) error {
	for ctx.Err() == nil {
		pack, last := l.gather()
		if err := l.write(ctx, pack); err != nil {
			return err
		}
		if errors.Is(last, io.EOF) {
			return nil
		}
		if last != nil {
			return last
		}
	}
	return nil
}

// pack is messages and the lines that they come from.
type pack struct {
	messages record.Messages
	lines    []int
}

// gather reads rows until there are enough; last is why no more will come.
func (l *Loader) gather() (p *pack, last error) {
	p = &pack{}
	for len(p.lines) < maxRows && len(p.messages.Values.Data) < maxBytes {
		row, err := l.From.Next()
		if err != nil {
			return p, err
		}
		p.messages.Keys.Append(row.Key)
		p.messages.Values.Append(row.Value)
		p.messages.Times = append(p.messages.Times, row.Time)
		p.lines = append(p.lines, row.Line)
	}
	return p, nil
}

func (l *Loader) write(ctx context.Context, p *pack) error {
	if len(p.lines) == 0 {
		return nil
	}
	rejected, err := l.To.Write(ctx, &p.messages)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return errStopped
	}
	if err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	l.sent.Add(int64(len(p.lines) - len(rejected)))
	if len(rejected) > 0 {
		return &table.LineError{Line: p.lines[rejected[0].Index], Err: rejected[0].Err}
	}
	return nil
}
