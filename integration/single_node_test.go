package integration_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// singleNode is how a process runs that may be killed and started again at once.
func singleNode() []string {
	return []string{"--single-node", "--commit-interval", "50ms", "-X", "session.timeout.ms=6000", "-X", "group.instance.id=one"}
}

// completeAgain fails unless every window of what was sent came out at least once, and always with all that belongs to it.
func (r *rekeyed) completeAgain(t *testing.T) {
	t.Helper()
	once := func(topic string) []summary {
		all := summaries(t, r.broker.ReadAll(t, topic))
		different := slices.Compact(slices.Clone(all))
		t.Logf("%d of %d results of %s came again", len(all)-len(different), len(all), topic)
		return different
	}
	matches(t, "tumbling windows", once(r.out), tumbling(r.sent))
	matches(t, "sessions", once(r.out+"-sessions"), sessions(r.sent))
}

// hops are the topics that rekey.py has without --single-node.
func (r *rekeyed) hops() []string {
	return []string{r.app + "." + r.in + ".by-region.repartition", r.app + "." + r.in + ".by-region.2.repartition"}
}

func TestASingleNodeNeedsNoTopicForItsHops(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRekeyed(t, b, 4)
		r.flags = append(r.flags, "--single-node")
		events := eventsFrom(hour, 6000)
		r.send(t, events[:2000]...)
		r.run(t)
		r.send(t, events[2000:4000]...)
		r.run(t, "--workers", "2", "--commit-interval", "20ms")
		r.send(t, events[4000:]...)
		r.run(t, "--flush")
		r.complete(t)
		for _, topic := range r.hops() {
			if b.Exists(t, topic) {
				t.Errorf("there is a topic %s", topic)
			}
		}
	})
}

func TestASingleNodeThatIsHoursBehindInOnePartitionLosesNothing(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRekeyed(t, b, 4)
		r.flags = append(r.flags, "--single-node")
		r.send(t, r.skewed()...)
		run := r.start(t)
		b.Await(t, r.out, len(tumbling(r.sent))) // the last ones close when all partitions are idle
		run.stop(t)
		r.run(t, "--flush")
		r.complete(t)
	})
}

func TestASingleNodeThatIsKilledLosesNothing(t *testing.T) {
	const kills, part = 6, 4000
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRekeyed(t, b, 4)
		r.flags = append(r.flags, singleNode()...)
		r.idle = "1m" // a partition whose records come later than those of others is not to be idle meanwhile
		events := eventsFrom(hour, (kills+1)*part)
		before := 0
		for i := range kills {
			run := r.start(t)
			r.send(t, events[i*part:(i+1)*part]...)
			b.Await(t, r.out, before+5) // it is in the midst of these
			run.kill()
			before = len(r.results(t))
		}
		r.send(t, events[kills*part:]...)
		r.run(t, "--flush")
		r.completeAgain(t)
	})
}

func TestRunsWithAndWithoutTopicsTakeOverFromEachOther(t *testing.T) {
	const part = 1500
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRekeyed(t, b, 4)
		events := eventsFrom(hour, 6*part)
		for i, flags := range [][]string{{"--single-node"}, {}, {"--single-node"}, {"--single-node"}, {}, {"--single-node", "--flush"}} {
			r.send(t, events[i*part:(i+1)*part]...)
			r.run(t, append(flags, "--commit-interval", "100ms")...)
		}
		r.complete(t)
	})
}

func TestASingleNodeDoesNotLeaveRecordsInTheTopicsOfARunBefore(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRekeyed(t, b, 2)
		r.flags = append(r.flags, "-X", "session.timeout.ms=6000", "-X", "group.instance.id=one")
		r.send(t, eventsFrom(hour, 2000)...)
		run := r.start(t, "--guarantee", "at-least-once", "--commit-interval", "1h")
		b.Await(t, r.out, 1)
		run.kill()
		refused := r.start(t, "--single-node")
		if code := refused.wait(t); code == 0 {
			t.Error("it left them")
		}
		contains(t, "what it said", refused.err.String(), "records wait in "+r.app+"."+r.in+".by-region", "run once without --single-node")
		r.run(t)
		r.run(t, "--single-node")
	})
}

func TestASecondProcessDoesNotDisturbASingleNode(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRekeyed(t, b, 4)
		alone := []string{"--single-node", "-X", "session.timeout.ms=6000"}
		r.send(t, eventsFrom(hour, 2000)...)
		first := r.start(t, alone...)
		b.Await(t, r.out, 1)
		for state, says := range map[string]string{
			r.flags[1]:  "another process has the state",
			t.TempDir(): "--single-node is for one process that reads all partitions",
		} {
			second := r.start(t, append(alone, "--state-dir", state)...)
			if code := second.wait(t); code == 0 {
				t.Error("a second process ended well")
			}
			contains(t, "what it said", second.err.String(), says)
		}
		// Those of one partition: the others have become idle, and would be late behind the first that comes back.
		r.send(t, slices.DeleteFunc(eventsFrom(2*hour, 2000), func(e event) bool { return e.sensor%4 != 0 })...)
		b.Await(t, r.out, len(tumbling(r.sent)))
		first.stop(t)
		r.run(t, "--single-node", "--flush")
		r.complete(t)
	})
}

func TestASingleNodeStopsWhenItIsNotAlone(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRekeyed(t, b, 4)
		r.send(t, eventsFrom(hour, 2000)...)
		first := r.start(t, "--single-node", "--commit-interval", "50ms")
		b.Await(t, r.out, 1)
		other := r.start(t, "--state-dir", t.TempDir(), "--reset-state")
		if code := first.wait(t); code == 0 {
			t.Error("it ended well")
		}
		// It sees that partitions are taken or, if a commit met the rebalance, that it does not get them all again.
		contains(t, "what it said", first.err.String(), "for one process that reads all partitions: another process of the group", "partitions of "+r.in, "without --single-node")
		other.kill()
	})
}

func TestPlanSaysThatASingleNodeHopsInProcess(t *testing.T) {
	places := env{"IN": "readings", "OUT": "days", "APP": "finer"}
	plan := start(t, nil, places, "plan", "--single-node", filepath.Join("testdata", "apps", "finer.py")).succeed(t).out.String()
	contains(t, "the plan", plan, "partial results of each batch, not records, travel in process to stage 2")
}
