package supervise

import (
	"cmp"
	"context"
	"log/slog"
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
	version := next(before, by, &controlv1.Version{
		Archive: bundle.Archive, Bytes: bundle.Bytes, Bundle: bundle.Hash, Content: bundle.Content, Settings: req.GetSettings(),
	})
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
	none := &controlv1.Settings{} // nothing said
	return proto.Equal(cmp.Or(a, none), cmp.Or(b, none))
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
	version := next(before, by, to)
	version.RollbackOf = to.GetNumber()
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
		if v.GetNumber() < now.GetNumber() && (v.GetContent() != now.GetContent() || !sameSettings(v.GetSettings(), now.GetSettings())) {
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

// next returns a version that follows those of a deployment, which may be nil, and is like another one.
func next(before *controlv1.Deployment, by string, like *controlv1.Version) *controlv1.Version {
	version := proto.CloneOf(like)
	version.Number, version.DeployedMs, version.DeployedBy, version.StateEpoch = 1, time.Now().UnixMilli(), by, current(before).GetStateEpoch()
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

// begin returns a context for what goes on even if whoever asked for it goes away, until done is called or this node ends.
func (n *Node) begin(ctx context.Context) (lasting context.Context, done func(), err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.over {
		return nil, nil, control.Refused("this node is stopping: ask another one, or this one when it is back")
	}
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	n.changes.Add(1)
	go func() {
		select {
		case <-n.stopping:
			cancel()
		case <-lasting.Done():
		}
	}()
	return lasting, func() { cancel(); n.changes.Done() }, nil
}

func (n *Node) change(ctx context.Context, c change, progress func(string)) (*controlv1.Deployed, error) {
	lasting, done, err := n.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if c.before != nil && c.before.GetCurrent() == 0 {
		return nil, half(c.name)
	}
	if err := n.fit(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	logger := n.loggerOf(c.name)
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.endWriting(c.name)
	}()
	if err := n.ready(ctx, lasting, c, logger, progress); err != nil {
		return nil, err
	}
	defer n.free(c) // if nobody has taken it
	after, err := n.config.Registry.Change(lasting, c.name, c.apply)
	if err != nil {
		return nil, err
	}
	n.pass("recorded")
	return n.settle(lasting, c, after, progress)
}

// ready makes a version ready on this node, for its keeper to take, and gives the cluster what it has not yet. It ends with
// either context.
func (n *Node) ready(ctx, lasting context.Context, c change, logger *slog.Logger, progress func(string)) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(lasting, cancel)()
	if c.reset {
		c.version.StateEpoch++ // before it is made ready: what is made ready runs here as it is
	}
	candidate, err := n.config.Prepare(ctx, Job{Deployment: c.name, Version: c.version, Logger: logger}, progress)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			candidate.Close()
		}
	}()
	c.version.Plan = candidate.Plan()
	if c.reset {
		progress("beginning with empty windows and state")
	} else if err := n.config.Check(ctx, current(c.before), c.version); err != nil {
		return err
	}
	if c.archive != nil {
		progress("giving the bundle to the cluster")
		if _, err := n.config.Registry.PutBundle(ctx, c.archive); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	n.pass("bundled")
	n.adopt(c.name, c.version, candidate)
	return nil
}

// free closes a candidate that was adopted, and that nobody took.
func (n *Node) free(c change) {
	if mine := n.take(c.name, c.version); mine != nil {
		mine.Close()
	}
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
