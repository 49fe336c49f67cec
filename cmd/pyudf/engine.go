package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/memory"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/observe"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/udfworker/address"
)

// nodeFlags say what a node is, and where it listens.
type nodeFlags struct {
	cluster     string
	stateDir    string
	listen      string
	advertise   string
	cert, key   string
	clientCA    string
	peerCA      string
	tokens      string
	maxBundle   string
	wheels      []string
	isolated    bool
	installer   string
	python      string
	node        string
	metricsAddr string
	attach      []string
	attachTLS   address.TLS
	readyFile   string
	// ready is told that the node listens.
	ready func(n *clusterNode) error

	snapshots        string
	snapshotInterval time.Duration

	maxBundleBytes int64
}

func newEngine(w *world) *cobra.Command {
	var kafka kafkaFlags
	var talk talkFlags
	var flags nodeFlags
	cmd := &cobra.Command{
		Use:     "engine",
		Short:   "Run a node, which runs what is deployed",
		GroupID: groupShip,
		Long: `engine runs a node of a cluster until Ctrl-C. All nodes with the same brokers and --cluster share the work: each
partition is read by one of them, and what one leaves behind the others take over, with its state. What is deployed
is kept in the topic _pyudf-NAME, so that nodes need nothing but Kafka and come back with everything.

Any node takes the commands for all: deploy, list, status, logs, history, rollback, stop, start and delete. It listens
on this machine only, and there everybody may use it; on other addresses it wants TLS and tokens (` + "`pyudf token`" + `).

What bundles require is installed into environments below --state-dir, once for all that require the same: by uv where
it is, else by pip; from --wheels if that is given, else from the index that they are configured for.`,
		Example: `  pyudf engine
  pyudf engine --brokers kafka-1:9092 --cluster heat --state-dir /var/lib/pyudf
  pyudf engine --listen 0.0.0.0:9191 --tls-cert node.pem --tls-key node.key --tokens tokens.txt
  pyudf engine --attach heat=unix:///run/heat.sock`,
		Args:              exactly(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := kafka.parse(w)
			if err != nil {
				return outcome.Mendable(err)
			}
			t, err := talk.open(w)
			if err != nil {
				return outcome.Mendable(err)
			}
			ctx, release := w.interruptible(cmd.Context(), func() {
				t.logger.Info("stopping: finishing the records under way and committing; press Ctrl-C again to stop at once")
			})
			defer release()
			flags.ready = func(n *clusterNode) error {
				t.logger.Info("the node is ready", "node", n.place.ID(), "cluster", flags.cluster, "url", n.server.URL(), "deployments", len(n.registry.Deployments()))
				return n.leaveURL("--ready-file", flags.readyFile)
			}
			return flags.run(ctx, w, settings, t)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&flags.cluster, "cluster", "main", "the `NAME` of the cluster that the node is of")
	cmd.Flags().StringVar(&flags.readyFile, "ready-file", "", "`FILE` to write the URL of the node to once it listens; removed at the end")
	kafka.add(cmd)
	talk.addLog(cmd)
	return cmd
}

// add adds the flags that all nodes have.
func (f *nodeFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.stateDir, "state-dir", "", "the `DIR` for state, bundles and environments, which nodes on a machine may share (default ~/.local/state/pyudf)")
	cmd.Flags().StringVar(&f.listen, "listen", control.DefaultAddr, "`HOST:PORT` for commands and other nodes; port 0 takes a free one")
	cmd.Flags().StringVar(&f.advertise, "advertise", "", "the `URL` at which other nodes reach this one (default that of --listen)")
	cmd.Flags().StringVar(&f.cert, "tls-cert", "", "a PEM `FILE` with the certificate of --listen")
	cmd.Flags().StringVar(&f.key, "tls-key", "", "the PEM `FILE` with its key")
	cmd.Flags().StringVar(&f.clientCA, "tls-client-ca", "", "a PEM `FILE` with the authority that callers must have a certificate of")
	cmd.Flags().StringVar(&f.peerCA, "tls-ca", "", "a PEM `FILE` with the authority of the other nodes' certificates (default those of the machine)")
	cmd.Flags().StringVar(&f.tokens, "tokens", "", "the `FILE` that says who may do what (see `pyudf token`)")
	cmd.Flags().StringVar(&f.maxBundle, "max-bundle", "64MB", "the largest `SIZE` of a bundle")
	cmd.Flags().StringArrayVar(&f.wheels, "wheels", nil, "a `DIR` with wheels to install from, and from nowhere else; may be repeated")
	cmd.Flags().BoolVar(&f.isolated, "isolated", false, "make an environment for each set of requirements, even where the node's own has them all")
	cmd.Flags().StringVar(&f.installer, "installer", "", "what installs: `uv or pip` (default uv where it is, else pip)")
	cmd.Flags().StringVar(&f.python, "python", "", "the `INTERPRETER` or virtual environment that pyudf is installed in (default as for pyudf run)")
	cmd.Flags().StringVar(&f.node, "node", "", "the `NAME` of the node, the same after a restart; for containers without a disk (default: one that is kept in --state-dir)")
	cmd.Flags().StringVar(&f.metricsAddr, "metrics-addr", "", "serve Prometheus metrics at `HOST:PORT`, path /metrics")
	cmd.Flags().StringVar(&f.snapshots, "snapshots", "", "keep copies of the state in `PLACE`, a directory or s3://BUCKET/PREFIX (see docs/snapshots.md)")
	cmd.Flags().DurationVar(&f.snapshotInterval, "snapshot-interval", 10*time.Minute, "the `TIME` between two copies of a partition's state")
	addWorkerTLS(cmd, &f.attachTLS, "--attach NAME=HOST:PORT")
	cmd.Flags().StringArrayVar(&f.attach, "attach", nil, "the worker of a deployment that somebody else runs, as `NAME=unix:///PATH` or NAME=HOST:PORT; may be repeated")
}

// run runs a node until ctx ends.
func (f *nodeFlags) run(ctx context.Context, w *world, settings map[string]string, t *talk) error {
	watching, enough := context.WithCancel(ctx)
	defer enough()
	go memory.Watch(watching)
	n := &clusterNode{flags: f, world: w, settings: settings, logger: t.logger, metrics: prometheus.NewRegistry(), sets: map[string]*metrics.Set{}, hashes: map[string]string{}}
	if err := f.parse(w, n); err != nil {
		return outcome.Mendable(err)
	}
	stopServing, err := serveMetrics(ctx, n.metrics, observe.Config{Addr: f.metricsAddr, Logger: t.logger})
	if err != nil {
		return outcome.Mendable(err)
	}
	defer stopServing()
	if err := n.open(ctx); err != nil {
		return unlessStopped(ctx, err)
	}
	defer n.close(ctx)
	if err := f.ready(n); err != nil {
		return outcome.Mendable(err)
	}
	return n.supervisor.Run(ctx)
}

// bytesOf reads a size such as 64MB.
func bytesOf(flag, text string) (int64, error) {
	for unit, size := range map[string]int64{"kB": 1000, "MB": 1000 * 1000, "GB": 1000 * 1000 * 1000} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 32)
			if err == nil && n > 0 {
				return n * size, nil
			}
		}
	}
	return 0, fmt.Errorf("%s %s: write a size such as 64MB", flag, text)
}

// parse reads what the flags say besides text.
func (f *nodeFlags) parse(w *world, n *clusterNode) error {
	var faults [3]error
	n.home, faults[0] = stateHome(w, f.stateDir)
	f.maxBundleBytes, faults[1] = bytesOf("--max-bundle", f.maxBundle)
	n.sidecars, faults[2] = f.sidecars()
	errs := faults[:]
	if f.snapshotInterval <= 0 {
		errs = append(errs, fmt.Errorf("--snapshot-interval %s: write a time such as 10m", f.snapshotInterval))
	}
	return errors.Join(errs...)
}
