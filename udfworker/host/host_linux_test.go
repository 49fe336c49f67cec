package host_test

import (
	"strconv"
	"testing"

	"github.com/pyudf/pyudf/udfworker/workertest"
)

func TestKillEndsWhatTheWorkerStartedToo(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	pid, err := strconv.Atoi(run(t, p, floats(workertest.Spawn, 1)).Failures[0].Message)
	if err != nil {
		t.Fatal(err)
	}
	died := workertest.AwaitDeath(t, pid)
	p.Kill()
	died()
}

func TestWhatAWorkerStartedDiesWithIt(t *testing.T) {
	p := start(t, fake(workertest.Serve))
	pid, err := strconv.Atoi(run(t, p, floats(workertest.Spawn, 1)).Failures[0].Message)
	if err != nil {
		t.Fatal(err)
	}
	died := workertest.AwaitDeath(t, pid)
	_, err = p.Run(t.Context(), floats(workertest.Exit, 1))
	requireSays(t, err, "exited with status 3")
	died()
}
