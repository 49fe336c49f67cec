package integration_test

import (
	"context"
	"testing"
	"time"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// away waits while nothing can be sent.
func away(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
}

func TestABrokerThatRestartsInTheMidstOfTransactionsCostsNothing(t *testing.T) {
	t.Parallel()
	b := kafkatest.OwnKafka(t)
	p := newPipeline(t, b, seeded(t), t.TempDir(), t.TempDir())
	p.start(t)
	p.nodes[0].awaitWork(t)
	for _, stop := range []func(*testing.T){b.Stop, b.Crash} {
		p.load.lasting(t, time.Second)
		stop(t)
		away(t, 3*time.Second)
		b.Start(t)
		p.load.lasting(t, 3*time.Second)
	}
	for _, n := range p.nodes {
		if !n.program.running() {
			t.Fatalf("a node ended while the broker was away:\n%s", shorten(n.program.err.String()))
		}
	}
	p.finish(t)
}
