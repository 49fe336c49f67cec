package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/snapshot"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/pebblestate"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// forget removes what a deployment has in Kafka besides the user's topics, and its snapshots: whoever deploys under its name
// begins from the start. Topics go first, as a group without them is worth nothing.
func (n *clusterNode) forget(ctx context.Context, d *controlv1.Deployment) error {
	topics, groups := internals(d)
	if err := n.cluster.DeleteTopics(ctx, topics); err != nil {
		return err
	}
	if err := n.cluster.DeleteGroups(ctx, groups); err != nil {
		return err
	}
	if n.flags.snapshots == "" {
		return nil
	}
	id, err := n.cluster.ID(ctx)
	if err != nil {
		return err
	}
	for _, name := range stateNames(d) {
		copies, err := snapshot.Open(ctx, n.flags.snapshots, snapshot.Config{Below: snapshotsBelow(safe(id), name), Log: n.logger})
		if err != nil {
			return err
		}
		if err := errors.Join(copies.Forget(ctx), copies.Close()); err != nil {
			return fmt.Errorf("remove the snapshots of %s: %w", d.GetName(), err)
		}
	}
	return nil
}

// clearState removes the state that this machine has of a deployment that is gone. What another process has open is for it to
// remove.
func (n *clusterNode) clearState(d *controlv1.Deployment) error {
	var faults []error
	for _, name := range stateNames(d) {
		faults = append(faults, removeStores(filepath.Join(filepath.Dir(n.base), safe(name))))
	}
	return errors.Join(faults...)
}

func removeStores(dir string) error {
	if !exists(dir) {
		return nil
	}
	root, err := pebblestate.Open(dir, pebblestate.Config{})
	if err != nil {
		return err
	}
	err = root.Forget()
	if errors.Is(err, state.ErrHeld) {
		return root.Close()
	}
	if err := errors.Join(err, root.Close()); err != nil {
		return err
	}
	_ = os.Remove(dir) // it stays if somebody has put something there
	return nil
}

// stateNames are what a deployment's state has been called.
func stateNames(d *controlv1.Deployment) []string {
	epochs := uint32(0)
	for _, v := range d.GetVersions() {
		epochs = max(epochs, v.GetStateEpoch())
	}
	var names []string
	for epoch := range epochs + 1 {
		names = append(names, stateName(d.GetName(), epoch))
	}
	return names
}

// internals are the topics and groups that the versions of a deployment have for themselves.
func internals(d *controlv1.Deployment) (topics, groups []string) {
	groups = append(groups, d.GetName())
	for _, v := range d.GetVersions() {
		compiled, err := plan.Compile(v.GetPlan())
		if err != nil {
			continue // it never ran here, and its plan says nothing
		}
		for _, name := range stateNames(d) {
			p := ports{config: portsConfig{stateName: name}}
			for _, s := range compiled.Sources {
				if s.Stateful() {
					topics = append(topics, p.changelog(s))
				}
				if s.Hop != nil {
					topics, groups = append(topics, p.hopTopic(s.Name)), append(groups, p.hopGroup(s.Name))
				}
			}
		}
	}
	slices.Sort(topics)
	slices.Sort(groups)
	return slices.Compact(topics), slices.Compact(groups)
}
