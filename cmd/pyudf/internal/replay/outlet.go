package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// outlet is where one stage writes.
type outlet struct {
	run   *run
	stage string
}

var _ engine.Outlet = (*outlet)(nil)

// results are those of all stages, by topic and by the place of the stage in the plan.
type results struct {
	directory string
	raw       []string
	stages    []string

	mu      sync.Mutex // guards what follows
	byName  map[string][]*result
	created int
}

func newResults(job *Job, compiled *plan.Plan) *results {
	r := &results{directory: job.Directory, raw: job.Raw, byName: map[string][]*result{}}
	for _, source := range compiled.Sources {
		r.stages = append(r.stages, source.Name)
	}
	return r
}

// open opens what a stage writes to a topic.
func (r *results) open(stage, topic string) (*result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.byName[topic]
	if all == nil {
		all = make([]*result, len(r.stages))
		r.byName[topic] = all
	}
	at := slices.Index(r.stages, stage)
	if all[at] == nil {
		path := filepath.Join(r.directory, fmt.Sprintf("result-%d", r.created))
		r.created++
		created, err := createResult(path)
		if err != nil {
			return nil, err
		}
		created.raw = r.raw
		all[at] = created
	}
	return all[at], nil
}

// Output is what came out of a topic: files of chunks, one behind the other.
type Output struct {
	Records int      `json:"records"`
	Files   []string `json:"files"`
}

func (r *results) outputs() map[string]Output {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]Output{}
	for name, all := range r.byName {
		o := Output{Files: []string{}}
		for _, part := range all {
			if part != nil {
				o.Records += part.records
				o.Files = append(o.Files, part.path)
			}
		}
		out[name] = o
	}
	return out
}

// OpenSink implements engine.Outlet.
func (o *outlet) OpenSink(_ context.Context, to *planv1.To) (sink.Sink, error) {
	name := plan.SinkName(to)
	opened, err := o.run.results.open(o.stage, name)
	if err != nil {
		return nil, err
	}
	if slices.Contains(o.run.names.Late, name) {
		opened.told = told
	} else if input := o.run.job.input(o.stage); input != nil {
		opened.lean = input.Lean
	}
	return opened, nil
}

// OpenDeadLetters implements engine.Outlet.
func (o *outlet) OpenDeadLetters(context.Context) (sink.Sink, error) {
	opened, err := o.run.results.open(o.stage, o.run.names.Dead)
	if err != nil {
		return nil, err
	}
	opened.told = letter
	return opened, nil
}

// OpenHop implements engine.Outlet.
func (o *outlet) OpenHop(context.Context, string) (sink.Sink, error) {
	return nil, errors.New("hops of a replay lead through memory")
}

// OpenChangelog implements engine.Outlet.
func (o *outlet) OpenChangelog(context.Context, string, int) (sink.Log, error) {
	return nil, errors.New("the state of a replay is in memory, and needs no changelog")
}

// Deliver implements sink.Outlet: what is written is there.
func (o *outlet) Deliver(context.Context, []sink.Read) error { return nil }

// Acknowledge implements sink.Outlet.
func (o *outlet) Acknowledge(context.Context, []sink.Read) error { return nil }

// Close implements sink.Outlet.
func (o *outlet) Close() error { return nil }

// told returns a record with what its headers say of it, numbers as such.
func told(messages *record.Messages, row int) []byte {
	value := bytes.TrimRight(messages.Values.At(row), " \t\r\n")
	if len(value) < 2 || value[len(value)-1] != '}' {
		return value
	}
	dst := append([]byte{}, value[:len(value)-1]...)
	some := len(bytes.TrimSpace(dst)) > 1
	for _, h := range messages.Headers[row] {
		dst = member(dst, h.Key, h.Value, some)
		some = true
	}
	return append(dst, '}')
}

// letter returns what the headers of a dead letter say, and its value as text.
func letter(messages *record.Messages, row int) []byte {
	dst := []byte{'{'}
	for i, h := range messages.Headers[row] {
		dst = member(dst, h.Key, h.Value, i > 0)
	}
	dst = append(codec.AppendString(append(dst, ','), []byte("value")), ':')
	if messages.Values.IsNull(row) {
		dst = append(dst, "null"...)
	} else {
		dst = codec.AppendString(dst, messages.Values.At(row))
	}
	return append(dst, '}')
}

func member(dst []byte, name string, value []byte, more bool) []byte {
	if more {
		dst = append(dst, ',')
	}
	dst = append(codec.AppendString(dst, []byte(name)), ':')
	if codec.IsNumber(value) {
		return append(dst, value...)
	}
	return codec.AppendString(dst, value)
}
