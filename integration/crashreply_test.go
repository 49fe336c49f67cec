package integration_test

import (
	"sync/atomic"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// TestE5TheReplyToTheEndOfATransactionIsLost has brokers end transactions of which the node never hears.
func TestE5TheReplyToTheEndOfATransactionIsLost(t *testing.T) {
	t.Parallel()
	b, proxy := kafkatest.ProxiedKafka(t)
	for name, verdict := range map[string]kafkatest.Verdict{"cut": kafkatest.Cut, "silent": kafkatest.Silence} {
		t.Run(name, func(t *testing.T) {
			const losses = 3
			p := newPipeline(t, b, seeded(t), t.TempDir())
			n := p.nodes[0]
			n.broker, n.flags = proxy.Addr(), []string{"-X", "socket.timeout.ms=3000"}
			n.start(t, nil)
			n.awaitWork(t)
			var replies, lost atomic.Int32
			proxy.Watch(func(api kafkatest.API, reply bool) kafkatest.Verdict {
				if api != kafkatest.EndTxn || !reply || lost.Load() == losses || replies.Add(1)%4 != 0 {
					return kafkatest.Pass
				}
				lost.Add(1)
				return verdict
			})
			n.load.until(t, "lost replies", func() bool { return lost.Load() == losses })
			proxy.Watch(nil)
			before := n.program.measured(t)["pyudf_records_out_total"]
			n.load.until(t, "results after the last loss", func() bool { return n.program.measured(t)["pyudf_records_out_total"] > before })
			n.broker, n.flags = b.Addr(), nil
			p.finish(t)
		})
	}
}
