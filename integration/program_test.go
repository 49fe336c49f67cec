package integration_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// patience is how long anything may take that a test waits for.
const patience = 90 * time.Second

// env is what a program finds in its environment beside our own.
type env map[string]string

// program is a pyudf command that runs, or did.
type program struct {
	cmd  *exec.Cmd
	out  *output
	err  *output
	done chan struct{} // closed when it ended and its output is read
}

// start starts `pyudf args...`; the broker may be nil. The program ends with the test if it has not before.
func start(t *testing.T, b *kafkatest.Broker, more env, args ...string) *program {
	t.Helper()
	return startIn(t, "", b, more, args...)
}

// startIn is start in a directory of its own.
func startIn(t *testing.T, dir string, b *kafkatest.Broker, more env, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(kafkatest.Pyudf(t), args...), out: newOutput(), err: newOutput(), done: make(chan struct{})} //nolint:noctx // a test may kill it, or end with it
	environment := env{"VIRTUAL_ENV": virtualEnv(t)}
	if b != nil {
		environment["PYUDF_BROKERS"] = b.Addr()
	}
	maps.Copy(environment, more)
	p.cmd.Dir = dir
	p.cmd.Env = os.Environ()
	for key, value := range environment {
		p.cmd.Env = append(p.cmd.Env, key+"="+value)
	}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.err
	p.launch(t)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("pyudf %s said:\n%s", strings.Join(args, " "), shorten(p.err.String()))
		}
	})
	return p
}

// launch starts the process from a thread that lives as long as it does: should we be killed, the thread ends, and
// the kernel ends the program.
func (p *program) launch(t *testing.T) {
	t.Helper()
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.WaitDelay = 10 * time.Second
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // how it ended is in its ProcessState
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
}

// kill ends it as a power cut would.
func (p *program) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.done
}

// interrupt asks it to stop.
func (p *program) interrupt(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// wait returns the exit code once it ended.
func (p *program) wait(t *testing.T) int {
	t.Helper()
	return p.waitFor(t, patience)
}

func (p *program) waitFor(t *testing.T, limit time.Duration) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		t.Fatalf("the program has not ended within %s", limit)
	}
	return p.cmd.ProcessState.ExitCode()
}

// succeed waits until it ended well.
func (p *program) succeed(t *testing.T) *program {
	t.Helper()
	return p.succeedWithin(t, patience)
}

func (p *program) succeedWithin(t *testing.T, limit time.Duration) *program {
	t.Helper()
	if code := p.waitFor(t, limit); code != 0 {
		t.Fatalf("the program ended with %d:\n%s", code, shorten(p.err.String()))
	}
	return p
}

// stop asks it to stop and waits until it did so well.
func (p *program) stop(t *testing.T) {
	t.Helper()
	p.interrupt(t, syscall.SIGTERM)
	p.succeed(t)
}

// pyudf runs a command to its end, which must be a good one.
func pyudf(t *testing.T, b *kafkatest.Broker, args ...string) *program {
	t.Helper()
	return start(t, b, nil, args...).succeed(t)
}

// virtualEnv is the directory of the environment that the interpreter belongs to.
func virtualEnv(t *testing.T) string {
	t.Helper()
	return strings.TrimSuffix(kafkatest.Python(t), "/bin/python")
}

func shorten(text string) string {
	const most = 6000
	if len(text) <= most {
		return text
	}
	return text[:most/2] + "\n...\n" + text[len(text)-most/2:]
}

// output collects what a program writes and tells who waits for it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed and replaced when text grows
}

func newOutput() *output { return &output{more: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.more)
	o.more = make(chan struct{})
	return o.text.Write(p)
}

func (o *output) String() string {
	text, _ := o.read()
	return text
}

func (o *output) read() (text string, more <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.more
}

// await waits until the program has written what the pattern matches, and returns the pattern's last group.
func (p *program) await(t *testing.T, pattern string) string {
	t.Helper()
	find := regexp.MustCompile(pattern)
	timeout := time.After(patience)
	for {
		text, more := p.err.read()
		if found := find.FindStringSubmatch(text); found != nil {
			return found[len(found)-1]
		}
		select {
		case <-more:
		case <-p.done:
			if !find.MatchString(p.err.String()) {
				t.Fatalf("the program ended and never wrote %s", pattern)
			}
		case <-timeout:
			t.Fatalf("the program has not written %s within %s", pattern, patience)
		}
	}
}

// measured are the metrics of a program that was started with --metrics-addr: each sample by its name and labels, as
// in pyudf_records_in_total{source="weather"}, and the sum of its samples by its name alone.
func (p *program) measured(t *testing.T) map[string]float64 {
	t.Helper()
	url := p.await(t, `metrics are served url=(\S+)`)
	response, err := http.Get(url) //nolint:gosec,noctx // of our own program
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s (%v)", url, response.Status, err)
	}
	all := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		space := strings.LastIndex(line, " ") // labels may have spaces too
		if strings.HasPrefix(line, "#") || space < 0 {
			continue
		}
		name := line[:space]
		value, err := strconv.ParseFloat(line[space+1:], 64)
		if err != nil {
			continue
		}
		all[name] = value
		if family, _, labelled := strings.Cut(name, "{"); labelled {
			all[family] += value
		}
	}
	return all
}

// awaitOut waits until a program that was started with --metrics-addr has handed over n records.
func (p *program) awaitOut(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d records out", n), func() bool { return p.measured(t)["pyudf_records_out_total"] >= float64(n) })
}

// eventually polls a condition of the world that tells nobody when it changes.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}
