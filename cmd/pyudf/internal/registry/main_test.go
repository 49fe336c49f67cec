package registry_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/registry"
	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/integration/kafkatest"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// wait is how long a thing may take that happens at once on an idle machine.
const wait = 90 * time.Second

// childOf makes the test binary another process of a cluster: what it does, where, and with which cluster.
const childOf = "PYUDF_REGISTRY_CHILD"

func TestMain(m *testing.M) {
	if role := os.Getenv(childOf); role != "" {
		words := strings.Fields(role)
		if err := beChild(words[0], words[1], words[2]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(kafkatest.Main(m))
}

// beChild adds versions if told how many, or else hangs in the midst of a change: holding makes brokers wait for it.
func beChild(what, addr, name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*wait)
	defer cancel()
	cluster, err := kafka.Connect(ctx, kafka.Settings{"bootstrap.servers": addr}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer cluster.Close()
	times, err := strconv.Atoi(what)
	if err != nil {
		return hang(ctx, cluster, "_pyudf-"+name, what == "holding")
	}
	r, err := registry.Open(ctx, registry.Config{Cluster: cluster, Name: name, Protocol: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // the process ends
	for range times {
		if _, err := r.Change(ctx, "heat", addVersion); err != nil {
			return err
		}
	}
	return nil
}

func hang(ctx context.Context, cluster *kafka.Cluster, topic string, holding bool) error {
	config := kafka.OutletConfig{Name: "child", TransactionalID: topic}
	if holding {
		config.TransactionTimeout = 10 * time.Minute
	}
	outlet, err := cluster.OpenOutlet(ctx, config)
	if err != nil {
		return err
	}
	to, err := outlet.OpenSink(ctx, topic)
	if err != nil {
		return err
	}
	m := &record.Messages{Times: []int64{-1}, Partitions: []int32{0}}
	m.Keys.Append([]byte("deployment/heat"))
	m.Values.Append(nil)
	if _, err := to.Write(ctx, m); err != nil {
		return err
	}
	if err := to.Flush(ctx); err != nil {
		return err
	}
	fmt.Println("open")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// addVersion is a change that no other one may get lost of.
func addVersion(before *controlv1.Deployment) (*controlv1.Deployment, error) {
	if before == nil {
		before = &controlv1.Deployment{}
	}
	number := uint32(len(before.GetVersions()) + 1) //nolint:gosec // few
	before.Versions = append(before.Versions, &controlv1.Version{Number: number})
	before.Current = number
	return before, nil
}

// child returns another process of a cluster that is to be started.
func child(t *testing.T, b *kafkatest.Broker, what, name string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childOf+"="+what+" "+b.Addr()+" "+name)
	return cmd
}

func connect(t *testing.T, addr string, more kafka.Settings, logger *slog.Logger) *kafka.Cluster {
	t.Helper()
	settings := kafka.Settings{"bootstrap.servers": addr}
	maps.Copy(settings, more)
	cluster, err := kafka.Connect(t.Context(), settings, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// within bounds what a test waits for.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	t.Cleanup(cancel)
	return ctx
}

// open opens a registry as a node of its own does, with a connection of its own.
func open(t *testing.T, b *kafkatest.Broker, config registry.Config) *registry.Registry {
	t.Helper()
	config.Logger = slog.New(slog.DiscardHandler)
	config.Cluster = connect(t, b.Addr(), nil, config.Logger)
	if config.Protocol == 0 {
		config.Protocol = 1
	}
	r, err := registry.Open(within(t), config)
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

// clusterName is a name that no other cluster has.
func clusterName(t *testing.T) string {
	t.Helper()
	name := kafkatest.Name(t, "c")
	return name[max(0, len(name)-60):]
}

// change changes the deployment heat.
func change(t *testing.T, r *registry.Registry, change func(before *controlv1.Deployment) (*controlv1.Deployment, error)) *controlv1.Deployment {
	t.Helper()
	after, err := r.Change(within(t), "heat", change)
	if err != nil {
		t.Fatal(err)
	}
	return after
}

// shows waits until a registry shows a revision of the deployment heat; 0: there is none.
func shows(t *testing.T, r *registry.Registry, revision uint64) *controlv1.Deployment {
	t.Helper()
	if err := r.Wait(within(t), func() bool { d, _ := r.Deployment("heat"); return d.GetRevision() == revision }); err != nil {
		d, _ := r.Deployment("heat")
		t.Fatalf("revision %d did not come: %v; there is %v", revision, err, d)
	}
	d, _ := r.Deployment("heat")
	return d
}
