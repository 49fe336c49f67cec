package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Config says how a broker starts. The zero value is a broker in memory on a free port.
type Config struct {
	// Addr is where to listen, "127.0.0.1:0" if empty. Port 0 takes a free one. A host without a name or address,
	// as in ":9092", is this machine only.
	Addr string
	// DataDir keeps topics, records and group offsets from one run to the next; empty: they are lost at the end.
	DataDir string
	// Partitions is the number that topics have which come into being by their first use; 0: one.
	Partitions int
	// Logger gets what the broker has to say; nil: nothing is said.
	Logger *slog.Logger
}

// Broker is a running broker. Create it with Start.
type Broker struct {
	cluster *kfake.Cluster
	addr    string
	lock    *dirLock
	close   sync.Once
	closed  error
}

// Start starts a broker and returns when it accepts connections.
func Start(config Config) (*Broker, error) {
	config.ensureDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	lock, err := lockDir(config.DataDir)
	if err != nil {
		return nil, err
	}
	cluster, err := kfake.NewCluster(config.options()...)
	if err != nil {
		return nil, errors.Join(config.explain(err), lock.release())
	}
	return &Broker{cluster: cluster, addr: cluster.ListenAddrs()[0], lock: lock}, nil
}

// Addr returns host:port of the broker, with the port that was chosen.
func (b *Broker) Addr() string { return b.addr }

// Close stops the broker, once what it holds is in the data directory, if it has one. Closing twice is fine.
func (b *Broker) Close() error {
	b.close.Do(func() {
		b.cluster.Close()
		b.closed = b.lock.release()
	})
	return b.closed
}

func (c *Config) ensureDefaults() {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if host, port, err := net.SplitHostPort(c.Addr); err == nil && host == "" {
		c.Addr = net.JoinHostPort("127.0.0.1", port)
	}
	if c.Partitions == 0 {
		c.Partitions = 1
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

func (c *Config) validate() error {
	var faults []error
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		faults = append(faults, fmt.Errorf("%q is no address to listen on: write host:port, such as 127.0.0.1:9092", c.Addr))
	}
	if c.Partitions < 0 {
		faults = append(faults, fmt.Errorf("a topic cannot have %d partitions: write 1 or more", c.Partitions))
	}
	return errors.Join(faults...)
}

// options turns the configuration into kfake's. Retention is without limit: records of last year must not vanish.
func (c *Config) options() []kfake.Opt {
	options := []kfake.Opt{
		kfake.NumBrokers(1),
		// State on disk is that of a cluster by its id, so no two may have the same. A data directory keeps its first.
		kfake.ClusterID("pyudf-" + rand.Text()),
		kfake.AllowAutoTopicCreation(),
		kfake.DefaultNumPartitions(c.Partitions),
		kfake.WithLogger(logger{c.Logger}),
		kfake.BrokerConfigs(map[string]string{"log.retention.ms": "-1"}),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) {
			return new(net.ListenConfig).Listen(context.Background(), network, c.Addr)
		}),
	}
	if c.DataDir != "" {
		options = append(options, kfake.DataDir(c.DataDir))
	}
	return options
}

func (c *Config) explain(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use by another program, perhaps another broker: stop it, or listen elsewhere", c.Addr)
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("listening on %s: %w; write an address of this machine and a port up to 65535, or 0 for any free one", c.Addr, err)
	}
	if c.DataDir != "" {
		return fmt.Errorf("starting on the data in %s: %w", c.DataDir, err)
	}
	return fmt.Errorf("starting the broker: %w", err)
}
