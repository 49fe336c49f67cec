package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/harness"
	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/exchange/local"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/source/bounded"
	"github.com/pyudf/pyudf/engine/source/file"
	"github.com/pyudf/pyudf/engine/step"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Config is what a replay needs.
type Config struct {
	Plan   *planv1.Plan
	Job    *Job
	Start  dispatch.Start
	Logger *slog.Logger
	// OpenSlice opens slices of topics.
	OpenSlice OpenSlice
}

// run is a replay under way.
type run struct {
	job     *Job
	names   harness.Names
	results *results
	config  Config
	// read counts the records of each source that were read.
	read map[string]*atomic.Int64
}

// Outcome is how a replay ended.
type Outcome struct {
	// Outputs are what came out, by topic; late records and dead letters too.
	Outputs map[string]Output `json:"outputs"`
	Names   harness.Names     `json:"names"`
	// Read are the records of each source.
	Read map[string]int64 `json:"read"`
	// Raised is the record that ended the run, if a function raised.
	Raised *Raised `json:"raised,omitempty"`
}

// Raised is what a function raised, and for which record.
type Raised struct {
	Source    string `json:"source"`
	Row       int64  `json:"row"`
	Step      string `json:"step"`
	Function  string `json:"function"`
	Exception string `json:"exception"`
	Message   string `json:"message"`
	Traceback string `json:"traceback"`
}

// Run does a job. Progress is told from time to time how many records of each source were read.
func Run(ctx context.Context, config Config, progress func(read map[string]int64)) (*Outcome, error) {
	prepared, err := config.Job.prepared(config.Plan)
	if err != nil {
		return nil, err
	}
	compiled, err := plan.Compile(prepared)
	if err != nil {
		return nil, err
	}
	r := &run{
		job: config.Job, config: config, names: harness.NamesOf(prepared, compiled),
		results: newResults(config.Job, compiled), read: map[string]*atomic.Int64{},
	}
	for _, name := range r.names.Inputs {
		r.read[name] = &atomic.Int64{}
	}
	done := make(chan struct{})
	told := make(chan struct{})
	go func() {
		defer close(told)
		r.tell(progress, done)
	}()
	err = engine.Run(ctx, r.engine(prepared))
	close(done)
	<-told
	if stop, ok := errors.AsType[*step.StopError](err); ok {
		return r.outcome(raisedBy(stop)), nil
	}
	if err != nil {
		return nil, err
	}
	return r.outcome(nil), ctx.Err()
}

// never is longer than any run.
const never = 1 << 62

func (r *run) engine(prepared *planv1.Plan) engine.Config {
	began := time.Now()
	return engine.Config{
		Plan: prepared, OpenSource: r.openSource,
		OpenOutlet: func(_ context.Context, name string) (engine.Outlet, error) { return &outlet{run: r, stage: name}, nil },
		OpenHop: func(_ context.Context, to engine.HopTo) (engine.Hop, error) {
			hop := local.New(to.Stage, 1)
			return engine.Hop{Source: hop.Source(), Sink: hop.Sink(), Partitions: 1, Queue: hop}, nil
		},
		Partitions: func(context.Context, *planv1.Source) (int, error) { return 1, nil },
		Flush:      r.job.Flush, Bounded: true, Start: r.config.Start, CommitInterval: never,
		Now:     func() time.Time { return began },
		Metrics: metrics.New(prometheus.NewRegistry()), Logger: r.config.Logger,
	}
}

func raisedBy(stop *step.StopError) *Raised {
	return &Raised{
		Source: stop.Partition.Topic, Row: stop.Offset, Step: stop.Letter.Step, Function: stop.Letter.Function,
		Exception: stop.Letter.Exception, Message: stop.Letter.Message, Traceback: stop.Letter.Traceback,
	}
}

func (r *run) outcome(raised *Raised) *Outcome {
	return &Outcome{Outputs: r.results.outputs(), Names: r.names, Read: r.counts(), Raised: raised}
}

func (r *run) counts() map[string]int64 {
	counts := map[string]int64{}
	for name, n := range r.read {
		counts[name] = n.Load()
	}
	return counts
}

const progressInterval = 100 * time.Millisecond

func (r *run) tell(progress func(map[string]int64), done <-chan struct{}) {
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			progress(r.counts())
		}
	}
}

func (r *run) openSource(ctx context.Context, from *planv1.Source) (source.Source, error) {
	name := plan.SourceName(from)
	partition := record.Partition{Topic: name}
	reader, err := r.reader(ctx, r.job.input(name), from, partition)
	if err != nil {
		return nil, err
	}
	return bounded.New(partition, &counted{reader, partition, r.read[name]}), nil
}

func (r *run) reader(ctx context.Context, input *Input, from *planv1.Source, partition record.Partition) (bounded.Reader, error) {
	switch {
	case input.File != "":
		return file.Read(ctx, input.ofFile(from))
	case input.Slice != nil && r.config.OpenSlice != nil:
		return r.config.OpenSlice(ctx, r.job.Kafka, input.Slice, partition)
	case input.Chunks != "":
		return openChunks(input, from.GetKey())
	default:
		return nil, fmt.Errorf("there is no data for %s", input.Source)
	}
}

// counted counts the records of a reader, and has each know its partition and a time.
type counted struct {
	bounded.Reader
	partition record.Partition
	read      *atomic.Int64
}

// Next implements bounded.Reader.
func (c *counted) Next() (*record.Batch, error) {
	batch, err := c.Reader.Next()
	if err != nil {
		return nil, err
	}
	batch.Partition = c.partition
	number(batch)
	c.read.Add(int64(batch.Len()))
	return batch, nil
}

var _ io.Closer = (*counted)(nil)
