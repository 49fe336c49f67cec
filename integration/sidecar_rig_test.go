package integration_test

import (
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// sidecar is where a worker of a stream's app listens, and what engines and the app find there.
type sidecar struct {
	*stream

	socket string
	// calls is the file in which slow.py writes its calls down.
	calls string
	more  env
}

func newSidecar(t *testing.T, b *kafkatest.Broker, file string) *sidecar {
	t.Helper()
	dir, err := os.MkdirTemp("", "pyudf") //nolint:usetesting // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &sidecar{stream: newStream(t, b, file, 1), socket: filepath.Join(dir, "w.sock"), calls: filepath.Join(dir, "calls")}
	s.more = env{"CALLS": s.calls}
	return s
}

// serve starts a worker at the socket, and returns it once it serves.
func (s *sidecar) serve(t *testing.T, flags ...string) *program {
	t.Helper()
	worker := s.begin(t, append([]string{"--socket", s.socket}, flags...)...)
	worker.await(t, "serving")
	return worker
}

// begin starts a worker.
func (s *sidecar) begin(t *testing.T, flags ...string) *program {
	t.Helper()
	all := s.env()
	maps.Copy(all, s.more)
	return start(t, nil, all, append([]string{"worker", s.file}, flags...)...)
}

// attach runs the app with the worker at the socket, to the end of its input.
func (s *sidecar) attach(t *testing.T, flags ...string) *program {
	t.Helper()
	return start(t, s.broker, nil, append([]string{"run", "--attach", s.socket, "--until-end", "--group", s.app}, flags...)...)
}

// python is the process that runs the functions.
func python(t *testing.T, worker *program) int {
	t.Helper()
	pid, err := strconv.Atoi(worker.await(t, `serving.* pid=(\d+)`))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// called returns the arguments of all calls so far.
func (s *sidecar) called(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(s.calls)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// awaitCalls waits until there were n calls.
func (s *sidecar) awaitCalls(t *testing.T, n int) {
	t.Helper()
	eventually(t, strconv.Itoa(n)+" calls", func() bool { return len(s.called(t)) >= n })
}

// numbersTo are values for slow.py.
func numbersTo(count int) []string {
	lines := make([]string, count)
	for i := range lines {
		lines[i] = `{"x":` + strconv.Itoa(i) + `}`
	}
	return lines
}

func killProcess(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// probed is what a probe is answered: the status and the text.
func probed(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url) //nolint:gosec,noctx // of our own program
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
