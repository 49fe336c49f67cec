package plugin_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/udfworker/plugin"
	"github.com/pyudf/pyudf/udfworker/workertest"
)

const engineMarker = "PYUDF_TEST_ENGINE"

// engineMain is an engine that starts a worker, says its process id and waits, if this process was started as one.
func engineMain() {
	if os.Getenv(engineMarker) == "" {
		return
	}
	w, err := plugin.Launch(context.Background(), config(workertest.Serve, &logBuffer{}))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(w.Pid())
	<-w.Exited()
}

func TestAWorkerDiesWithItsEngine(t *testing.T) {
	engine := exec.Command(os.Args[0])                                          //nolint:noctx // its end is what is tested
	engine.Env = append(os.Environ(), engineMarker+"=1", "TMPDIR="+t.TempDir()) // it cannot tidy up
	stdout, err := engine.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the engine said %q", line)
	}
	died := workertest.AwaitDeath(t, pid)
	if err := engine.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = engine.Wait() // it was killed
	died()
}
