package registry_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/registry"
	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/integration/broker"
	"github.com/pyudf/pyudf/integration/kafkatest"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// lines is a log that tests look into.
type lines struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
	// said has something when a line was written.
	said chan struct{}
}

func newLines() *lines { return &lines{said: make(chan struct{}, 1)} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.said <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until the log says something.
func (l *lines) await(t *testing.T, text string) {
	t.Helper()
	for ctx := within(t); !strings.Contains(l.String(), text); {
		select {
		case <-l.said:
		case <-ctx.Done():
			t.Fatalf("the log does not say %q: %s", text, l)
		}
	}
}

// opening opens a registry in the background.
func opening(ctx context.Context, config registry.Config) <-chan opened {
	done := make(chan opened, 1)
	go func() {
		r, err := registry.Open(ctx, config)
		done <- opened{r, err}
	}()
	return done
}

type opened struct {
	registry *registry.Registry
	err      error
}

func (o opened) must(t *testing.T) *registry.Registry {
	t.Helper()
	if o.err != nil {
		t.Fatal(o.err)
	}
	t.Cleanup(func() { _ = o.registry.Close() })
	return o.registry
}

func TestANodeWaitsForBrokersThatAreAwayAndGoesOn(t *testing.T) {
	kafkatest.EachOwn(t, func(t *testing.T, b *kafkatest.Broker) {
		name, said := clusterName(t), newLines()
		r := open(t, b, registry.Config{Name: name})
		change(t, r, addVersion)
		before := r.Deployments()
		cluster := connect(t, b.Addr(), nil, said.logger())
		b.Stop(t)
		late := opening(within(t), registry.Config{Cluster: cluster, Name: name, Protocol: 1, Logger: said.logger()})
		said.await(t, "waiting for the brokers")
		select {
		case o := <-late:
			t.Fatalf("it opened without a broker: %v", o.err)
		default:
		}
		b.Start(t)
		other := (<-late).must(t)
		if got := other.Deployments(); len(got) != 1 || !proto.Equal(got[0], before[0]) {
			t.Errorf("after the broker came back there is %v, want %v", got, before)
		}
		change(t, other, addVersion)
		shows(t, r, 2)
		if err := r.Announce(within(t), &controlv1.Node{Id: "n1"}); err != nil {
			t.Error(err)
		}
	})
}

func TestAHeartbeatIsHeardWhenTheBrokerIsBack(t *testing.T) {
	kafkatest.EachOwn(t, func(t *testing.T, b *kafkatest.Broker) {
		name := clusterName(t)
		one, two := open(t, b, registry.Config{Name: name}), open(t, b, registry.Config{Name: name})
		if err := one.Announce(within(t), &controlv1.Node{Id: "n1"}); err != nil {
			t.Fatal(err)
		}
		b.Stop(t)
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := one.Announce(ctx, &controlv1.Node{Id: "n1", Address: "lost"}); err == nil {
				t.Error("a heartbeat was written without a broker")
			}
		}
		b.Start(t)
		if err := one.Announce(within(t), &controlv1.Node{Id: "n1", Address: "back"}); err != nil {
			t.Fatal(err)
		}
		if err := two.Wait(within(t), func() bool { n := two.Nodes(); return len(n) == 1 && n[0].GetAddress() == "back" }); err != nil {
			t.Errorf("the other node sees %v", two.Nodes())
		}
	})
}

func TestANodeThatHeardNothingForLongReadsEverythingAgain(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		name, said := clusterName(t), newLines()
		var asleep atomic.Int64
		now := func() time.Time { return time.Now().Add(time.Duration(asleep.Load())) }
		cluster := connect(t, b.Addr(), nil, discard())
		r := (<-opening(within(t), registry.Config{Cluster: cluster, Name: name, Protocol: 1, Logger: said.logger(), Now: now})).must(t)
		other := open(t, b, registry.Config{Name: name})
		change(t, other, addVersion)
		change(t, r, func(before *controlv1.Deployment) (*controlv1.Deployment, error) { return before, nil }) // which reads to the end
		if said.String() != "" {
			t.Errorf("the log says %s", said)
		}
		asleep.Store(int64(13 * time.Hour))
		change(t, other, addVersion)
		shows(t, r, 2)
		said.await(t, "read from its beginning again")
		change(t, other, addVersion)
		shows(t, r, 3)
	})
}

func TestAllIsBackAfterAllWereStopped(t *testing.T) {
	kafkatest.EachOwn(t, func(t *testing.T, b *kafkatest.Broker) {
		name, data := clusterName(t), archive(2_000_000)
		first := opening(within(t), registry.Config{Cluster: connect(t, b.Addr(), nil, discard()), Name: name, Protocol: 1, Logger: discard()})
		r := (<-first).must(t)
		sha := putBundle(t, r, data)
		written := change(t, r, deploy(sha))
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		b.Stop(t)
		b.Start(t)
		again := open(t, b, registry.Config{Name: name})
		if d, _ := again.Deployment("heat"); !proto.Equal(d, written) {
			t.Errorf("there is %v, want %v", d, written)
		}
		wantBundle(t, again, sha, data)
	})
}

func TestANodeWithoutRightsWaitsUntilItHasThem(t *testing.T) {
	t.Parallel()
	b, said := kafkatest.GuardedKafka(t), newLines()
	name := clusterName(t)
	login := kafka.Settings{"security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN", "sasl.username": broker.User, "sasl.password": broker.Password}
	cluster := connect(t, b.SASLAddr(), login, said.logger())
	late := opening(within(t), registry.Config{Cluster: cluster, Name: name, Protocol: 1, Logger: said.logger()})
	said.await(t, "allow this user the operations Create, Describe, DescribeConfigs, Read and Write on topic")
	select {
	case o := <-late:
		t.Fatalf("it opened without rights: %v", o.err)
	default:
	}
	b.AllowTopic(t, "_pyudf-"+name)
	r := (<-late).must(t)
	_, err := r.Change(within(t), "heat", addVersion)
	if want := `allow this user the operations Describe and Write on the transactional id "_pyudf-` + name; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("without the right to transactions: %v", err)
	}
	b.AllowTransactions(t, "_pyudf-"+name)
	for ctx := within(t); err != nil && ctx.Err() == nil; { // brokers take a moment
		_, err = r.Change(ctx, "heat", addVersion)
	}
	if err != nil {
		t.Error(err)
	}
	if strings.Contains(said.String(), broker.Password) {
		t.Errorf("the log has the password: %s", said)
	}
}
