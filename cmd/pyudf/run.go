package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/memory"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/observe"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/progress"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/target"
	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

type runFlags struct {
	kafka    kafkaFlags
	talk     talkFlags
	code     codeFlags
	group    string
	untilEnd bool
	terms
	metricsAddr string
	pprof       bool
	stateDir    string
	flush       bool
	resetState  bool
	singleNode  bool
	node        string

	snapshots        string
	snapshotInterval time.Duration
	// stateEpoch is how often a deployment's state was begun anew. What is kept has another name then.
	stateEpoch uint32
}

func newRun(w *world) *cobra.Command {
	var flags runFlags
	usual := terms{}.orUsual()
	cmd := &cobra.Command{
		Use:     "run APP.py | FILE:FUNCTION",
		Short:   "Run an app, or a single function, on a stream",
		GroupID: groupRun,
		Long: `run reads the app's topics and files, calls its functions in Python workers and writes the results. It goes
on until Ctrl-C, or until the end with --until-end or if all inputs are files. The first Ctrl-C finishes the
records under way and commits; the second stops at once.

` + targetHelp + `

Where reading begins if the group has committed nothing yet is said by --start: earliest (the default), latest
or a time. For an app --from means the same; for FILE:FUNCTION --from names the input.

Every record counts exactly once: results, state and positions of an epoch are committed in one transaction,
every --commit-interval, and consumers that read with isolation.level=read_committed see an epoch whole or not
at all. --guarantee at-least-once shows results as they are written; after a crash some come twice. An app that
writes files commits at its end, and what it writes to topics besides comes at least once. A run that reads files
alone goes on where the one before was interrupted; behind one that came to its end it begins anew.

Windows and keyed state of topics are kept in --state-dir, by cluster and group, and in a changelog topic: the
next run goes on there, with --until-end too, and any process of the group can take over.

Records that get another key travel through a topic to the process of that key. With --single-node they stay in
memory: for a group of one process, which reads all partitions. Windows and state go on with and without it.`,
		Example: `  pyudf run heat.py
  pyudf run heat.py --until-end --workers 2
  pyudf run heat.py --group trial --from 2013-07-01T00:00:00Z
  pyudf run features.py:heat_index --from weather --to heat --column heat_index
  pyudf run heat.py --brokers kafka-1:9093 --config staging.properties -X sasl.username=ann`,
		Args:              atMost(1),
		ValidArgsFunction: completeFiles(0, "py"),
		RunE:              func(cmd *cobra.Command, args []string) error { return flags.run(cmd.Context(), w, args) },
	}
	flags.code.add(cmd)
	cmd.Flags().DurationVar(&flags.code.attachTimeout, "attach-timeout", 5*time.Minute, "with --attach, the `TIME` that the worker is waited for when it is not there")
	cmd.Flags().StringVar(&flags.code.target.Start, "start", "", "`WHERE` a new group begins: earliest (the default), latest or a time such as 2013-07-01T12:00:00Z")
	cmd.Flags().BoolVar(&flags.untilEnd, "until-end", false, "stop at the offsets that the topics end at now")
	cmd.Flags().StringVar(&flags.group, "group", "", "the consumer `GROUP` (default the app's name)")
	cmd.Flags().IntVar(&flags.workers, "workers", usual.workers, "the number `N` of Python processes")
	cmd.Flags().DurationVar(&flags.commitInterval, "commit-interval", usual.commitInterval, "the `TIME` between commits, such as 500ms")
	cmd.Flags().StringVar(&flags.guarantee, "guarantee", usual.guarantee, "`WHAT` a crash may do to results: exactly-once (nothing) or at-least-once (some come twice)")
	cmd.Flags().StringVar(&flags.node, "node", "", "the `NAME` of this process in its group, the same after a restart; for containers without a disk (default: one that is kept in --state-dir)")
	cmd.Flags().StringVar(&flags.metricsAddr, "metrics-addr", "", "serve Prometheus metrics at `HOST:PORT`, path /metrics")
	cmd.Flags().BoolVar(&flags.pprof, "pprof", false, "serve Go's profiles at --metrics-addr too, below /debug/pprof/")
	cmd.Flags().StringVar(&flags.stateDir, "state-dir", "", "the `DIR` for open windows and other state, which processes on a machine may share (default ~/.local/state/pyudf)")
	cmd.Flags().StringVar(&flags.snapshots, "snapshots", "", "keep copies of the state in `PLACE`, a directory or s3://BUCKET/PREFIX, from which any machine can take over (see docs/snapshots.md)")
	cmd.Flags().DurationVar(&flags.snapshotInterval, "snapshot-interval", 10*time.Minute, "the `TIME` between two copies of a partition's state")
	cmd.Flags().BoolVar(&flags.flush, "flush", false, "with --until-end, close the windows that are open at the end; else they wait for the next run")
	cmd.Flags().BoolVar(&flags.resetState, "reset-state", false, "forget the group's state on this machine and go on at its offsets with empty windows, in files at their start")
	cmd.Flags().BoolVar(&flags.singleNode, "single-node", false, "this process is the only one of its group: records that get another key stay in memory, and need no topic")
	flags.kafka.add(cmd)
	flags.talk.add(cmd)
	return cmd
}

// parsed is what the flags say.
type parsed struct {
	settings map[string]string
	target   target.Target
	talk     *talk
}

// parse returns all faults of the flags at once.
func (f *runFlags) parse(w *world, args []string) (parsed, error) {
	var p parsed
	faults := make([]error, 3)
	p.settings, faults[0] = f.kafka.parse(w)
	p.target, faults[1] = target.Resolve(args, f.code.target)
	p.talk, faults[2] = f.talk.open(w)
	if f.workers > 1 && !p.target.Attach.IsZero() {
		faults = append(faults, fmt.Errorf("--workers %d: an attached worker is one process: leave --workers out", f.workers))
	}
	faults = append(faults, f.check()...)
	if f.snapshotInterval <= 0 {
		faults = append(faults, fmt.Errorf("--snapshot-interval %s: write a time such as 10m", f.snapshotInterval))
	}
	if f.flush && !f.untilEnd {
		faults = append(faults, errors.New("--flush closes windows at the end: add --until-end"))
	}
	if f.pprof && f.metricsAddr == "" {
		faults = append(faults, errors.New("--pprof needs an address: add --metrics-addr HOST:PORT"))
	}
	return p, errors.Join(faults...)
}

func (f *runFlags) run(ctx context.Context, w *world, args []string) error {
	p, err := f.parse(w, args)
	if err != nil {
		return outcome.Mendable(err)
	}
	watching, enough := context.WithCancel(ctx)
	defer enough()
	go memory.Watch(watching)
	ctx, release := w.interruptible(ctx, func() {
		p.talk.logger.Info("stopping: finishing the records under way and committing; press Ctrl-C again to stop at once")
	})
	defer release()
	registry := prometheus.NewRegistry()
	set := metrics.New(registry)
	stopServing, err := serveMetrics(ctx, registry, observe.Config{Addr: f.metricsAddr, Profiles: f.pprof, Logger: p.talk.logger})
	if err != nil {
		return outcome.Mendable(err)
	}
	defer stopServing()
	connecting := beginConnect(ctx, p.settings, p.talk.logger) // while the worker starts
	defer connecting.drop()
	workers, err := f.code.open(ctx, p.target, f.workers, p.talk.logger)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer workers.close()
	proto := workers.said.GetPlan()
	compiled, err := plan.Compile(proto)
	if err != nil {
		return explainLoad(err)
	}
	ports, err := openPorts(ctx, proto, connecting, f.portsConfig(p, proto, set))
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer ports.close()
	ports.beginInternals(ctx, compiled)
	kept, err := f.openState(ctx, w, compiled, ports)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer kept.close()
	return f.stream(ctx, w, running{parsed: p, plan: proto, workers: workers, ports: ports, state: kept, metrics: set, registry: registry})
}

func (f *runFlags) portsConfig(p parsed, proto *planv1.Plan, set *metrics.Set) portsConfig {
	group := f.group
	if group == "" {
		group = proto.GetApp()
	}
	return portsConfig{
		settings: p.settings, group: group, stateName: stateName(group, f.stateEpoch), start: p.target.Start, untilEnd: f.untilEnd, singleNode: f.singleNode,
		atLeastOnce: f.guarantee == atLeastOnce, snapshots: f.snapshots != "",
		commitInterval: f.commitInterval, metrics: set, logger: p.talk.logger,
	}
}

// serveMetrics serves the metrics if there is an address, until the function that it returns is called.
func serveMetrics(ctx context.Context, registry *prometheus.Registry, config observe.Config) (stop func(), err error) {
	if config.Addr == "" {
		return func() {}, nil
	}
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	config.Metrics = registry
	server, err := observe.Start(ctx, config)
	if err != nil {
		return nil, err
	}
	config.Logger.Info("metrics are served", "url", "http://"+server.Addr()+"/metrics")
	return func() { closeLogged(config.Logger, server.Close) }, nil
}

// running is a run that is ready to begin.
type running struct {
	parsed

	plan     *planv1.Plan
	workers  *workers
	ports    *ports
	state    *keeping
	metrics  *metrics.Set
	registry *prometheus.Registry
}

// config returns what the engine needs for a run.
func (f *runFlags) config(w *world, r *running, seen *seen) engine.Config {
	return engine.Config{
		Plan: r.plan, OpenSource: r.ports.openSource,
		OpenOutlet: func(ctx context.Context, name string) (engine.Outlet, error) {
			return r.ports.openOutlet(ctx, r.plan, name)
		},
		OpenHop: r.ports.openHop, Partitions: r.ports.partitionsOf, SingleNode: r.ports.alone(),
		ResumeFiles: r.ports.resumesFiles(),
		State:       r.state.root, Changelogs: r.ports.changelogs(r.state.root), Snapshots: r.state.snapshots,
		SnapshotInterval: f.snapshotInterval, Scratch: r.state.scratch, Board: seen.board, Copies: seen.copies,
		Flush: f.flush, Bounded: f.untilEnd, ResetState: f.resetState, BeginAnew: f.stateEpoch > 0,
		Start: r.workers.Start, Workers: f.workers, CommitInterval: f.commitInterval,
		Probe: probe(w), Metrics: r.metrics, Logger: r.talk.logger,
	}
}

func (f *runFlags) stream(ctx context.Context, w *world, r running) error {
	results := slices.Concat(destinations(r.plan))
	reporter := r.talk.reporter(w, progress.OfRun(), func() (progress.Counts, error) { return progress.Read(r.registry, results) })
	seen := f.board(ctx, &r)
	defer seen.close()
	last, err := follow(ctx, reporter, r.talk.screen != nil, func(ctx context.Context) error {
		return engine.Run(ctx, f.config(w, &r, seen))
	})
	if err != nil {
		return unlessStopped(ctx, explainLoad(err))
	}
	how := "done"
	if ctx.Err() != nil {
		how = "stopped"
	} else if f.untilEnd {
		r.ports.warnOfOthers(ctx)
	}
	r.talk.conclude(ctx, w, ending{how, last.Summary(), last.Attrs()})
	if !r.talk.structured && !r.talk.silent {
		for _, line := range (hints{r.plan, r.ports.config.group, brokersFlag(w, r.settings), f.untilEnd && !f.flush}).lines(last) {
			w.say("%s", line)
		}
	}
	return nil
}

// unlessStopped drops an error that only says that the user ended the program before it had begun.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
