package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/deadletter"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/tail"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/target"
	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/source"
	sourcefile "github.com/pyudf/pyudf/engine/source/file"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// defaultPartitions is what a topic gets that nobody gave a number for: room for as many engines side by side.
const defaultPartitions = 4

// withoutLimit is the retention of a topic whose records stay.
const withoutLimit = -1

func connect(ctx context.Context, settings map[string]string, logger *slog.Logger) (*kafka.Cluster, error) {
	cluster, err := kafka.Connect(ctx, settings, logger)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return cluster, outcome.Mendable(err)
}

// connecting is a connection that is made while something else goes on.
type connecting struct {
	cancel  context.CancelFunc
	done    chan struct{}
	cluster *kafka.Cluster
	err     error
}

func beginConnect(ctx context.Context, settings map[string]string, logger *slog.Logger) *connecting {
	ctx, cancel := context.WithCancel(ctx)
	c := &connecting{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.cluster, c.err = connect(ctx, settings, logger)
	}()
	return c
}

// await returns the connection. The caller closes it.
func (c *connecting) await() (*kafka.Cluster, error) {
	<-c.done
	cluster := c.cluster
	c.cluster = nil
	return cluster, c.err
}

// drop gives up a connection that nobody awaited.
func (c *connecting) drop() {
	c.cancel()
	<-c.done
	if c.cluster != nil {
		c.cluster.Close()
	}
}

// topicSpec is a topic to write to, and its partitions if it has to be created.
type topicSpec struct {
	name       string
	partitions int
}

// openTopic returns a sink for a topic, and what frees it.
func openTopic(ctx context.Context, settings map[string]string, logger *slog.Logger, spec topicSpec) (sink.Sink, func(), error) {
	cluster, err := connect(ctx, settings, logger)
	if err != nil {
		return nil, nil, err
	}
	var to sink.Sink
	err = ensureTopic(ctx, cluster, kafka.TopicSpec{Name: spec.name, Partitions: spec.partitions, RetentionMS: withoutLimit})
	if err == nil {
		to, err = cluster.OpenSink(ctx, spec.name)
	}
	if err != nil {
		cluster.Close()
		return nil, nil, outcome.Mendable(err)
	}
	return to, func() { closeLogged(logger, to.Close); cluster.Close() }, nil
}

// reading is what tail reads.
type reading struct {
	topic     string
	partition int
	offset    int64
	follow    bool
}

// openReading returns a source of a topic without a group, and what frees it.
func openReading(ctx context.Context, settings map[string]string, logger *slog.Logger, r reading) (source.Source, func(), error) {
	cluster, err := connect(ctx, settings, logger)
	if err != nil {
		return nil, nil, err
	}
	from, err := openReadingOn(ctx, cluster, r)
	if err != nil {
		cluster.Close()
		return nil, nil, err
	}
	return from, func() { closeLogged(logger, from.Close); cluster.Close() }, nil
}

func openReadingOn(ctx context.Context, cluster *kafka.Cluster, r reading) (source.Source, error) {
	info, err := cluster.Topic(ctx, r.topic)
	if err != nil {
		return nil, explainTopic(err, r.topic)
	}
	positions, err := tail.Positions(r.topic, info.Partitions, r.partition, r.offset)
	if err != nil {
		return nil, outcome.Mendable(err)
	}
	from, err := cluster.OpenSource(ctx, kafka.SourceConfig{Topic: r.topic, Assign: positions, UntilEnd: !r.follow})
	return from, outcome.Mendable(err)
}

func explainTopic(err error, topic string) error {
	if errors.Is(err, kafka.ErrUnknownTopic) {
		return outcome.Mendf("%w: check the name and --brokers, or create the topic with `pyudf produce %s FILE`", err, topic)
	}
	return err
}

func closeLogged(logger *slog.Logger, closing func() error) {
	if err := closing(); err != nil {
		logger.Warn("closing", "cause", err)
	}
}

// portsConfig says how a run reads and writes.
type portsConfig struct {
	settings map[string]string
	group    string
	// stateName is what stands for the group in the names of what is kept.
	stateName string
	start     target.Start
	untilEnd  bool
	// singleNode tells that hops lead through memory, as there is one process.
	singleNode bool
	// atLeastOnce tells that there are to be no transactions; snapshots that copies of the state are kept elsewhere.
	atLeastOnce, snapshots bool
	commitInterval         time.Duration

	// shared is a connection that others use too; nil: there is one of the ports' own.
	shared  *kafka.Cluster
	metrics *metrics.Set
	logger  *slog.Logger
}

// ports opens what a plan names.
type ports struct {
	config  portsConfig
	cluster *kafka.Cluster // nil if the plan touches no topic
	// onlyFiles tells that no input is a topic.
	onlyFiles bool
	// partitions is the number for topics that are created: as many as the largest input has.
	partitions int
	// transactional tells that what is written is part of transactions: all of it goes to topics, and nobody wants less.
	transactional bool
	// node is the name of this process in its group, the same after it was started again.
	node string
	// opening are the topics to write to, by name: creating them takes the broker a moment each.
	opening map[string]*openingTopic
	files   sharedFiles
	// joining is done once, before the first source joins the group.
	joining sync.Once
	joinErr error
}

// openingTopic is a topic that is created while something else goes on, if it is not there.
type openingTopic struct {
	done chan struct{}
	err  error
}

// openPorts awaits the connection if the plan needs one of its own, and checks that all input topics are there.
func openPorts(ctx context.Context, plan *planv1.Plan, connecting *connecting, config portsConfig) (*ports, error) {
	p := &ports{config: config, onlyFiles: true}
	for _, s := range plan.GetSources() {
		p.onlyFiles = p.onlyFiles && s.GetFile() != nil
	}
	if _, topics := deadletter.Home(plan); !topics {
		return p, nil
	}
	if p.cluster = config.shared; p.cluster == nil {
		var err error
		if p.cluster, err = connecting.await(); err != nil {
			return nil, err
		}
	}
	var faults []error
	for _, s := range plan.GetSources() {
		if topic := s.GetTopic(); topic != nil {
			info, err := p.cluster.Topic(ctx, topic.GetName())
			if err != nil {
				faults = append(faults, explainTopic(err, topic.GetName()))
			}
			p.partitions = max(p.partitions, info.Partitions)
		}
	}
	if p.partitions == 0 {
		p.partitions = defaultPartitions
	}
	_, files := destinations(plan)
	p.transactional = !config.atLeastOnce && len(files) == 0
	if len(faults) > 0 {
		p.close()
		return nil, errors.Join(faults...)
	}
	p.beginOpening(ctx, plan)
	return p, nil
}

// beginOpening opens all topics that the plan writes to, and creates those that are missing.
func (p *ports) beginOpening(ctx context.Context, plan *planv1.Plan) {
	retention := map[string]int64{}
	for _, step := range plan.GetSteps() {
		if topic := step.GetTo().GetTopic(); topic != nil {
			retention[topic.GetName()] = int64(topic.GetRetentionMs()) //nolint:gosec // ms of no human time overflow
		}
	}
	for _, name := range lateTopics(plan) {
		if _, known := retention[name]; !known {
			retention[name] = 0
		}
	}
	if name, topic := deadletter.Home(plan); topic {
		retention[name] = 0
	}
	p.opening = map[string]*openingTopic{}
	for name, ms := range retention {
		if ms == 0 {
			ms = withoutLimit
		}
		o := &openingTopic{done: make(chan struct{})}
		p.opening[name] = o
		go func() {
			defer close(o.done)
			o.err = outcome.Mendable(ensureTopic(ctx, p.cluster, kafka.TopicSpec{Name: name, Partitions: p.partitions, RetentionMS: ms}))
		}()
	}
}

// ensured waits for a topic of beginOpening.
func (p *ports) ensured(name string) error {
	<-p.opening[name].done
	return p.opening[name].err
}

func (p *ports) openSource(ctx context.Context, s *planv1.Source) (source.Source, error) {
	if s.GetFile() != nil {
		from, err := sourcefile.Open(ctx, s)
		return from, outcome.Mendable(err)
	}
	if p.alone() {
		if p.joining.Do(func() { p.joinErr = p.beAlone(ctx) }); p.joinErr != nil {
			return nil, p.joinErr
		}
	}
	name := s.GetTopic().GetName()
	return p.cluster.OpenSource(ctx, kafka.SourceConfig{
		Topic:      name,
		Group:      p.config.group,
		InstanceID: p.node + "." + name,
		Start:      kafkaStart(p.config.start),
		UntilEnd:   p.config.untilEnd,
		Metrics:    p.config.metrics,
	})
}

func kafkaStart(start target.Start) kafka.Start {
	switch start.Kind {
	case target.Latest:
		return kafka.Start{Kind: kafka.Latest}
	case target.At:
		return kafka.Start{Kind: kafka.At, Time: start.Time}
	default:
		return kafka.Start{Kind: kafka.Earliest}
	}
}

func (p *ports) close() {
	for _, o := range p.opening {
		<-o.done
	}
	if p.cluster != nil && p.config.shared == nil {
		p.cluster.Close()
	}
}

// destinations are the topics and files that a plan writes to, as a person would look at them.
func destinations(plan *planv1.Plan) (topics, files []string) {
	for _, step := range plan.GetSteps() {
		if to := step.GetTo(); to.GetTopic() != nil {
			topics = append(topics, to.GetTopic().GetName())
		} else if to.GetFile() != nil {
			files = append(files, to.GetFile().GetPath())
		}
	}
	return topics, files
}

// brokersFlag is what another command line needs to reach the same brokers.
func brokersFlag(w *world, given map[string]string) string {
	plain, err := (&kafkaFlags{}).parse(w)
	if brokers := given["bootstrap.servers"]; err != nil || brokers != plain["bootstrap.servers"] {
		return " --brokers " + brokers
	}
	return ""
}
