package integration_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/integration/kafkatest"
)

func TestAVersionFollowsAnotherWhileRecordsFlowAndCountsStayExact(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		v := newVersioned(t, b)
		first, second := v.prepare(t, "1", nil), v.prepare(t, "2", nil)
		if err := plan.Compatible(first.plan, second.plan); err != nil {
			t.Fatal(err)
		}
		v.deployment.start(t, first)
		v.flow(t, 10_000)
		v.awaitOut(t, 20_000)
		took := v.deployment.replace(t, second)
		v.awaitOut(t, 10_000)
		sent := v.finish(t)
		v.exact(t, sent)
		t.Logf("%d records; released after %s, the next began %s later", sent, took.release, took.begin)
		if b.Name == "kafka" {
			t.Logf("pause of records %v, of windows by region %v", v.pause(t, v.out), v.pause(t, v.out+"-regions"))
		}
	})
}

func TestVersionsGoBackAndForthUnderLoad(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		v := newVersioned(t, b)
		v.deployment.start(t, v.prepare(t, "1", nil))
		v.flow(t, 5_000)
		for _, number := range []string{"2", "1", "2", "1"} {
			next := v.prepare(t, number, nil)
			v.awaitOut(t, 2_500)
			took := v.deployment.replace(t, next)
			t.Logf("to %s: released after %s, begun %s later", number, took.release, took.begin)
		}
		v.awaitOut(t, 2_500)
		v.exact(t, v.finish(t))
	})
}

func TestTheVersionBeforeGoesOnIfTheNextOneDoesNotOpen(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		v := newVersioned(t, b)
		d := v.deployment
		d.start(t, v.prepare(t, "1", nil))
		v.flow(t, 5_000)
		v.awaitOut(t, 2_500)
		next, back := v.prepare(t, "2", nil), v.prepare(t, "1", nil)
		before := d.current
		before.HandOver(next.plan)
		<-before.Released()
		d.broken = errors.New("no outlet today")
		failing := d.begin(t, next)
		<-failing.Done()
		select {
		case <-failing.Begun():
			t.Error("a version that did not open says that it began")
		default:
		}
		if !errors.Is(failing.Err(), d.broken) {
			t.Errorf("the version that does not open ended with %v", failing.Err())
		}
		d.broken = nil
		d.current = d.begin(t, back)
		awaitBegun(t, d.current)
		ended(t, before)
		v.awaitOut(t, 2_500)
		v.exact(t, v.finish(t))
	})
}

func TestWhereNoVersionFollowsTheGroupsAreLeft(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		v := newVersioned(t, b)
		d := v.deployment
		d.start(t, v.prepare(t, "1", nil))
		before, next := d.current, v.prepare(t, "2", nil)
		d.current = nil
		before.HandOver(next.plan)
		<-before.Released()
		ended(t, before)
		members := func() (of []string) {
			for _, group := range []string{d.group, d.group + "." + v.in + ".by-region"} {
				of = append(of, b.Owners(t, group)[1:]...)
			}
			return of
		}
		if waiting := members(); len(waiting) != 2 {
			t.Fatalf("the clients of both groups should wait for the next version: %v", waiting)
		}
		if err := d.cluster.Leave(d.group[:len(d.group)-1]); err != nil || len(members()) != 2 {
			t.Errorf("another group was left, and now there are %v (%v)", members(), err)
		}
		if err := d.cluster.Leave(d.group); err != nil {
			t.Error(err)
		}
		eventually(t, "the groups to have no members", func() bool { return len(members()) == 0 })
	})
}

func TestAVersionMayReadAnotherTopicAndLeaveItAgain(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		v := newVersioned(t, b)
		more := b.Topic(t, 2)
		v.deployment.start(t, v.prepare(t, "1", nil))
		v.flow(t, 5_000)
		v.awaitOut(t, 2_500)
		v.deployment.replace(t, v.prepare(t, "2", env{"EXTRA": more}))
		b.Produce(t, more, v.record(0, 1), v.record(1, 2))
		b.Await(t, v.out+"-extra", 2)
		v.deployment.replace(t, v.prepare(t, "2", nil))
		v.awaitOut(t, 2_500)
		v.exact(t, v.finish(t))
		if owners := strings.Join(b.Owners(t, v.app), "\n"); strings.Contains(owners, more) {
			t.Errorf("somebody is still there for the topic that is not read any more:\n%s", owners)
		}
	})
}

func TestTheFirstWindowsOfAnAppBeginEmptyWhereItIs(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		v := newVersioned(t, b)
		first, second := v.prepare(t, "0", nil), v.prepare(t, "1", nil)
		if err := plan.Compatible(first.plan, second.plan); err != nil {
			t.Fatal(err)
		}
		v.deployment.start(t, first)
		v.flow(t, 5_000)
		v.awaitOut(t, 2_500)
		v.deployment.replace(t, second)
		v.awaitOut(t, 2_500)
		v.exact(t, v.finish(t))
		if err := plan.Compatible(second.plan, first.plan); err == nil {
			t.Error("a version without the windows would lose them, and nobody says so")
		}
	})
}
