package integration_test

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/state/pebblestate"
	"github.com/pyudf/pyudf/integration/kafkatest"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
	"github.com/pyudf/pyudf/udfworker/host"
)

// deployment is what an engine node has of a deployment: versions of an app, one of which runs at a time, in this process.
type deployment struct {
	cluster *kafka.Cluster
	group   string
	root    *pebblestate.Root
	logger  *slog.Logger
	current *engine.Running
	// broken keeps versions from opening.
	broken error
}

// version is an app whose workers are up.
type version struct {
	proto *planv1.Plan
	plan  *plan.Plan
	warm  chan *host.Process
}

const warmWorkers = 2

func newDeployment(t *testing.T, b *kafkatest.Broker, group string) *deployment {
	t.Helper()
	root, err := pebblestate.Open(t.TempDir(), pebblestate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	d := &deployment{cluster: connect(t, b), group: group, root: root, logger: slog.New(slog.DiscardHandler)}
	if os.Getenv("PYUDF_TEST_LOG") != "" {
		d.logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	t.Cleanup(func() { d.end(t) })
	return d
}

// end stops what runs.
func (d *deployment) end(t *testing.T) {
	t.Helper()
	if d.current != nil {
		d.current.Stop()
		<-d.current.Done()
		if err := d.current.Err(); err != nil {
			t.Errorf("the last version: %v", err)
		}
		d.current = nil
	}
	_ = d.root.Close()
}

// prepare starts the workers of a version, side by side.
func (d *deployment) prepare(t *testing.T, file string, more env) *version {
	t.Helper()
	v := &version{warm: make(chan *host.Process, warmWorkers)}
	environment := os.Environ()
	for name, value := range more {
		environment = append(environment, name+"="+value)
	}
	var starting sync.WaitGroup
	for range warmWorkers {
		starting.Go(func() {
			p, err := host.Start(t.Context(), host.Config{Python: kafkatest.Python(t), Args: []string{file}, Env: environment, Logger: d.logger})
			if err != nil {
				t.Error(err)
				return
			}
			v.warm <- p
		})
	}
	starting.Wait()
	if t.Failed() {
		t.FailNow()
	}
	first := <-v.warm
	v.warm <- first
	v.proto = first.Description().GetPlan()
	var err error
	if v.plan, err = plan.Compile(v.proto); err != nil {
		t.Fatal(err)
	}
	o := &opener{deployment: d, plan: v.plan}
	for _, name := range outputsOf(v) {
		if err := o.ensure(t.Context(), name, 4); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// begin runs a version.
func (d *deployment) begin(t *testing.T, v *version) *engine.Running {
	t.Helper()
	o := &opener{deployment: d, plan: v.plan}
	return engine.Start(t.Context(), engine.Config{
		Plan: v.proto, OpenSource: o.source, OpenOutlet: o.outlet, OpenHop: o.hop, Partitions: o.partitions,
		State: d.root, Changelogs: &engine.Changelogs{
			Log:   d.cluster,
			Marks: true,
			Topic: func(from *plan.Source) string { return d.group + "." + from.Slug() + ".changelog" },
		},
		Start: func(context.Context) (dispatch.Worker, error) { return <-v.warm, nil }, Workers: warmWorkers,
		CommitInterval: 100 * time.Millisecond, Metrics: metrics.New(prometheus.NewRegistry()), Logger: d.logger,
	})
}

// start runs the first version.
func (d *deployment) start(t *testing.T, v *version) {
	t.Helper()
	d.current = d.begin(t, v)
	awaitBegun(t, d.current)
}

// awaitBegun returns when a run is at work.
func awaitBegun(t *testing.T, r *engine.Running) {
	t.Helper()
	select {
	case <-r.Begun():
	case <-r.Done():
		t.Fatalf("the run ended before it began: %v", r.Err())
	case <-time.After(patience):
		t.Fatal("the run does not begin")
	}
}

// handed is how long the parts of a hand-over took.
type handed struct{ release, begin time.Duration }

// replace has a version follow the current one.
func (d *deployment) replace(t *testing.T, v *version) handed {
	t.Helper()
	began := time.Now()
	before := d.current
	before.HandOver(v.plan)
	<-before.Released()
	released := time.Now()
	d.current = d.begin(t, v)
	awaitBegun(t, d.current)
	begun := time.Now()
	ended(t, before)
	return handed{released.Sub(began), begun.Sub(released)}
}

// ended waits for the end of a run, which must be a good one.
func ended(t *testing.T, r *engine.Running) {
	t.Helper()
	<-r.Done()
	if err := r.Err(); err != nil {
		t.Fatalf("the version before: %v", err)
	}
}

// opener opens what a version reads and writes, as cmd does.
type opener struct {
	*deployment

	plan *plan.Plan
}

func (o *opener) source(ctx context.Context, s *planv1.Source) (source.Source, error) {
	name := s.GetTopic().GetName()
	return o.cluster.OpenSource(ctx, kafka.SourceConfig{Topic: name, Group: o.group, InstanceID: "node." + name})
}

func (o *opener) partitions(ctx context.Context, s *planv1.Source) (int, error) {
	info, err := o.cluster.Topic(ctx, s.GetTopic().GetName())
	return info.Partitions, err
}

func (o *opener) repartition(stage string) string { return o.group + "." + stage + ".repartition" }

func (o *opener) hop(ctx context.Context, to engine.HopTo) (engine.Hop, error) {
	const partitions = 4
	if err := o.ensure(ctx, o.repartition(to.Stage), partitions); err != nil {
		return engine.Hop{}, err
	}
	from, err := o.cluster.OpenSource(ctx, kafka.SourceConfig{
		Topic: o.repartition(to.Stage), Group: o.group + "." + to.Stage, InstanceID: "node." + to.Stage,
	})
	return engine.Hop{Source: from, Partitions: partitions}, err
}

func (o *opener) ensure(ctx context.Context, topic string, partitions int) error {
	if _, err := o.cluster.Topic(ctx, topic); err == nil {
		return nil
	}
	return o.cluster.CreateTopic(ctx, kafka.TopicSpec{Name: topic, Partitions: partitions, RetentionMS: -1})
}

func (o *opener) outlet(ctx context.Context, name string) (engine.Outlet, error) {
	if o.broken != nil {
		return nil, o.broken
	}
	to, err := openOutlet(ctx, o.cluster, o.group+".node."+name)
	return &opened{to, o}, err
}

// opened is an outlet to topics alone.
type opened struct {
	*kafka.Outlet

	opener *opener
}

func (o *opened) open(ctx context.Context, topic string) (sink.Sink, error) {
	if err := o.opener.ensure(ctx, topic, 4); err != nil {
		return nil, err
	}
	return o.Outlet.OpenSink(ctx, topic)
}

func (o *opened) OpenSink(ctx context.Context, to *planv1.To) (sink.Sink, error) {
	return o.open(ctx, to.GetTopic().GetName())
}

func (o *opened) OpenDeadLetters(ctx context.Context) (sink.Sink, error) {
	return o.open(ctx, o.opener.group+".dlq")
}

func (o *opened) OpenHop(ctx context.Context, stage string) (sink.Sink, error) {
	return o.Outlet.OpenSink(ctx, o.opener.repartition(stage))
}

func (o *opened) OpenChangelog(ctx context.Context, topic string, partitions int) (sink.Log, error) {
	if err := o.opener.ensure(ctx, topic, partitions); err != nil {
		return nil, err
	}
	return o.OpenLog(ctx, topic)
}

// names of the topics that the plans of versions write, each once.
func outputsOf(versions ...*version) []string {
	var names []string
	for _, v := range versions {
		for _, to := range v.plan.Sinks {
			names = append(names, plan.SinkName(to))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
