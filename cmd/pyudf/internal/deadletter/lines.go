package deadletter

import (
	"context"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/tail"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
)

// Lines returns a sink that puts each dead letter whole into a file of JSON lines: a file has no place for the headers
// that say why a record is there, so they become part of the line.
func Lines(file sink.Sink) sink.Sink { return lines{file} }

type lines struct {
	sink.Sink
}

// Write implements sink.Sink.
func (l lines) Write(ctx context.Context, messages *record.Messages) ([]sink.Rejected, error) {
	out := record.Messages{Times: messages.Times}
	for i := range messages.Len() {
		out.Keys.Append(nil)
		out.Values.Append(tail.Message(messages, i))
	}
	return l.Sink.Write(ctx, &out)
}
