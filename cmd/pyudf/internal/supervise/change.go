package supervise

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// remembered is how many versions of a deployment can be gone back to.
const remembered = 10

// Deploy implements control.Engine. The bundle is made ready on this node first; if it comes up the cluster hears of it, and all
// nodes follow. If it does not come up on one of them, all go back.
func (n *Node) Deploy(ctx context.Context, by string, req *controlv1.DeployRequest, progress func(string)) (*controlv1.Deployed, error) {
	bundle, err := n.config.Open(ctx, req.GetBundle())
	if err != nil {
		return nil, err
	}
	name, err := n.nameOf(ctx, req, bundle, progress)
	if err != nil {
		return nil, err
	}
	before, _ := n.config.Registry.Deployment(name)
	if now := current(before); !req.GetResetState() && !before.GetStopped() && now.GetContent() == bundle.Content && sameSettings(now.GetSettings(), req.GetSettings()) {
		return &controlv1.Deployed{Deployment: before, Unchanged: true, Nodes: n.alive()}, nil
	}
	version := next(before)
	version.Archive, version.Bytes, version.Bundle, version.Content = bundle.Archive, bundle.Bytes, bundle.Hash, bundle.Content
	version.Settings, version.DeployedBy = req.GetSettings(), by
	return n.change(ctx, change{name: name, before: before, version: version, reset: req.GetResetState(), archive: req.GetBundle()}, progress)
}

// nameOf returns what a deployment is to be called. Some apps say their names only when they run.
func (n *Node) nameOf(ctx context.Context, req *controlv1.DeployRequest, bundle *Bundle, progress func(string)) (string, error) {
	if name := cmp.Or(req.GetName(), bundle.App); name != "" {
		return name, nil
	}
	progress("asking the app for its name")
	version := &controlv1.Version{Archive: bundle.Archive, Settings: req.GetSettings()}
	candidate, err := n.config.Prepare(ctx, Job{Version: version, Logger: n.config.Logger}, func(string) {})
	if err != nil {
		return "", err
	}
	defer candidate.Close()
	return candidate.Plan().GetApp(), nil
}

func sameSettings(a, b *controlv1.Settings) bool {
	if a == nil {
		a = &controlv1.Settings{}
	}
	if b == nil {
		b = &controlv1.Settings{}
	}
	return proto.Equal(a, b)
}

// Rollback implements control.Engine: the bundle of an earlier version becomes a new one.
func (n *Node) Rollback(ctx context.Context, by string, req *controlv1.RollbackRequest, progress func(string)) (*controlv1.Deployed, error) {
	before, err := n.known(req.GetName())
	if err != nil {
		return nil, err
	}
	to, err := earlier(before, req.GetVersion())
	if err != nil {
		return nil, err
	}
	version := next(before)
	version.Archive, version.Bytes, version.Bundle, version.Content = to.GetArchive(), to.GetBytes(), to.GetBundle(), to.GetContent()
	version.Settings, version.DeployedBy, version.RollbackOf = to.GetSettings(), by, to.GetNumber()
	return n.change(ctx, change{name: req.GetName(), before: before, version: version, reset: req.GetResetState()}, progress)
}

// earlier returns the version to go back to: the one with the number, or the one that ran before the current one.
func earlier(d *controlv1.Deployment, number uint32) (*controlv1.Version, error) {
	if number == d.GetCurrent() && number != 0 {
		return nil, control.Refused("version %d of %s is the one that runs: `pyudf history %s` shows the others", number, d.GetName(), d.GetName())
	}
	var last *controlv1.Version
	now := current(d)
	for _, v := range d.GetVersions() {
		if v.GetNumber() == number {
			return v, nil
		}
		if v.GetNumber() < now.GetNumber() && v.GetContent() != now.GetContent() {
			last = v
		}
	}
	if number != 0 {
		return nil, control.NotFound("%s has no version %d any more: `pyudf history %s` shows those that it has", d.GetName(), number, d.GetName())
	}
	if last == nil {
		return nil, control.Refused("%s has no earlier version: deploy one with `pyudf deploy TARGET --name %s`", d.GetName(), d.GetName())
	}
	return last, nil
}

// next returns the version that follows those of a deployment, which may be nil.
func next(before *controlv1.Deployment) *controlv1.Version {
	version := &controlv1.Version{Number: 1, DeployedMs: time.Now().UnixMilli(), StateEpoch: current(before).GetStateEpoch()}
	for _, v := range before.GetVersions() {
		version.Number = max(version.Number, v.GetNumber()+1)
	}
	return version
}

// change is a version that is to become current.
type change struct {
	name    string
	before  *controlv1.Deployment
	version *controlv1.Version
	reset   bool
	// archive is what the cluster may not have yet.
	archive []byte
}

func (n *Node) change(ctx context.Context, c change, progress func(string)) (*controlv1.Deployed, error) {
	if err := n.fit(); err != nil {
		return nil, err
	}
	j := n.journalOf(c.name)
	logger := n.config.Logger.With("deployment", c.name)
	if j != nil {
		logger = tee(n.config.Logger, j, n.config.Level).With("deployment", c.name)
	}
	if c.reset {
		c.version.StateEpoch++ // before it is made ready: what is made ready runs here as it is
	}
	candidate, err := n.config.Prepare(ctx, Job{Deployment: c.name, Version: c.version, Logger: logger}, progress)
	if err != nil {
		return nil, err
	}
	adopted := false
	defer func() {
		if !adopted {
			candidate.Close()
		}
	}()
	c.version.Plan = candidate.Plan()
	if c.reset {
		progress("beginning with empty windows and state")
	} else if err := n.config.Check(ctx, current(c.before), c.version); err != nil {
		return nil, err
	}
	if c.archive != nil {
		progress("giving the bundle to the cluster")
		if _, err := n.config.Registry.PutBundle(ctx, c.archive); err != nil {
			return nil, err
		}
	}
	n.pass("bundled")
	n.adopt(c.name, c.version, candidate)
	adopted = true
	after, err := n.config.Registry.Change(ctx, c.name, c.apply)
	if err != nil {
		if mine := n.take(c.name, c.version); mine != nil {
			mine.Close()
		}
		return nil, err
	}
	n.pass("recorded")
	return n.settle(ctx, c, after, progress)
}

// pass tells tests of crashes how far a change is.
func (n *Node) pass(point string) {
	if n.config.Probe != nil {
		n.config.Probe(point)
	}
}

// apply makes the version the current one of a deployment, unless another change came first.
func (c *change) apply(now *controlv1.Deployment) (*controlv1.Deployment, error) {
	if now.GetRevision() != c.before.GetRevision() {
		return nil, control.Refused("somebody else changed %s meanwhile: look at `pyudf history %s`, and do it again if it is still right", c.name, c.name)
	}
	after := &controlv1.Deployment{Name: c.name, Versions: append(slices.Clone(now.GetVersions()), c.version), Current: c.version.GetNumber(), Protocol: control.Protocol}
	after.Versions = after.Versions[max(0, len(after.Versions)-remembered):]
	return after, nil
}

// fit refuses a change while nodes are there that would not understand it.
func (n *Node) fit() error {
	for _, node := range n.alive() {
		if node.GetProtocol() < control.Protocol {
			return control.Refused("node %s runs pyudf %s, which is too old for what this node (pyudf %s) would tell it: update pyudf there first",
				node.GetId(), node.GetVersion(), n.self.GetVersion())
		}
	}
	return nil
}

func (n *Node) journalOf(name string) *journal {
	n.mu.Lock()
	defer n.mu.Unlock()
	if k := n.keepers[name]; k != nil {
		return k.journal
	}
	return nil
}

// settling is how long all nodes together may take to follow a change.
const settling = 5 * time.Minute

// settle waits until all nodes have followed. If one could not, all go back to what was before.
func (n *Node) settle(ctx context.Context, c change, after *controlv1.Deployment, progress func(string)) (*controlv1.Deployed, error) {
	failed, err := n.followed(ctx, after, progress)
	if err != nil {
		return nil, err
	}
	if failed == nil {
		return &controlv1.Deployed{Deployment: after, Nodes: n.alive()}, nil
	}
	why := fmt.Sprintf("version %d of %s does not come up on node %s: %s", c.version.GetNumber(), c.name, failed.node, failed.message)
	_, err = n.config.Registry.Change(context.WithoutCancel(ctx), c.name, func(now *controlv1.Deployment) (*controlv1.Deployment, error) {
		if now.GetRevision() != after.GetRevision() {
			return nil, control.Refused("%s. Somebody changed it meanwhile, so nothing was taken back", why)
		}
		return proto.CloneOf(c.before), nil
	})
	if err != nil {
		return nil, err
	}
	switch {
	case c.before == nil:
		return nil, control.Refused("%s\nNothing runs under that name", why)
	case c.before.GetStopped():
		return nil, control.Refused("%s\n%s is stopped, as it was", why, c.name)
	default:
		return nil, control.Refused("%s\nVersion %d goes on", why, c.before.GetCurrent())
	}
}

// failure is a node that could not follow.
type failure struct{ node, message string }

// followed waits until all nodes that are there have acted upon a revision, and returns the first that could not.
func (n *Node) followed(ctx context.Context, after *controlv1.Deployment, progress func(string)) (*failure, error) {
	deadline := time.NewTimer(settling)
	defer deadline.Stop()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	told := ""
	for {
		waiting, failed := 0, (*failure)(nil)
		nodes := n.alive()
		for _, node := range nodes {
			switch s := standingOf(node, after.GetName()); {
			case s.GetRevision() < after.GetRevision() || s.GetPhase() == controlv1.Phase_PHASE_PREPARING:
				waiting++
			case s.GetPhase() == controlv1.Phase_PHASE_FAILED:
				failed = &failure{node.GetId(), s.GetMessage()}
			}
		}
		if waiting == 0 || failed != nil {
			return failed, nil
		}
		if line := fmt.Sprintf("waiting for %d of %d nodes", waiting, len(nodes)); line != told {
			progress(line)
			told = line
		}
		select {
		case <-look.C:
		case <-deadline.C:
			return nil, fmt.Errorf("%d of %d nodes have not followed within %s: `pyudf status %s` shows which", waiting, len(nodes), settling, after.GetName())
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func standingOf(node *controlv1.Node, name string) *controlv1.Standing {
	for _, s := range node.GetStandings() {
		if s.GetDeployment() == name {
			return s
		}
	}
	return nil
}

// Stop implements control.Engine.
func (n *Node) Stop(ctx context.Context, _, name string) (*controlv1.Deployment, error) {
	return n.turn(ctx, name, true)
}

// Start implements control.Engine.
func (n *Node) Start(ctx context.Context, _, name string) (*controlv1.Deployment, error) {
	return n.turn(ctx, name, false)
}

// turn stops or starts a deployment, and returns when all nodes have followed.
func (n *Node) turn(ctx context.Context, name string, stopped bool) (*controlv1.Deployment, error) {
	if d, err := n.known(name); err != nil || d.GetStopped() == stopped {
		return d, err
	}
	after, err := n.config.Registry.Change(ctx, name, func(now *controlv1.Deployment) (*controlv1.Deployment, error) {
		if now == nil {
			return nil, unknown(name)
		}
		now.Stopped = stopped
		return now, nil
	})
	if err != nil {
		return nil, err
	}
	failed, err := n.followed(ctx, after, func(string) {})
	if err == nil && failed != nil {
		err = control.Refused("%s does not come up on node %s: %s", name, failed.node, failed.message)
	}
	return after, err
}

// Delete implements control.Engine.
func (n *Node) Delete(ctx context.Context, _, name string) error {
	d, err := n.known(name)
	if err != nil {
		return err
	}
	if !d.GetStopped() {
		return control.Refused("%s runs: stop it first with `pyudf stop %s`", name, name)
	}
	for _, node := range n.alive() {
		if s := standingOf(node, name); s != nil && s.GetPhase() != controlv1.Phase_PHASE_STOPPED {
			return control.Refused("%s has not stopped on node %s yet: try again", name, node.GetId())
		}
	}
	if err := n.config.Forget(ctx, d); err != nil {
		return err
	}
	_, err = n.config.Registry.Change(ctx, name, func(now *controlv1.Deployment) (*controlv1.Deployment, error) {
		if now.GetRevision() != d.GetRevision() {
			return nil, control.Refused("somebody else changed %s meanwhile: look at `pyudf status %s`", name, name)
		}
		return nil, nil //nolint:nilnil // that is how a deployment is deleted
	})
	return err
}
