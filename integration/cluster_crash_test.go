package integration_test

import (
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// TestANodeThatDiesInTheMidstOfADeploymentLeavesTheClusterWhole kills the node that takes a deployment when the cluster has the
// bundle but does not know of the version, and when it does.
func TestANodeThatDiesInTheMidstOfADeploymentLeavesTheClusterWhole(t *testing.T) {
	for _, at := range []struct {
		point string
		runs  int // the version that runs behind it
	}{{"bundled", 1}, {"recorded", 2}} {
		t.Run(at.point, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, kafkatest.Kafka(t))
			staying := c.node(t, t.TempDir(), nil)
			staying.deploy(t, c.version(t, 1))
			dying := c.node(t, t.TempDir(), env{"PYUDF_CRASH": at.point + ":1"})
			staying.shared(t, dying)
			c.flow(t, 1_000)
			c.awaitVersion(t, 1)

			second := c.version(t, 2)
			p := dying.ask(t, nil, "deploy", second, "--commit-interval", "200ms")
			if code := p.wait(t); code != 1 {
				t.Errorf("the command ended with %d, want 1", code)
			}
			contains(t, "the command", p.err.String(), "is not known", "pyudf history "+c.app)
			<-dying.done
			staying.settled(t, c.app, controlv1.Phase_PHASE_RUNNING, uint32(at.runs), 1)
			staying.shared(t)
			c.awaitVersion(t, at.runs)

			if d := staying.deploy(t, second); d.Version != 2 || d.Unchanged != (at.runs == 2) || !d.Unchanged && d.State != "running" {
				t.Errorf("deployed again: %+v", d)
			}
			back := c.node(t, dying.home, nil)
			back.shared(t, staying)
			if d := back.deploy(t, c.version(t, 3)); d.Version != 3 || d.State != "running" {
				t.Errorf("deployed on the node that is back: %+v", d)
			}
			c.awaitVersion(t, 3)
			c.exact(t, c.finish(t))
		})
	}
}

func TestNodesGoOnWhereBrokersWereAway(t *testing.T) {
	kafkatest.EachOwn(t, func(t *testing.T, b *kafkatest.Broker) {
		c := newCluster(t, b)
		one, other := c.node(t, t.TempDir(), nil), c.node(t, t.TempDir(), nil)
		one.deploy(t, c.version(t, 1))
		one.shared(t, other)
		c.flow(t, 500)
		c.awaitVersion(t, 1)
		for range 2 {
			b.Stop(t)
			b.Start(t)
			c.awaitVersion(t, 1)
		}
		one.shared(t, other)
		if d := other.deploy(t, c.version(t, 2)); d.Version != 2 || d.State != "running" {
			t.Errorf("deployed behind it: %+v", d)
		}
		c.awaitVersion(t, 2)
		c.exact(t, c.finish(t))
	})
}
