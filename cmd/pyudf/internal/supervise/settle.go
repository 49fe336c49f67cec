package supervise

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

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
	_, err = n.config.Registry.Change(ctx, c.name, func(now *controlv1.Deployment) (*controlv1.Deployment, error) {
		if now.GetRevision() != after.GetRevision() {
			return nil, control.Refused("%s. Somebody changed it meanwhile, so nothing was taken back", why)
		}
		return c.undo(now), nil
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

// undo returns what was before, nil if nothing was. A version that made room stays away, as its bundle may be gone.
func (c *change) undo(now *controlv1.Deployment) *controlv1.Deployment {
	if c.before == nil {
		return nil
	}
	back := proto.CloneOf(c.before)
	back.Versions = slices.DeleteFunc(back.Versions, func(v *controlv1.Version) bool {
		return !slices.ContainsFunc(now.GetVersions(), func(o *controlv1.Version) bool { return same(v, o) })
	})
	return back
}

// failure is a node that could not follow.
type failure struct{ node, message string }

// followed waits until all nodes that are there have acted upon a revision, and returns one that could not, or that takes too
// long. Its error says that it is not known, as something else is wanted now.
func (n *Node) followed(ctx context.Context, after *controlv1.Deployment, progress func(string)) (*failure, error) {
	deadline := time.Now().Add(settling)
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	told := ""
	for {
		if now, there := n.config.Registry.Deployment(after.GetName()); !there || now.GetRevision() != after.GetRevision() {
			return nil, control.Refused("somebody else changed %s meanwhile: `pyudf history %s` shows what is wanted now", after.GetName(), after.GetName())
		}
		nodes := n.alive()
		waiting, failed := standing(nodes, after)
		if len(waiting) == 0 || failed != nil {
			return failed, nil
		}
		if time.Now().After(deadline) {
			return &failure{waiting[0], fmt.Sprintf("it has not followed within %s; `pyudf logs %s` shows what it does", settling, after.GetName())}, nil
		}
		if line := fmt.Sprintf("waiting for %d of %d nodes", len(waiting), len(nodes)); line != told {
			progress(line)
			told = line
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// standing returns the nodes that have not acted upon a revision yet, and one that could not.
func standing(nodes []*controlv1.Node, after *controlv1.Deployment) (waiting []string, failed *failure) {
	for _, node := range nodes {
		switch s := standingOf(node, after.GetName()); {
		case s.GetRevision() < after.GetRevision() || s.GetPhase() == controlv1.Phase_PHASE_PREPARING:
			waiting = append(waiting, node.GetId())
		case s.GetPhase() == controlv1.Phase_PHASE_FAILED:
			failed = &failure{node.GetId(), s.GetMessage()}
		}
	}
	return waiting, failed
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
		switch {
		case now == nil:
			return nil, unknown(name)
		case now.GetCurrent() == 0:
			return nil, half(name)
		}
		now.Stopped = stopped
		return now, nil
	})
	if err != nil {
		return nil, err
	}
	failed, err := n.followed(ctx, after, func(string) {})
	if err == nil && failed != nil {
		does := "come up"
		if stopped {
			does = "stop"
		}
		err = control.Refused("%s does not %s on node %s: %s", name, does, failed.node, failed.message)
	}
	return after, err
}

// Delete implements control.Engine. While it goes on the deployment has no current version, so that nobody starts it; if it
// does not come to its end it can be done again.
func (n *Node) Delete(ctx context.Context, _, name string) error {
	lasting, done, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	d, err := n.deletable(name)
	if err != nil {
		return err
	}
	marked, err := n.config.Registry.Change(ctx, name, func(now *controlv1.Deployment) (*controlv1.Deployment, error) {
		if now.GetRevision() != d.GetRevision() {
			return nil, control.Refused("somebody else changed %s meanwhile: look at `pyudf status %s`", name, name)
		}
		now.Current = 0
		return now, nil
	})
	if err != nil {
		return err
	}
	if err := n.config.Forget(lasting, d); err != nil {
		return fmt.Errorf("%s is not wholly deleted, `pyudf delete %s` goes on with it: %w", name, name, err)
	}
	_, err = n.config.Registry.Change(lasting, name, func(now *controlv1.Deployment) (*controlv1.Deployment, error) {
		if now != nil && now.GetRevision() != marked.GetRevision() {
			return nil, control.Refused("somebody else deletes %s, too: `pyudf list` shows whether it is gone", name)
		}
		return nil, nil //nolint:nilnil // that is how a deployment is deleted
	})
	if err != nil {
		return err
	}
	n.gone(lasting, name)
	return nil
}

// deletable returns a deployment that has stopped everywhere.
func (n *Node) deletable(name string) (*controlv1.Deployment, error) {
	d, err := n.known(name)
	if err != nil {
		return nil, err
	}
	if !d.GetStopped() {
		return nil, control.Refused("%s runs: stop it first with `pyudf stop %s`", name, name)
	}
	for _, node := range n.alive() {
		if s := standingOf(node, name); s != nil && (s.GetPhase() != controlv1.Phase_PHASE_STOPPED || s.GetRevision() < d.GetRevision()) {
			return nil, control.Refused("%s has not stopped on node %s yet: try again", name, node.GetId())
		}
	}
	return d, nil
}

// half says that a deployment was not wholly deleted.
func half(name string) error {
	return control.Refused("%s is being deleted: if that does not come to its end, `pyudf delete %s` goes on with it", name, name)
}

// gone returns when no node has anything of a deployment any more; not knowing is no fault.
func (n *Node) gone(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(ctx, presumed)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for slices.ContainsFunc(n.alive(), func(node *controlv1.Node) bool { return standingOf(node, name) != nil }) {
		select {
		case <-look.C:
		case <-ctx.Done():
			n.config.Logger.Warn("a node has not removed yet what it keeps of a deployment that is gone", "deployment", name)
			return
		}
	}
}
