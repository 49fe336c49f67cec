package supervise

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/registry"
	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/integration/kafkatest"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }

// memory is a cluster's topic in memory, which all nodes of a test share.
type memory struct {
	mu          sync.Mutex // guards the rest
	deployments map[string]*controlv1.Deployment
	ended       map[string]uint64
	nodes       map[string]*controlv1.Node
	asides      []registry.Aside
	written     int
	views       []*memoryView
}

// memoryView is what a node has of it.
type memoryView struct {
	*memory

	changed chan struct{}
}

var _ Registry = (*memoryView)(nil)

func newMemory() *memory {
	return &memory{deployments: map[string]*controlv1.Deployment{}, ended: map[string]uint64{}, nodes: map[string]*controlv1.Node{}}
}

func (m *memory) view() *memoryView {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := &memoryView{memory: m, changed: make(chan struct{}, 1)}
	v.changed <- struct{}{}
	m.views = append(m.views, v)
	return v
}

func clones[M proto.Message](of map[string]M) []M {
	var all []M
	for _, name := range slices.Sorted(maps.Keys(of)) {
		all = append(all, proto.CloneOf(of[name]))
	}
	return all
}

func (m *memory) Deployments() []*controlv1.Deployment {
	m.mu.Lock()
	defer m.mu.Unlock()
	return clones(m.deployments)
}

func (m *memory) Deployment(name string) (*controlv1.Deployment, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, there := m.deployments[name]
	return proto.CloneOf(d), there
}

func (m *memory) Nodes() []*controlv1.Node {
	m.mu.Lock()
	defer m.mu.Unlock()
	return clones(m.nodes)
}

func (m *memory) Aside() []registry.Aside {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.asides)
}

func (v *memoryView) Changed() <-chan struct{} { return v.changed }

func (m *memory) Change(ctx context.Context, name string, change func(*controlv1.Deployment) (*controlv1.Deployment, error)) (*controlv1.Deployment, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.deployments[name]
	after, err := change(proto.CloneOf(before))
	if err != nil {
		return nil, err
	}
	if after == nil && before == nil {
		return nil, nil //nolint:nilnil // as the registry does
	}
	if after == nil {
		m.ended[name] = before.GetRevision()
		delete(m.deployments, name)
		m.tell()
		return nil, nil //nolint:nilnil // as the registry does
	}
	after = proto.CloneOf(after)
	after.Name, after.Revision = name, before.GetRevision()
	if proto.Equal(before, after) {
		return before, nil
	}
	after.Revision = max(after.GetRevision(), m.ended[name]) + 1
	m.deployments[name] = after
	m.tell()
	return proto.CloneOf(after), nil
}

// tell has all nodes look. REQUIRES: m.mu is held.
func (m *memory) tell() {
	m.written++
	for _, v := range m.views {
		select {
		case v.changed <- struct{}{}:
		default:
		}
	}
}

func (m *memory) Announce(_ context.Context, node *controlv1.Node) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.nodes[node.GetId()] = proto.CloneOf(node)
	return nil
}

func (m *memory) Withdraw(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.nodes, id)
	return nil
}

func (m *memory) PutBundle(context.Context, []byte) (string, error) { return "", nil }

// TestWhatIsInMemoryBehavesAsWhatIsInATopic holds the fake to what the registry does.
func TestWhatIsInMemoryBehavesAsWhatIsInATopic(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) Registry{
		"memory": func(*testing.T) Registry { return newMemory().view() },
		"topic":  openTopic,
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t)
			put := func(d *controlv1.Deployment, err error) (*controlv1.Deployment, error) {
				return r.Change(t.Context(), "heat", func(*controlv1.Deployment) (*controlv1.Deployment, error) { return d, err })
			}
			one := &controlv1.Deployment{Current: 1, Versions: []*controlv1.Version{{Number: 1}}}
			for i, c := range []struct {
				to       *controlv1.Deployment
				err      error
				revision uint64
			}{
				{to: nil, revision: 0},
				{to: one, revision: 1},
				{to: one, revision: 1},
				{err: errors.New("refused"), revision: 1},
				{to: &controlv1.Deployment{Current: 1, Stopped: true, Versions: one.GetVersions()}, revision: 2},
				{to: nil, revision: 0},
				{to: one, revision: 3},
			} {
				got, err := put(c.to, c.err)
				if !errors.Is(err, c.err) {
					t.Fatalf("change %d: %v, want %v", i, err, c.err)
				}
				d, there := r.Deployment("heat")
				if d.GetRevision() != c.revision || there != (c.revision > 0) || err == nil && got.GetRevision() != c.revision {
					t.Errorf("change %d: there is %v, and %v was returned; want revision %d", i, d, got, c.revision)
				}
			}
			select {
			case <-r.Changed():
			default:
				t.Error("nobody was told")
			}
		})
	}
}

func openTopic(t *testing.T) Registry {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	cluster, err := kafka.Connect(t.Context(), kafka.Settings{"bootstrap.servers": kafkatest.Embedded(t).Addr()}, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	r, err := registry.Open(t.Context(), registry.Config{Cluster: cluster, Name: "main", Protocol: 1, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}
