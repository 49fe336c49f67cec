package supervise

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"time"

	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// kept is how many lines of a deployment a node remembers.
const kept = 1000

// journal remembers the last lines that were logged for a deployment.
type journal struct {
	node string
	// writers are who may write: the keeper, and changes under way. The node's mu guards it.
	writers int

	mu    sync.Mutex // guards the rest
	lines []*controlv1.LogsResponse
	// total counts all lines ever; more is closed when there is another, and replaced.
	total int
	more  chan struct{}
}

func newJournal(node string) *journal { return &journal{node: node, more: make(chan struct{})} }

// Write implements io.Writer for a handler that writes a line at a time.
func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.lines) == kept {
		j.lines = append(j.lines[:0], j.lines[1:]...)
	}
	j.lines = append(j.lines, &controlv1.LogsResponse{Node: j.node, TimeMs: time.Now().UnixMilli(), Line: string(bytes.TrimRight(line, "\n"))})
	j.total++
	close(j.more)
	j.more = make(chan struct{})
	return len(line), nil
}

// since returns the lines from a number on, and the number of the next one. A negative number counts from the end.
func (j *journal) since(number int) (lines []*controlv1.LogsResponse, next int, more <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	first := j.total - len(j.lines)
	if number < 0 {
		number = j.total + number
	}
	number = max(number, first)
	return append(lines, j.lines[number-first:]...), j.total, j.more
}

// follow gives the last lines, and those that come until ctx ends if that is wanted.
func (j *journal) follow(ctx context.Context, last int, on bool, emit func(*controlv1.LogsResponse) error) error {
	lines, next, more := j.since(-last)
	for {
		for _, line := range lines {
			if err := emit(line); err != nil {
				return err
			}
		}
		if !on {
			return nil
		}
		select {
		case <-more:
			lines, next, more = j.since(next)
		case <-ctx.Done():
			return nil
		}
	}
}

// both logs to two handlers.
type both [2]slog.Handler

// tee returns a logger that writes to a journal too.
func tee(to *slog.Logger, j *journal, level slog.Leveler) *slog.Logger {
	return slog.New(both{to.Handler(), slog.NewJSONHandler(j, &slog.HandlerOptions{Level: level})})
}

func (b both) Enabled(ctx context.Context, level slog.Level) bool {
	return b[0].Enabled(ctx, level) || b[1].Enabled(ctx, level)
}

func (b both) Handle(ctx context.Context, r slog.Record) error {
	for _, h := range b {
		if h.Enabled(ctx, r.Level) {
			if err := h.Handle(ctx, r.Clone()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b both) WithAttrs(attrs []slog.Attr) slog.Handler {
	return both{b[0].WithAttrs(attrs), b[1].WithAttrs(attrs)}
}

func (b both) WithGroup(name string) slog.Handler {
	return both{b[0].WithGroup(name), b[1].WithGroup(name)}
}
