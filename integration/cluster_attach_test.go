package integration_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// packed writes an app as a version of a number, and makes a bundle of it.
func (c *cluster) packed(t *testing.T, number int) string {
	t.Helper()
	file := c.version(t, number)
	bundle := filepath.Join(filepath.Dir(file), "deployed.pyudf")
	startIn(t, filepath.Dir(file), nil, nil, "bundle", "build", filepath.Base(file), "-o", bundle).succeed(t)
	return bundle
}

func TestANodeUsesTheWorkerThatSomebodyElseRuns(t *testing.T) {
	t.Parallel()
	b := kafkatest.Embedded(t)
	c := newCluster(t, b)
	socket := filepath.Join(t.TempDir(), "w.sock")
	n := c.node(t, t.TempDir(), nil, "--attach", c.app+"=unix://"+socket)
	first, second := c.packed(t, 1), c.packed(t, 2)

	contains(t, "a worker that is not there", n.refuse(t, nil, "deploy", first), "no worker listens at "+socket)
	worker := start(t, b, nil, "worker", first, "--socket", socket)
	worker.await(t, "serving")
	n.deploy(t, first)
	if d := n.list(t); len(d) != 1 || d[0].Nodes[0].Attached != "unix://"+socket {
		t.Errorf("the list does not name the worker: %+v", d)
	}
	c.flow(t, 1_000)
	c.awaitVersion(t, 1)

	contains(t, "another bundle than the worker's", n.refuse(t, nil, "deploy", second), "serves another bundle", c.app+" 1 goes on")
	c.awaitVersion(t, 1)
	worker.interrupt(t, syscall.SIGTERM)
	worker.wait(t)
	start(t, b, nil, "worker", second, "--socket", socket).await(t, "serving")
	if d := n.deploy(t, second); d.Version != 2 || d.State != "running" {
		t.Errorf("the second version: %+v", d)
	}
	c.awaitVersion(t, 2)
	c.exact(t, c.finish(t))
}
