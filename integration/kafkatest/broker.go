package kafkatest

import (
	"context"
	"errors"
	"testing"

	"github.com/pyudf/pyudf/engine/embedded"
	"github.com/pyudf/pyudf/integration/broker"
)

// Broker is a broker under test, of either kind.
type Broker struct {
	// Name is "embedded" or "kafka".
	Name string
	node node
}

// node is what the two kinds of broker have in common.
type node interface {
	Addr() string
	SASLAddr() string
	Stop(ctx context.Context) error
	Start(ctx context.Context) error
}

// Each runs a test on both brokers at the same time, as subtests that end after the test that called Each. Kafka is
// shared by the tests of a binary: do not stop it.
func Each(t *testing.T, test func(t *testing.T, b *Broker)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { t.Parallel(); test(t, Embedded(t)) })
	t.Run("kafka", func(t *testing.T) { t.Parallel(); test(t, Kafka(t)) })
}

// EachOwn is Each with a broker that belongs to the test alone, which may Stop and Start it.
func EachOwn(t *testing.T, test func(t *testing.T, b *Broker)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { t.Parallel(); test(t, Embedded(t)) })
	t.Run("kafka", func(t *testing.T) { t.Parallel(); test(t, OwnKafka(t)) })
}

// Embedded starts an embedded broker for this test alone.
func Embedded(t *testing.T) *Broker {
	t.Helper()
	e := &embeddedNode{config: embedded.Config{DataDir: t.TempDir()}}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &Broker{Name: "embedded", node: e}
}

// Kafka is the real Kafka that the tests of a binary share.
func Kafka(t *testing.T) *Broker {
	t.Helper()
	needJars(t)
	kafka, err := shared.kafka()
	if err != nil {
		t.Fatal(err)
	}
	return &Broker{Name: "kafka", node: kafka}
}

// OwnKafka starts a real Kafka for this test alone, which takes some seconds.
func OwnKafka(t *testing.T) *Broker {
	t.Helper()
	return &Broker{Name: "kafka", node: ownKafka(t, broker.Config{Dir: t.TempDir()})}
}

// GuardedKafka is OwnKafka where the account of SASLAddr may do nothing but what AllowTopic and AllowTransactions let it.
func GuardedKafka(t *testing.T) *Broker {
	t.Helper()
	return &Broker{Name: "kafka", node: ownKafka(t, broker.Config{Dir: t.TempDir(), Guarded: true})}
}

// ProxiedKafka is OwnKafka with a proxy before it: clients that begin at the proxy's address stay with it, those that
// begin at the broker's never meet it.
func ProxiedKafka(t *testing.T) (*Broker, *Proxy) {
	t.Helper()
	proxy := newProxy(t)
	kafka := ownKafka(t, broker.Config{Dir: t.TempDir(), Proxy: proxy.Addr()})
	proxy.serve(kafka.ProxiedAddr())
	return &Broker{Name: "kafka", node: kafka}, proxy
}

func ownKafka(t *testing.T, config broker.Config) *broker.Kafka {
	t.Helper()
	needJars(t)
	kafka, err := startKafka(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kafka.Kill()
		if t.Failed() {
			keepLog(kafka.Log())
		}
	})
	return kafka
}

func needJars(t *testing.T) {
	t.Helper()
	if _, err := findJars(); err != nil {
		needs(t, err)
	}
}

// Addr is the bootstrap address. It stays the same when the broker stops and starts.
func (b *Broker) Addr() string { return b.node.Addr() }

// SASLAddr is the bootstrap address that wants broker.User and broker.Password; empty on the embedded broker.
func (b *Broker) SASLAddr() string { return b.node.SASLAddr() }

// Stop takes the broker away; what it holds is kept.
func (b *Broker) Stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.node.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

// Crash ends a real Kafka as a power cut would; Start brings it back.
func (b *Broker) Crash(t *testing.T) {
	t.Helper()
	kafka, ok := b.node.(*broker.Kafka)
	if !ok {
		t.Fatalf("the %s broker cannot crash: it is a part of the test", b.Name)
	}
	kafka.Kill()
}

// Start brings a stopped broker back.
func (b *Broker) Start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.node.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

var (
	_ node = (*embeddedNode)(nil)
	_ node = (*broker.Kafka)(nil)
)

// embeddedNode gives the embedded broker, which lives in our own process, a way to go and come back.
type embeddedNode struct {
	config  embedded.Config
	running *embedded.Broker // nil while it is away
}

func (e *embeddedNode) Addr() string { return e.config.Addr }

func (e *embeddedNode) SASLAddr() string { return "" }

func (e *embeddedNode) Start(context.Context) error {
	if e.running != nil {
		return errors.New("the embedded broker runs already: Stop it first")
	}
	running, err := embedded.Start(e.config) //nolint:contextcheck // it starts at once, there is nothing to bound
	if err != nil {
		return err
	}
	e.running = running
	e.config.Addr = running.Addr()
	return nil
}

func (e *embeddedNode) Stop(context.Context) error {
	if e.running == nil {
		return nil
	}
	running := e.running
	e.running = nil
	return running.Close()
}
