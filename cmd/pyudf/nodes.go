package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/bundles"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/environments"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/node"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/registry"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/supervise"
	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/engine/metrics"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
	"github.com/pyudf/pyudf/udfworker/address"
)

// clusterNode is a node of a cluster: what it is made of.
type clusterNode struct {
	flags    *nodeFlags
	world    *world
	settings map[string]string
	logger   *slog.Logger
	home     string
	// base is where the node's own place lies, beside the state of what it runs.
	base     string
	sidecars map[string]address.Address

	cluster      *kafka.Cluster
	place        *node.Node
	registry     *registry.Registry
	cache        *bundles.Cache
	environments *environments.Builder
	metrics      *prometheus.Registry
	supervisor   *supervise.Node
	server       *control.Server
	closing      []func() error

	mu   sync.Mutex // guards the rest
	sets map[string]*metrics.Set
	// hashes are the environments that were used, by the archives that needed them.
	hashes map[string]string
}

// open connects, takes a place among the nodes and listens.
func (n *clusterNode) open(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			n.close(ctx)
		}
	}()
	if n.cluster, err = connect(ctx, n.settings, n.logger); err != nil {
		return err
	}
	n.closing = append(n.closing, func() error { n.cluster.Close(); return nil })
	if err := n.settleDown(ctx); err != nil {
		return err
	}
	n.registry, err = registry.Open(ctx, registry.Config{Cluster: n.cluster, Name: n.flags.cluster, Protocol: control.Protocol, Logger: n.logger})
	if err != nil {
		return outcome.Mendable(err)
	}
	n.closing = append(n.closing, n.registry.Close)
	self := &controlv1.Node{
		Id: n.place.ID(), Cluster: n.flags.cluster, Version: version, Protocol: control.Protocol,
		Address: n.flags.advertise, StartedMs: time.Now().UnixMilli(),
	}
	n.supervisor = supervise.New(supervise.Config{
		Self: self, Registry: n.registry, Peers: n.peers(), Prepare: n.prepare, Check: n.check, Open: n.lookInto,
		Forget: n.forget, Clear: n.clearState, Tidy: n.tidy, Probe: probe(n.world), Level: slog.LevelInfo, Logger: n.logger,
	})
	n.server, err = control.Start(ctx, control.ServerConfig{
		Addr: n.flags.listen, Cert: n.flags.cert, Key: n.flags.key, ClientCA: n.flags.clientCA, Tokens: n.flags.tokens,
		MaxBundle: n.flags.maxBundleBytes, Engine: n.supervisor, Version: version, Logger: n.logger,
	})
	if err != nil {
		return outcome.Mendable(err)
	}
	if self.GetAddress() == "" {
		n.supervisor.At(n.server.URL())
	}
	return nil
}

// settleDown takes a place on this machine's disk, where bundles and environments lie too.
func (n *clusterNode) settleDown(ctx context.Context) error {
	id, err := n.cluster.ID(ctx)
	if err != nil {
		return err
	}
	shared := filepath.Join(n.home, "nodes")
	n.base = filepath.Join(n.home, safe(id), safe("cluster "+n.flags.cluster))
	n.place, err = node.Claim(n.base, n.flags.node)
	if err != nil {
		return outcome.Mendable(err)
	}
	n.closing = append(n.closing, n.place.Release)
	interpreter, err := (&codeFlags{python: n.flags.python}).interpreter("") // which has the node's own pyudf
	if err != nil {
		return outcome.Mendable(err)
	}
	n.cache, err = bundles.Open(bundles.Config{Dir: filepath.Join(shared, "bundles"), Python: interpreter, Limit: n.flags.maxBundleBytes})
	if err != nil {
		return outcome.Mendable(err)
	}
	n.environments, err = environments.New(environments.Config{
		Dir: filepath.Join(shared, "environments"), Python: interpreter, Wheels: n.flags.wheels, Isolated: n.flags.isolated,
		Installer: n.flags.installer, Logger: n.logger,
	})
	return outcome.Mendable(err)
}

// leaveURL writes where the node is to the file that a flag names, if it names one, until the node ends.
func (n *clusterNode) leaveURL(flag, path string) error {
	if path == "" {
		return nil
	}
	if err := writeReady(flag, path, n.server.URL()); err != nil {
		return err
	}
	n.closing = append(n.closing, func() error { _ = os.Remove(path); return nil }) // whoever waits for it has read it
	return nil
}

func (n *clusterNode) close(ctx context.Context) {
	if n.server != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		closeLogged(n.logger, func() error { return n.server.Close(ctx) })
	}
	for _, closing := range slices.Backward(n.closing) {
		closeLogged(n.logger, closing)
	}
}

// lookInto takes an archive in, and says what it is.
func (n *clusterNode) lookInto(ctx context.Context, archive []byte) (*supervise.Bundle, error) {
	b, err := n.cache.Put(ctx, archive)
	if err != nil {
		return nil, err
	}
	return &supervise.Bundle{App: b.App, Archive: b.Archive, Hash: b.Hash, Content: b.Content, Bytes: uint64(b.Bytes)}, nil //nolint:gosec // a size
}

// bundle returns a version's bundle, which is fetched from the cluster if it is not here.
func (n *clusterNode) bundle(ctx context.Context, v *controlv1.Version) (*bundles.Bundle, error) {
	b, err := n.cache.Get(ctx, v.GetArchive())
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	archive, err := n.registry.Bundle(ctx, v.GetArchive())
	if err != nil {
		return nil, err
	}
	return n.cache.Put(ctx, archive)
}

// metricsOf returns what counts for a deployment, whichever version runs.
func (n *clusterNode) metricsOf(name string) *metrics.Set {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.sets[name] == nil {
		n.sets[name] = metrics.New(prometheus.WrapRegistererWith(prometheus.Labels{"deployment": name}, n.metrics))
	}
	return n.sets[name]
}

// use notes that an archive uses an environment, which has no hash if it is the node's own.
func (n *clusterNode) use(archive, hash string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hashes[archive] = hash
}

// tidy removes the bundles and environments that no version needs any more.
func (n *clusterNode) tidy(versions []*controlv1.Version) {
	var archives []string
	for _, v := range versions {
		archives = append(archives, v.GetArchive())
	}
	n.mu.Lock()
	maps.DeleteFunc(n.hashes, func(archive, _ string) bool { return !slices.Contains(archives, archive) })
	hashes := slices.Sorted(maps.Values(n.hashes))
	n.mu.Unlock()
	if err := errors.Join(n.cache.Keep(archives), n.environments.Keep(hashes)); err != nil {
		n.logger.Warn("what is not needed any more could not be removed", "cause", err)
	}
}
