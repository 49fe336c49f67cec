package host_test

import (
	"log/slog"
	"strconv"
	"testing"

	"github.com/pyudf/pyudf/udfworker/host"
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

func TestAForkOfPythonDiesWithTheWorker(t *testing.T) {
	for name, end := range map[string]func(*host.Process){
		"killed by the engine": func(p *host.Process) { p.Kill() },
		"killed by itself": func(p *host.Process) {
			_, err := p.Run(t.Context(), call(t, p, "die", ints(1)))
			requireSays(t, err, "was killed by SIGKILL")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := startPython(t, slog.DiscardHandler)
			pid := run(t, p, call(t, p, "fork", ints(3600))).Column.Ints[0]
			died := workertest.AwaitDeath(t, int(pid))
			end(p)
			died()
		})
	}
}
