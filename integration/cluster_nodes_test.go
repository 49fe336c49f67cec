package integration_test

import (
	"syscall"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

func TestNodesShareADeploymentAndItOutlivesThem(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		c := newCluster(t, b)
		first, second := c.node(t, t.TempDir(), nil), c.node(t, t.TempDir(), nil)
		d := first.deploy(t, c.version(t, 1))
		if d.Version != 1 || d.State != "running" || len(d.Nodes) != 2 {
			t.Fatalf("deployed on two nodes: %+v", d)
		}
		c.flow(t, 500)
		timed(t, "two nodes share it", func() { first.shared(t, second) })
		c.awaitVersion(t, 1)

		second.interrupt(t, syscall.SIGKILL)
		<-second.done
		timed(t, "one takes over from one that was killed", func() { first.shared(t) })
		c.awaitVersion(t, 1)

		third := c.node(t, t.TempDir(), nil)
		timed(t, "a third takes its part", func() { first.shared(t, third) })
		c.awaitVersion(t, 1)

		first.stop(t)
		third.stop(t)
		first, third = c.node(t, first.home, nil), c.node(t, third.home, nil)
		timed(t, "everything is back", func() { first.shared(t, third) })
		c.awaitVersion(t, 1)

		first.stop(t)
		third.stop(t)
		first, third = c.node(t, t.TempDir(), nil), c.node(t, t.TempDir(), nil)
		timed(t, "everything is back on other machines", func() { third.shared(t, first) })
		c.awaitVersion(t, 1)
		third.settled(t, c.app, controlv1.Phase_PHASE_RUNNING, 1, 2)
		c.exact(t, c.finish(t))
	})
}

func TestADeploymentStopsStartsAndIsDeleted(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		c := newCluster(t, b)
		one, other := c.node(t, t.TempDir(), nil), c.node(t, t.TempDir(), nil)
		app := c.version(t, 1)
		one.deploy(t, app)
		c.flow(t, 1_000)
		c.awaitVersion(t, 1)

		again := other.deploy(t, app)
		if !again.Unchanged || again.Version != 1 || again.Revision != 1 {
			t.Errorf("the same bundle again: %+v", again)
		}
		contains(t, "a delete of what runs", other.refuse(t, nil, "delete", c.app, "--yes"), "pyudf stop "+c.app)

		var d deployed
		other.answer(t, &d, "stop", c.app)
		one.settled(t, c.app, controlv1.Phase_PHASE_STOPPED, 0, 2)
		if tasks := one.tasks(t); len(tasks) > 0 {
			t.Errorf("what is stopped works: %v", tasks)
		}
		before := c.visible(t)
		c.awaitOut(t, 2_000)
		if after := c.visible(t); after != before {
			t.Errorf("%d records came out while it was stopped", after-before)
		}
		one.answer(t, &d, "start", c.app)
		one.shared(t, other)
		c.awaitVersion(t, 1)
		c.exact(t, c.finish(t))

		one.answer(t, &d, "stop", c.app)
		other.ask(t, nil, "delete", c.app, "--yes").succeed(t)
		eventually(t, "the deployment to be gone on all nodes", func() bool { return len(one.list(t)) == 0 && len(other.list(t)) == 0 })
		fresh := one.deploy(t, c.write(t, "pu.App(", `pu.App("anew-" + `), "--start", "latest")
		if fresh.Name != "anew-"+c.app || fresh.Version != 1 || fresh.State != "running" {
			t.Errorf("an app that says its name when it runs: %+v", fresh)
		}
	})
}
