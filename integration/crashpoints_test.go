package integration_test

import (
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// crashed waits under load until a node has killed itself.
func (n *node) crashed(t *testing.T) {
	t.Helper()
	n.load.until(t, "a node's crash", func() bool { return !n.program.running() })
	status, ok := n.program.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the node ended before it came to the point of its crash: %s\n%s", n.program.cmd.ProcessState, shorten(n.program.err.String()))
	}
}

// comeBack starts nodes after a crash and sends readings until they work again.
func (p *pipeline) comeBack(t *testing.T, n *node) {
	t.Helper()
	n.start(t, nil)
	n.awaitWork(t)
	p.finish(t)
}

// TestE4ACrashAtAPointOfACommit crashes one of two nodes at each point of the engine's commits, first early, when there is
// hardly any state, or in the midst of things.
func TestE4ACrashAtAPointOfACommit(t *testing.T) {
	for _, where := range []string{"begin:8", "produce:9", "committed:10", "apply:11", "applied:9", "snapshot:2", "snapshot:3+4ms"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			p := newPipeline(t, kafkatest.Kafka(t), seeded(t), t.TempDir(), t.TempDir())
			p.nodes[1].start(t, nil)
			p.nodes[0].start(t, env{"PYUDF_CRASH": where})
			p.nodes[0].crashed(t)
			p.comeBack(t, p.nodes[0])
		})
	}
}

// TestE4ACrashOfTheOnlyNodeAtOnePointAfterTheOther crashes the only node there is again and again, each time at its first commits.
func TestE4ACrashOfTheOnlyNodeAtOnePointAfterTheOther(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, kafkatest.Kafka(t), seeded(t), t.TempDir())
	n := p.nodes[0]
	for _, where := range []string{"produce:3", "committed:3", "apply:3", "apply:6", "committed:5", "begin:4"} {
		n.start(t, env{"PYUDF_CRASH": where})
		n.crashed(t)
	}
	p.comeBack(t, n)
}

// TestE4ACrashWithinTheTransactionsEnd kills one of two nodes when a proxy sees that brokers know of a transaction's offsets
// but not yet of its end, and when they know of its end but the node does not.
func TestE4ACrashWithinTheTransactionsEnd(t *testing.T) {
	t.Parallel()
	b, proxy := kafkatest.ProxiedKafka(t)
	for _, at := range []struct {
		name    string
		api     kafkatest.API
		reply   bool
		verdict kafkatest.Verdict
		rare    bool // for make crash alone
	}{
		{name: "after its offsets were sent", api: kafkatest.TxnOffsetCommit, reply: true},
		{name: "while brokers end it", api: kafkatest.EndTxn},
		{name: "when brokers have ended it", api: kafkatest.EndTxn, reply: true, verdict: kafkatest.Cut},
		{name: "before brokers hear of its end", api: kafkatest.EndTxn, verdict: kafkatest.Cut, rare: true},
		{name: "before its offsets arrive", api: kafkatest.TxnOffsetCommit, verdict: kafkatest.Cut, rare: true},
	} {
		if at.rare && !thorough() {
			continue
		}
		t.Run(at.name, func(t *testing.T) {
			p := newPipeline(t, b, seeded(t), t.TempDir(), t.TempDir())
			p.nodes[1].start(t, nil)
			dying := p.nodes[0]
			dying.broker = proxy.Addr()
			dying.start(t, nil)
			dying.awaitWork(t)
			var passed atomic.Int32
			proxy.Watch(func(api kafkatest.API, reply bool) kafkatest.Verdict {
				if api != at.api || reply != at.reply || passed.Add(1) != 5 {
					return kafkatest.Pass
				}
				_ = dying.program.cmd.Process.Kill() // the test sees how it ended
				return at.verdict
			})
			dying.crashed(t)
			proxy.Watch(nil)
			p.comeBack(t, dying)
		})
	}
}
