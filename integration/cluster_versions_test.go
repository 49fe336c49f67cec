package integration_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/integration/kafkatest"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// pauses are the longest times between the last record of one version in a partition and the first of the next, for each
// change; between is the longest time between two records of one version. All is by the clock of the broker.
func (c *cluster) pauses(t *testing.T, topic string) (changes []time.Duration, between time.Duration) {
	t.Helper()
	type place struct {
		at      time.Time
		version int
		changes int
	}
	last := map[int32]*place{}
	for _, r := range c.broker.ReadVisible(t, topic) {
		p, version := last[r.Partition], countedOf(t, r).Version
		switch {
		case p == nil:
			p = &place{}
			last[r.Partition] = p
		case p.version != version:
			if p.changes == len(changes) {
				changes = append(changes, 0)
			}
			changes[p.changes] = max(changes[p.changes], r.Time.Sub(p.at))
			p.changes++
		default:
			between = max(between, r.Time.Sub(p.at))
		}
		p.at, p.version = r.Time, version
	}
	return changes, between
}

// fullRate is how many records a second there are to be where the engine is not slowed down by the race detector.
func fullRate() int {
	if kafkatest.Race {
		return 2_000
	}
	return 50_000
}

func TestVersionsComeAndGoUnderLoad(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kafkatest.Kafka(t))
	n := c.node(t, t.TempDir(), nil)
	n.deploy(t, c.version(t, 1))
	broken := c.write(t, "when = ", `raise RuntimeError("the model of this version is not there")`+"\nwhen = ")
	second := c.version(t, 2)

	began := time.Now()
	c.flow(t, fullRate())
	c.awaitOut(t, fullRate())
	if d := n.deploy(t, second); d.Version != 2 || d.State != "running" {
		t.Errorf("the second version: %+v", d)
	}
	c.awaitOut(t, fullRate())
	said := n.refuse(t, nil, "deploy", broken)
	contains(t, "a version that raises", said, "the model of this version is not there", "deployed.py", c.app+" 2 goes on")
	c.awaitOut(t, fullRate())
	if back := n.change(t, "rollback", c.app); back.Version != 3 || back.State != "running" {
		t.Errorf("the rollback: %+v", back)
	}
	c.awaitOut(t, fullRate())
	sent, took := c.finish(t), time.Since(began)
	c.exact(t, sent)

	t.Logf("%d records, %.0f a second", sent, float64(sent)/took.Seconds())
	changes, between := c.pauses(t, c.out)
	if len(changes) != 2 {
		t.Errorf("the records changed their version %d times, want 2", len(changes))
	}
	t.Logf("longest pause of a partition: %v at the deployment and the rollback, %v elsewhere", changes, between)
	regions, between := c.pauses(t, c.out+"-regions")
	t.Logf("behind the hop: %v, elsewhere %v", regions, between)
}

func TestAVersionThatComesUpOnOneNodeOnlyIsTakenBackEverywhere(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		c := newCluster(t, b)
		able, unable := c.node(t, t.TempDir(), env{"KEY_OF_ONE": "sesame"}), c.node(t, t.TempDir(), nil)
		able.deploy(t, c.version(t, 1))
		able.shared(t, unable)
		c.flow(t, 1_000)
		c.awaitVersion(t, 1)
		before := c.history(t, able)

		said := able.refuse(t, nil, "deploy", c.version(t, 2), "--secret", "KEY=env:KEY_OF_ONE", "--commit-interval", "200ms")
		contains(t, "a version that one node cannot run", said, unable.id, "KEY_OF_ONE", c.app+" 1 goes on")
		if strings.Contains(said, able.id) {
			t.Errorf("the node that could is blamed, too:\n%s", said)
		}
		unable.settled(t, c.app, controlv1.Phase_PHASE_RUNNING, 1, 2)
		able.shared(t, unable)
		c.awaitVersion(t, 1)
		if after := c.history(t, able); after != before {
			t.Errorf("the history is another one:\n%s\nbefore:\n%s", after, before)
		}
		if d := unable.deploy(t, c.version(t, 2)); d.Version != 2 || d.State != "running" {
			t.Errorf("the version without the secret: %+v", d)
		}
		c.awaitVersion(t, 2)
		c.exact(t, c.finish(t))
		for _, n := range []*engineNode{able, unable} {
			if strings.Contains(n.err.String(), "sesame") {
				t.Errorf("a secret is in the log of node %s", n.id)
			}
		}
	})
}

// history is what the cluster says of the versions of the app.
func (c *cluster) history(t *testing.T, n *engineNode) string {
	t.Helper()
	return n.ask(t, nil, "history", c.app, "--output", "json").succeed(t).out.String()
}

// state is what is not to change by what is refused.
type state struct {
	list    []deployed
	history string
	bundles []string
}

func (c *cluster) state(t *testing.T, n *engineNode) state {
	t.Helper()
	s := state{list: n.list(t), history: c.history(t, n), bundles: c.bundles(t)}
	for i := range s.list {
		s.list[i].Nodes = nil
	}
	return s
}

func (s state) same(o state) bool {
	return s.history == o.history && slices.Equal(s.bundles, o.bundles) && slices.EqualFunc(s.list, o.list, func(a, b deployed) bool {
		return a.Name == b.Name && a.Revision == b.Revision && a.Version == b.Version && a.State == b.State
	})
}
