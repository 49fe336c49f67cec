package registry

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/engine/kafka"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// Config says which cluster of nodes it is.
type Config struct {
	// Cluster is the Kafka that keeps the topic. It must stay open until the registry is closed.
	Cluster *kafka.Cluster
	// Name is that of the cluster of nodes.
	Name string
	// Protocol is what this node speaks: deployments that need more are kept aside.
	Protocol uint32
	// Logger gets what people should know, such as that brokers are waited for.
	Logger *slog.Logger
	// Grace is how long a bundle stays that no version names; 0: an hour.
	Grace time.Duration
	// Now is the time; nil: the machine's.
	Now func() time.Time
}

// Registry is the cluster's topic as this node has read it up to now. Any goroutine may call it. What it returns are copies.
type Registry struct {
	config Config
	topic  string
	table  *kafka.Table
	logger *slog.Logger

	changed chan struct{}
	// changing is full while this process changes something.
	changing  chan struct{}
	voice     voice
	stop      context.CancelFunc
	following sync.WaitGroup

	mu   sync.Mutex // guards what follows
	view *view      // nil: the end was not reached yet
	// next is the offset behind what view knows.
	next int64
	// moved is closed when view or next are others.
	moved chan struct{}
	// marks are those of changes that this process wants to see, and whether it did.
	marks map[string]bool
}

// Open creates the cluster's topic if it is not there, and returns when it is read to its end. It waits for brokers and rights,
// and says so in the log; a topic that is not as it has to be is refused.
func Open(ctx context.Context, config Config) (*Registry, error) {
	topic, err := Topic(config.Name)
	if err != nil {
		return nil, err
	}
	config.Grace = cmp.Or(config.Grace, usualGrace)
	if config.Now == nil {
		config.Now = time.Now
	}
	table, err := config.Cluster.OpenTable(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("the topic of cluster %q: %w", config.Name, err)
	}
	r := &Registry{
		config: config, topic: topic, table: table, logger: config.Logger,
		changed: make(chan struct{}, 1), changing: make(chan struct{}, 1), voice: voice{busy: make(chan struct{}, 1)},
		moved: make(chan struct{}), marks: map[string]bool{},
	}
	within, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.stop = stop
	r.following.Go(func() { r.follow(within) })
	if err := r.await(ctx, func() bool { return r.view != nil }); err != nil {
		_ = r.Close()
		return nil, fmt.Errorf("read topic %q: %w", topic, err)
	}
	return r, nil
}

// Close ends the following. Nothing else may be called any more.
func (r *Registry) Close() error {
	r.stop()
	r.following.Wait()
	return r.voice.close()
}

// Deployments returns all that this node can read, by their names. Those of Aside are not among them: that does not mean that
// they are gone.
func (r *Registry) Deployments() []*controlv1.Deployment {
	r.mu.Lock()
	defer r.mu.Unlock()
	return copies(r.view.deployments)
}

// Deployment returns one of Deployments.
func (r *Registry) Deployment(name string) (*controlv1.Deployment, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, ok := r.view.deployments[name]
	return proto.CloneOf(d), ok
}

// Aside returns what this node cannot use, with the reasons, by keys.
func (r *Registry) Aside() []Aside {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.view.asides()
}

// Nodes returns the nodes that said something in the last day and did not withdraw, by their ids. Alive tells which are there.
func (r *Registry) Nodes() []*controlv1.Node {
	r.mu.Lock()
	defer r.mu.Unlock()
	return copies(r.view.nodes)
}

// Changed has something when deployments may be others than when it was read the last time. What nodes say of themselves does
// not count.
func (r *Registry) Changed() <-chan struct{} { return r.changed }

// Wait returns when shows does, which is asked again whenever this node has read something, be it of deployments, bundles or
// nodes. It may ask the registry.
func (r *Registry) Wait(ctx context.Context, shows func() bool) error {
	for {
		r.mu.Lock()
		moved := r.moved
		r.mu.Unlock()
		if shows() {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// await is Wait with mu held while it asks.
func (r *Registry) await(ctx context.Context, shows func() bool) error {
	return r.Wait(ctx, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return shows()
	})
}

func copies[M proto.Message](of map[string]M) []M {
	out := make([]M, 0, len(of))
	for _, name := range slices.Sorted(maps.Keys(of)) {
		out = append(out, proto.CloneOf(of[name]))
	}
	return out
}
