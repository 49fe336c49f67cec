package integration_test

import (
	"syscall"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// member are flags of a run that shares its group with others and is missed soon.
func member() []string {
	return []string{
		"--commit-interval", "200ms", "--metrics-addr", "127.0.0.1:0",
		"-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=300",
	}
}

// flowUntil sends records until a condition holds.
func (f *flow) flowUntil(t *testing.T, what string, holds func() bool) {
	t.Helper()
	eventually(t, what, func() bool {
		if holds() {
			return true
		}
		f.send(t, 500)
		return false
	})
}

func (f *flow) flowUntilWorking(t *testing.T, p *program) {
	t.Helper()
	p.await(t, "metrics are served")
	f.flowUntil(t, "records for the program", func() bool { return p.measured(t)["pyudf_records_out_total"] > 0 })
}

func TestU14MembersThatComeAndGoInGoodOrderLoseAndRepeatNothing(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		f := newFlow(t, b, 6)
		first := f.stream.start(t, member()...)
		f.flowUntilWorking(t, first)
		second := f.stream.start(t, member()...)
		f.flowUntilWorking(t, second)
		third := f.stream.start(t, member()...)
		f.flowUntilWorking(t, third)
		second.stop(t)
		f.send(t, 5_000)
		first.stop(t)
		f.send(t, 5_000)
		b.Await(t, f.stream.out, f.sent)
		third.stop(t)
		exactlyOnce(t, f.stream.results(t), f.sent)
		t.Logf("%d records", f.sent)
	})
}

func TestAMemberThatIsKilledLeavesItsWorkToTheOthers(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		f := newFlow(t, b, 6)
		staying := f.stream.start(t, member()...)
		f.flowUntilWorking(t, staying)
		dying := f.stream.start(t, member()...)
		f.flowUntilWorking(t, dying)
		dying.interrupt(t, syscall.SIGKILL)
		<-dying.done
		f.send(t, 5_000)
		eventually(t, "all partitions for the one that stays", func() bool {
			seen := 0
			for _, offset := range b.Committed(t, f.stream.app, f.stream.in) {
				seen += int(offset)
			}
			return seen == f.sent
		})
		staying.stop(t)
		atLeastOnce(t, f.stream.results(t), f.sent)
	})
}
