package main

import (
	"cmp"
	"context"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/deadletter"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/node"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/sink"
	sinkfile "github.com/pyudf/pyudf/engine/sink/file"
	"github.com/pyudf/pyudf/engine/snapshot"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/pebblestate"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// hopRetention is how long records stay in a topic between two stages: longer than any engine should be away.
const hopRetention = 7 * 24 * 60 * 60 * 1000

// openHop opens the topic that leads to a stage; a queue in memory where all input is files, which one process reads.
func (p *ports) openHop(ctx context.Context, to engine.HopTo) (engine.Hop, error) {
	if p.cluster == nil || p.onlyFiles {
		return localHop(to.Stage, cmp.Or(to.Partitions, defaultPartitions)), nil
	}
	if p.config.singleNode {
		return p.hopInProcess(ctx, to)
	}
	name := p.hopTopic(to.Stage)
	if err := p.begun(name, func() error { return p.ensureHop(ctx, to.Stage) }); err != nil {
		return engine.Hop{}, outcome.Mendable(err)
	}
	info, err := p.cluster.Topic(ctx, name)
	if err != nil {
		return engine.Hop{}, err
	}
	from, err := p.cluster.OpenSource(ctx, kafka.SourceConfig{
		Topic: name, Group: p.hopGroup(to.Stage), InstanceID: p.node + "." + to.Stage, Metrics: p.config.metrics,
	})
	return engine.Hop{Source: from, Partitions: info.Partitions}, err
}

func (p *ports) hopTopic(stage string) string {
	return p.config.stateName + "." + stage + ".repartition"
}

func (p *ports) hopGroup(stage string) string { return p.config.stateName + "." + stage }

// stateName returns what stands for a group in the names of its state, changelogs and hops, after it was begun anew so many
// times.
func stateName(group string, epoch uint32) string {
	if epoch == 0 {
		return group
	}
	return group + ".anew-" + strconv.FormatUint(uint64(epoch), 10)
}

// partitionsOf returns how many partitions a source has.
func (p *ports) partitionsOf(ctx context.Context, s *planv1.Source) (int, error) {
	if s.GetFile() != nil {
		return 1, nil
	}
	info, err := p.cluster.Topic(ctx, s.GetTopic().GetName())
	return info.Partitions, err
}

// lateTopics returns where records go that came too late, each topic once.
func lateTopics(plan *planv1.Plan) []string {
	var names []string
	for _, step := range plan.GetSteps() {
		if late := step.GetAggregate().GetLate().GetName(); late != "" && !slices.Contains(names, late) {
			names = append(names, late)
		}
	}
	return names
}

// lateFileName names the file that stands in for a topic of late records where there is no broker.
func lateFileName(topic string) string { return topic + ".jsonl" }

func lateFile(topic string) sink.Sink {
	return deadletter.Lines(func() (sink.Sink, error) {
		to, err := sinkfile.Create(lateFileName(topic), planv1.Format_FORMAT_JSON)
		if err != nil {
			return nil, outcome.Mendf("the file for late records: %w", err)
		}
		return to, nil
	})
}

// keeping is where a run keeps its state, and the place that it has among those of its group on this machine.
type keeping struct {
	// slot is nil if the run touches no topic; root is nil, which is memory, if nothing has to last.
	slot *node.Node
	root state.Root
	// snapshots is nil if there are to be none. scratch is where they lie until they are written.
	snapshots engine.Snapshots
	scratch   string
	closing   []func() error
	logger    *slog.Logger
}

// close frees everything, the place last.
func (k *keeping) close() {
	for _, closing := range slices.Backward(k.closing) {
		closeLogged(k.logger, closing)
	}
}

// openState takes a place for this process among those of its group on this machine, and opens where tasks keep their state.
func (f *runFlags) openState(ctx context.Context, w *world, compiled *plan.Plan, ports *ports) (*keeping, error) {
	k := &keeping{logger: ports.config.logger}
	if ports.cluster == nil {
		return k, nil
	}
	dir, err := f.stateDirOf(ctx, w, ports)
	if err != nil {
		return nil, err
	}
	name := f.node
	if ports.resumesFiles() {
		name = nodeOfFiles
	}
	if k.slot, err = node.Claim(dir, name); err != nil {
		return nil, outcome.Mendable(err)
	}
	k.closing = append(k.closing, k.slot.Release)
	ports.node = k.slot.ID()
	if keepsState(compiled) || ports.resumesFiles() {
		if err := f.openStores(ctx, k, dir, ports); err != nil {
			k.close()
			return nil, outcome.Mendable(err)
		}
	}
	return k, nil
}

func (f *runFlags) openStores(ctx context.Context, k *keeping, dir string, ports *ports) error {
	kept, err := pebblestate.Open(dir, pebblestate.Config{Log: k.logger})
	if err != nil {
		return err
	}
	k.root = kept
	k.closing = append(k.closing, kept.Close)
	if f.resetState {
		if err := kept.Forget(); err != nil {
			return err
		}
	}
	if f.snapshots == "" {
		return nil
	}
	copies, err := snapshot.Open(ctx, f.snapshots, snapshot.Config{Below: snapshotsBelow(filepath.Base(filepath.Dir(dir)), ports.config.stateName), Log: k.logger})
	if err != nil {
		return err
	}
	k.snapshots = copies
	k.closing = append(k.closing, copies.Close)
	k.scratch = filepath.Join(k.slot.Dir(), "scratch")
	if k.slot.Dir() == "" {
		k.scratch = dir + ",scratch-" + safe(k.slot.ID())
	}
	if err := os.RemoveAll(k.scratch); err != nil { // what a crash left
		return err
	}
	return os.MkdirAll(k.scratch, 0o700)
}

// snapshotsBelow is where the snapshots of a cluster, by the name of its directory, and of a state lie.
func snapshotsBelow(cluster, stateName string) string { return safe(cluster) + "/" + safe(stateName) }

// stateDirOf returns where the state of a run's cluster and group lies.
func (f *runFlags) stateDirOf(ctx context.Context, w *world, ports *ports) (string, error) {
	home, err := stateHome(w, f.stateDir)
	if err != nil {
		return "", err
	}
	id, err := ports.cluster.ID(ctx)
	return filepath.Join(home, safe(id), safe(ports.config.stateName)), err
}

// changelogs returns where the changelogs are of a run that has any.
func (p *ports) changelogs(root state.Root) *engine.Changelogs {
	if root == nil {
		return nil
	}
	return &engine.Changelogs{
		Log:   p.cluster,
		Marks: p.transactional,
		Topic: p.changelog,
	}
}

// resumesFiles tells that a run which was interrupted is gone on with, of an app that reads files alone.
func (p *ports) resumesFiles() bool { return p.onlyFiles && p.transactional }

// nodeOfFiles is who reads files, wherever it runs: a process of this name fences the one before.
const nodeOfFiles = "files"

func keepsState(compiled *plan.Plan) bool {
	return slices.ContainsFunc(compiled.Sources, (*plan.Source).Stateful)
}

// stateHome returns where the state of all clusters and groups lies: where programs keep what must last, unless the flag
// names a place.
func stateHome(w *world, stateDir string) (string, error) {
	if stateDir != "" {
		return stateDir, nil
	}
	if dir := w.getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "pyudf"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", outcome.Mendf("no place for state: %w; name one with --state-dir", err)
	}
	return filepath.Join(home, ".local", "state", "pyudf"), nil
}

// safe returns a name that can be a directory's, another one for each name.
func safe(name string) string {
	if name == "." || name == ".." {
		return strings.ReplaceAll(name, ".", "%2E")
	}
	return url.PathEscape(name)
}
