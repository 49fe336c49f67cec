package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/bundles"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/environments"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	progressing "github.com/pyudf/pyudf/cmd/pyudf/internal/progress"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/supervise"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/target"
	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/status"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
	"github.com/pyudf/pyudf/udfworker/host"
)

// candidate is a version of a deployment whose workers are up.
type candidate struct {
	node    *clusterNode
	job     supervise.Job
	flags   *runFlags
	target  target.Target
	workers *workers
	// attached is the worker that somebody else runs, nil if there is none.
	attached *host.AttachConfig
	lease    *environments.Lease
	plan     *planv1.Plan
	compiled *plan.Plan
	// ending are runs that have been told to end, and whose workers are on their way out.
	ending sync.WaitGroup

	mu   sync.Mutex // guards seen
	seen *seen
}

// prepare makes a version ready: its bundle, an environment with what it requires, workers that have loaded it, and a plan whose
// inputs are there.
func (n *clusterNode) prepare(ctx context.Context, job supervise.Job, progress func(string)) (_ supervise.Candidate, err error) {
	c := &candidate{node: n, job: job}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	if c.flags, err = n.runFlags(job); err != nil {
		return nil, err
	}
	if c.target.Start, err = target.ParseStart("--start", job.Version.GetSettings().GetStart()); err != nil {
		return nil, control.Invalid("%w", err)
	}
	bundle, err := n.bundle(ctx, job.Version)
	if err != nil {
		return nil, err
	}
	if err := c.staff(ctx, bundle, progress); err != nil {
		return nil, err
	}
	c.plan = c.workers.said.GetPlan()
	if c.compiled, err = plan.Compile(c.plan); err != nil {
		return nil, explainLoad(err)
	}
	if err := n.checkInputs(ctx, c.plan, c.compiled); err != nil {
		return nil, err
	}
	return c, nil
}

// staff starts the workers of a version.
func (c *candidate) staff(ctx context.Context, bundle *bundles.Bundle, progress func(string)) error {
	if at, attached := c.node.sidecars[c.job.Deployment]; attached {
		return c.attach(ctx, at, bundle, progress)
	}
	var err error
	if c.lease, err = c.node.environments.Ensure(ctx, bundle.Requirements, bundle.Python, progress); err != nil {
		return err
	}
	c.node.use(bundle.Archive, c.lease.Hash)
	environ, err := withSecrets(c.environ(), c.job.Version.GetSettings().GetSecrets())
	if err != nil {
		return err
	}
	f := c.job.Version.GetSettings().GetFunction()
	single := target.Flags{From: f.GetFrom(), To: f.GetTo(), Column: f.GetColumn(), Key: f.GetKey(), Time: f.GetTime()}
	arguments := append([]string{bundle.File}, single.Function()...)
	progress("starting " + progressing.Count(int64(c.flags.workers), "worker"))
	c.workers = &workers{logger: c.job.Logger, start: func(ctx context.Context) (*host.Process, error) {
		return host.Start(ctx, host.Config{Python: c.lease.Python, Args: arguments, Env: environ, Logger: c.job.Logger})
	}}
	if err := c.workers.warmUp(ctx, c.flags.workers); err != nil {
		return outcome.Mendable(explainLoad(err))
	}
	return nil
}

// environ is what workers inherit. An environment of its own has its own packages, and none of the node's.
func (c *candidate) environ() []string {
	environ := os.Environ()
	if c.lease.Hash == "" {
		return environ
	}
	return slices.DeleteFunc(environ, func(variable string) bool { return strings.HasPrefix(variable, "PYTHONPATH=") })
}

// withSecrets returns an environment with the values that references stand for. They are looked up here and now, and told to
// nobody but the workers.
func withSecrets(environ []string, references map[string]string) ([]string, error) {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(references)) {
		reference := references[name]
		value, err := resolve(reference)
		if err != nil {
			faults = append(faults, control.Refused("--secret %s=%s: %w", name, reference, err))
			continue
		}
		environ = append(environ, name+"="+value)
	}
	return environ, errors.Join(faults...)
}

func resolve(reference string) (string, error) {
	kind, where, _ := strings.Cut(reference, ":")
	switch kind {
	case "env":
		value, there := os.LookupEnv(where)
		if !there {
			return "", fmt.Errorf("this node has no environment variable %s: set it where the node is started", where)
		}
		return value, nil
	case "file":
		text, err := os.ReadFile(where)
		if err != nil {
			return "", fmt.Errorf("this node cannot read it: %w", cause(err))
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	default:
		return "", errors.New("write env:NAME or file:PATH: secrets go by reference")
	}
}

// runFlags says how a version is run, as the flags of `pyudf run` would.
func (n *clusterNode) runFlags(job supervise.Job) (*runFlags, error) {
	s := job.Version.GetSettings()
	f := &runFlags{
		group: job.Deployment, stateDir: n.home, node: n.flags.node,
		terms:     terms{int(s.GetWorkers()), s.GetGuarantee(), time.Duration(s.GetCommitIntervalMs()) * time.Millisecond}.orUsual(),
		snapshots: n.flags.snapshots, snapshotInterval: n.flags.snapshotInterval, stateEpoch: job.Version.GetStateEpoch(),
	}
	if faults := f.check(); len(faults) > 0 {
		return nil, control.Invalid("%w", errors.Join(faults...))
	}
	return f, nil
}

// Plan implements supervise.Candidate.
func (c *candidate) Plan() *planv1.Plan { return c.plan }

// Attached implements supervise.Candidate.
func (c *candidate) Attached() string {
	if c.attached == nil {
		return ""
	}
	return c.attached.Address.String()
}

// Follows implements supervise.Candidate.
func (c *candidate) Follows() error { return engine.HandOver(c.compiled) }

// Run implements supervise.Candidate.
func (c *candidate) Run(ctx context.Context, begun func()) error {
	logger := c.job.Logger
	defer c.take(ctx)()
	p := parsed{settings: c.node.settings, target: c.target, talk: &talk{logger: logger}}
	set := c.node.metricsOf(c.job.Deployment)
	config := c.flags.portsConfig(p, c.plan, set)
	config.shared = c.node.cluster // clients wait there for the version that follows
	ports, err := openPorts(ctx, c.plan, nil, config)
	if err != nil {
		return err
	}
	ports.beginInternals(ctx, c.compiled)
	kept, err := c.flags.openState(ctx, c.node.world, c.compiled, ports)
	if err != nil {
		ports.close()
		return err
	}
	r := &running{parsed: p, plan: c.plan, workers: c.workers, ports: ports, state: kept, metrics: set}
	seen := c.flags.board(ctx, r)
	c.look(seen)
	defer c.look(nil)
	run := engine.Start(ctx, c.flags.config(c.node.world, r, seen))
	select {
	case <-run.Begun():
		begun()
	case <-run.Released():
	}
	<-run.Released()
	seen.close()
	kept.close()
	c.ending.Go(ports.close)
	return c.end(ctx, run, logger)
}

// end returns how a run ended. Where another version waits for its turn, the workers of this one go on their own.
func (c *candidate) end(ctx context.Context, run *engine.Running, logger *slog.Logger) error {
	if ctx.Err() == nil || errors.Is(context.Cause(ctx), context.Canceled) {
		<-run.Done()
		return explainLoad(run.Err())
	}
	c.ending.Go(func() {
		<-run.Done()
		if err := run.Err(); err != nil {
			logger.Warn("a version did not end cleanly: what it had not committed is done again", "cause", err)
		}
	})
	return nil
}

func (c *candidate) look(s *seen) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = s
}

// Status implements supervise.Candidate.
func (c *candidate) Status() status.Run {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil || c.seen.board == nil {
		return status.Run{App: c.plan.GetApp(), Group: c.job.Deployment}
	}
	return c.seen.board.Snapshot()
}

// Close implements supervise.Candidate.
func (c *candidate) Close() {
	if c.workers != nil {
		c.workers.close()
	}
	c.ending.Wait()
	if c.lease != nil {
		c.lease.Release()
	}
}

// Leave implements supervise.Candidate.
func (c *candidate) Leave() {
	if err := c.node.cluster.Leave(c.job.Deployment); err != nil {
		c.job.Logger.Warn("what waited for another version did not end cleanly", "cause", err)
	}
}
