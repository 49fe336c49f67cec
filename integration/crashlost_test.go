package integration_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// stand stops a node in its tracks while others go on, and lets it go on itself.
func (n *node) stand(t *testing.T, while func()) {
	t.Helper()
	n.program.interrupt(t, syscall.SIGSTOP)
	while()
	n.program.interrupt(t, syscall.SIGCONT)
	n.load.lasting(t, 3*time.Second)
	if !n.program.running() {
		t.Fatalf("the node that stood ended:\n%s", shorten(n.program.err.String()))
	}
}

// TestANodeThatWasLostCommitsNothing has a node stand for longer than its session, and then for longer than its transactions
// too, so that others go on with its work before it goes on itself.
func TestANodeThatWasLostCommitsNothing(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, kafkatest.Kafka(t), seeded(t), t.TempDir(), t.TempDir())
	p.start(t)
	p.nodes[0].awaitWork(t)
	p.nodes[1].awaitWork(t)
	p.nodes[0].stand(t, func() { p.load.lasting(t, 9*time.Second) })
	if thorough() {
		p.nodes[0].stand(t, func() { p.load.lasting(t, 20*time.Second) })
	}
	p.finish(t)
}

func TestANodeWaitsForStateThatAnotherOneOnItsDiskHas(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newPipeline(t, kafkatest.Kafka(t), seeded(t), dir, dir)
	p.start(t)
	p.nodes[0].awaitWork(t)
	p.nodes[1].awaitWork(t)
	p.nodes[0].stand(t, func() {
		p.load.lasting(t, 3*time.Second)
		p.nodes[1].program.await(t, "waiting for the state that goes with a partition")
	})
	p.finish(t)
}

func TestTwoProcessesCannotBeTheSameNode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newPipeline(t, kafkatest.Kafka(t), seeded(t), dir, dir)
	for _, n := range p.nodes {
		n.flags = []string{"--node", "one"}
	}
	first, second := p.nodes[0], p.nodes[1]
	first.start(t, nil)
	first.awaitWork(t)
	second.start(t, nil)
	if code := second.program.wait(t); code == 0 {
		t.Errorf("the second process ended well and said: %s", shorten(second.program.err.String()))
	}
	contains(t, "what the second process said", second.program.err.String(), "another process on this machine runs as node one")
	p.finish(t)
}

// TestARunToTheEndReadsWhatIsLeftOfNodesThatStopped starts it while the group still takes the stopped nodes for members.
func TestARunToTheEndReadsWhatIsLeftOfNodesThatStopped(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, kafkatest.Kafka(t), seeded(t), t.TempDir(), t.TempDir())
	p.start(t)
	p.nodes[0].awaitWork(t)
	p.nodes[1].awaitWork(t)
	p.load.lasting(t, 3*time.Second)
	p.nodes[0].program.stop(t)
	p.load.lasting(t, 3*time.Second)
	p.nodes[1].program.stop(t)
	p.flush(t)
}
