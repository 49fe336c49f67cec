package integration_test

import (
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

func TestDeletedMeansGone(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		c := newCluster(t, b)
		one, other := c.node(t, t.TempDir(), nil), c.node(t, t.TempDir(), nil)
		app := c.version(t, 1)
		one.deploy(t, app)
		c.flow(t, 1_000)
		c.awaitVersion(t, 1)
		c.stop()
		c.awaitAll(t)
		sent := int(c.sent.Load())
		stage := c.app + "." + c.in + ".by-region"
		internal := []string{c.app + "." + c.in + ".changelog", stage + ".changelog", stage + ".repartition"}
		for _, topic := range internal {
			if !b.Exists(t, topic) {
				t.Errorf("there is no topic %s: the test looks for the wrong ones", topic)
			}
		}

		var d deployed
		one.answer(t, &d, "stop", c.app)
		other.ask(t, nil, "delete", c.app, "--yes").succeed(t)
		for _, topic := range internal {
			if b.Exists(t, topic) {
				t.Errorf("topic %s is still there", topic)
			}
		}
		for _, topic := range []string{c.in, c.out, c.out + "-windows", c.out + "-regions"} {
			if !b.Exists(t, topic) {
				t.Errorf("the user's topic %s is gone", topic)
			}
		}
		for p, offset := range b.Committed(t, c.app, c.in) {
			if offset >= 0 {
				t.Errorf("the group is still at offset %d of partition %d", offset, p)
			}
		}

		other.deploy(t, app)
		one.settled(t, c.app, controlv1.Phase_PHASE_RUNNING, 1, 2)
		eventually(t, "all records to come out again", func() bool { return c.visible(t) >= 2*sent })
		if n := c.visible(t); n != 2*sent {
			t.Errorf("%d records came out of %d that were read twice", n, sent)
		}
	})
}
