package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/deadletter"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/engine/sink"
	sinkfile "github.com/pyudf/pyudf/engine/sink/file"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// outlet is where the tasks of a source write: topics through a producer of their own, and files.
type outlet struct {
	ports *ports
	plan  *planv1.Plan
	// topics is nil if the plan touches none.
	topics *kafka.Outlet

	mu    sync.Mutex // guards files
	files []sink.Sink
}

var _ engine.Outlet = (*outlet)(nil)

// openOutlet opens where the tasks of a source write. If everything that they write can be part of a transaction, it is.
func (p *ports) openOutlet(ctx context.Context, plan *planv1.Plan, name string) (engine.Outlet, error) {
	o := &outlet{ports: p, plan: plan}
	if p.cluster == nil {
		return o, nil
	}
	config := kafka.OutletConfig{Name: name}
	if p.transactional {
		config.TransactionalID = p.config.group + "." + p.node + "." + name
		config.TransactionTimeout = p.config.commitInterval + max(transactionSlack, sessionTimeout(p.config.settings))
		if name == "" { // a single node: nobody takes over, and its stages may take long to come to rest
			config.TransactionTimeout = longestTransaction
		}
	}
	var err error
	if o.topics, err = p.cluster.OpenOutlet(ctx, config); err != nil {
		return nil, outcome.Mendable(err)
	}
	return o, nil
}

// transactionSlack is for how much longer than the commit interval brokers keep a transaction at least, or as long as a session
// if that is more. If its process is gone for good, what comes behind it in the topics is not seen before.
const transactionSlack = 15 * time.Second

// longestTransaction is how long a transaction may last: brokers allow 15 minutes.
const longestTransaction = 14 * time.Minute

// OpenSink implements engine.Outlet.
func (o *outlet) OpenSink(ctx context.Context, to *planv1.To) (sink.Sink, error) {
	if file := to.GetFile(); file != nil {
		return o.file(file.GetPath(), func() (sink.Sink, error) {
			created, err := sinkfile.Create(file.GetPath(), file.GetFormat())
			return created, outcome.Mendable(err)
		})
	}
	name := to.GetTopic().GetName()
	if o.topics == nil {
		return o.file(lateFileName(name), func() (sink.Sink, error) { return lateFile(name), nil })
	}
	return o.topic(ctx, name)
}

// OpenDeadLetters implements engine.Outlet.
func (o *outlet) OpenDeadLetters(ctx context.Context) (sink.Sink, error) {
	name, topic := deadletter.Home(o.plan)
	if topic {
		return o.topic(ctx, name)
	}
	return o.file(name, func() (sink.Sink, error) {
		return deadletter.Lines(func() (sink.Sink, error) {
			to, err := sinkfile.Create(name, planv1.Format_FORMAT_JSON)
			if err != nil {
				return nil, outcome.Mendf("the file for dead letters: %w", err)
			}
			return to, nil
		}), nil
	})
}

// OpenHop implements engine.Outlet. The topic was created when the stage was opened.
func (o *outlet) OpenHop(ctx context.Context, stage string) (sink.Sink, error) {
	to, err := o.topics.OpenSink(ctx, o.ports.hopTopic(stage))
	return to, outcome.Mendable(err)
}

// OpenChangelog implements engine.Outlet.
func (o *outlet) OpenChangelog(ctx context.Context, topic string, partitions int) (sink.Log, error) {
	if err := o.ports.begun(topic, func() error { return o.ports.ensureChangelog(ctx, topic, partitions) }); err != nil {
		return nil, outcome.Mendable(err)
	}
	info, err := o.ports.cluster.Topic(ctx, topic)
	if err == nil && info.Partitions < partitions {
		err = fmt.Errorf("the changelog %s has %d partitions, and what it is the changelog of has %d: begin anew with another --group", topic, info.Partitions, partitions)
	}
	if err != nil {
		return nil, outcome.Mendable(err)
	}
	return o.topics.OpenLog(ctx, topic)
}

// topic opens a topic that the user named, or that is named after one.
func (o *outlet) topic(ctx context.Context, name string) (sink.Sink, error) {
	if err := o.ports.ensured(name); err != nil {
		return nil, err
	}
	to, err := o.topics.OpenSink(ctx, name)
	return to, outcome.Mendable(err)
}

// file opens a file, or takes the one that another source's tasks write to already.
func (o *outlet) file(path string, create func() (sink.Sink, error)) (sink.Sink, error) {
	s, err := o.ports.files.open(path, create)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.files = append(o.files, s)
	return s, nil
}

// Deliver implements sink.Outlet.
func (o *outlet) Deliver(ctx context.Context, reads []sink.Read) error {
	for _, file := range o.files {
		if err := file.Flush(ctx); err != nil {
			return err
		}
	}
	if o.topics == nil {
		return nil
	}
	return o.topics.Deliver(ctx, reads)
}

// Acknowledge implements sink.Outlet.
func (o *outlet) Acknowledge(ctx context.Context, reads []sink.Read) error {
	if o.topics != nil {
		return o.topics.Acknowledge(ctx, reads)
	}
	for _, read := range reads {
		if err := read.Source.Commit(ctx, read.Positions); err != nil {
			return err
		}
	}
	return nil
}

// Stay implements sink.Stayer.
func (o *outlet) Stay() {
	if o.topics != nil {
		o.topics.Stay()
	}
}

// Close implements sink.Outlet.
func (o *outlet) Close() error {
	if o.topics == nil {
		return nil
	}
	return o.topics.Close()
}

// sharedFiles are the files of a run, each open once. The zero value has none.
type sharedFiles struct {
	mu     sync.Mutex // guards byPath, and the users of what is in it
	byPath map[string]*sharedFile
}

// sharedFile is a file that as many write to as opened it. The last one who closes it closes it.
type sharedFile struct {
	sink.Sink

	files *sharedFiles
	path  string
	users int
}

func (f *sharedFiles) open(path string, create func() (sink.Sink, error)) (sink.Sink, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.byPath[path]; known != nil {
		known.users++
		return known, nil
	}
	created, err := create()
	if err != nil {
		return nil, err
	}
	if f.byPath == nil {
		f.byPath = map[string]*sharedFile{}
	}
	f.byPath[path] = &sharedFile{Sink: created, files: f, path: path, users: 1}
	return f.byPath[path], nil
}

// Flush implements sink.Sink. A file that has its name already has everything: the positions are committed after that.
func (s *sharedFile) Flush(ctx context.Context) error {
	s.files.mu.Lock()
	closed := s.users == 0
	s.files.mu.Unlock()
	if closed {
		return nil
	}
	return s.Sink.Flush(ctx)
}

// Close implements sink.Sink.
func (s *sharedFile) Close() error {
	s.files.mu.Lock()
	defer s.files.mu.Unlock()
	if s.users == 0 {
		return nil
	}
	if s.users--; s.users > 0 {
		return nil
	}
	delete(s.files.byPath, s.path)
	return s.Sink.Close()
}

// ensureTopic creates a topic that is not there.
func ensureTopic(ctx context.Context, cluster *kafka.Cluster, spec kafka.TopicSpec) error {
	_, err := cluster.Topic(ctx, spec.Name)
	if errors.Is(err, kafka.ErrUnknownTopic) {
		return cluster.CreateTopic(ctx, spec)
	}
	return err
}
