package integration_test

import (
	"context"
	"syscall"
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

// TestANodeThatWasLostCommitsNothing stops a node for longer than its session, so that others go on with its work before it
// goes on itself.
func TestANodeThatWasLostCommitsNothing(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, kafkatest.Kafka(t), seeded(t), t.TempDir(), t.TempDir())
	p.start(t)
	lost := p.nodes[0]
	lost.awaitWork(t)
	p.nodes[1].awaitWork(t)
	for _, d := range []time.Duration{9 * time.Second, 20 * time.Second} { // longer than its session, then than its transactions too
		lost.program.interrupt(t, syscall.SIGSTOP)
		p.load.lasting(t, d)
		lost.program.interrupt(t, syscall.SIGCONT)
		p.load.lasting(t, 3*time.Second)
	}
	if !lost.program.running() {
		t.Fatalf("the node that was lost ended:\n%s", shorten(lost.program.err.String()))
	}
	p.finish(t)
}
