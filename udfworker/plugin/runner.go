package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-plugin/runner"
)

// Runner is a process that is about to be started, and later its handle: see NewChild for the plain one. Wait is
// called once, after Stdout and Stderr have ended: they must end when the process does, whoever else holds them.
type Runner = runner.Runner

// RunnerFunc makes the runner of a command that is complete but not started. The worker puts its socket into
// socketDir, which nobody else can read. This is the seam where a sandbox goes.
type RunnerFunc func(command *exec.Cmd, socketDir string) (Runner, error)

// tap stands between a runner and go-plugin: it reads the process's output itself, hands go-plugin nothing but the
// handshake, and keeps what happened to the process.
type tap struct {
	Runner
	socketDir string
	output    *output
	// abort ends the process if it closes before ready does.
	abort <-chan struct{}
	ready chan struct{}

	started atomic.Bool
	// killed tells that the process did not end by itself.
	killed atomic.Bool
	// done closes when the process is gone, its output read and err set.
	done chan struct{}
	err  error

	handshake       *io.PipeReader
	handshakeWriter *io.PipeWriter
	handshakeSent   bool // used by the reader of stdout only
}

func newTap(inner Runner, socketDir string, output *output, abort <-chan struct{}) *tap {
	t := &tap{
		Runner:    inner,
		socketDir: socketDir,
		output:    output,
		abort:     abort,
		ready:     make(chan struct{}),
		done:      make(chan struct{}),
	}
	t.handshake, t.handshakeWriter = io.Pipe()
	return t
}

func (t *tap) Start(ctx context.Context) error {
	if err := t.Runner.Start(ctx); err != nil {
		return err
	}
	t.started.Store(true)
	var readers sync.WaitGroup
	readers.Go(func() { eachLine(t.Runner.Stderr(), t.output.stderrLine) })
	readers.Go(func() { eachLine(t.Runner.Stdout(), t.stdoutLine) })
	go func() { //nolint:contextcheck // ctx is for the start only
		readers.Wait()
		t.err = t.Runner.Wait(context.Background())
		close(t.done)
		_ = t.handshakeWriter.Close() // only now: go-plugin kills a worker whose stdout ends without a handshake
	}()
	go t.watchAbort() //nolint:contextcheck // as above
	return nil
}

func (t *tap) watchAbort() {
	select {
	case <-t.ready:
	case <-t.done:
	case <-t.abort:
		_ = t.Kill(context.Background())
	}
}

// stdoutLine looks for the handshake and logs everything else, which some site-packages print at start.
func (t *tap) stdoutLine(line []byte) {
	text := string(line)
	if t.handshakeSent || !isHandshake(text) {
		t.output.stdoutLine(line)
		return
	}
	t.handshakeSent = true
	_, _ = io.WriteString(t.handshakeWriter, text+"\n") // fails only after Close
	_ = t.handshakeWriter.Close()                       // always nil
}

// isHandshake recognizes CORE-VERSION|APP-VERSION|NETWORK|ADDRESS|PROTOCOL.
func isHandshake(line string) bool {
	parts := strings.Split(line, "|")
	return len(parts) >= 5 && parts[0] == "1" && len(line) < 4096
}

func (t *tap) Stdout() io.ReadCloser { return t.handshake }

func (t *tap) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

func (t *tap) Wait(context.Context) error {
	<-t.done
	return t.err
}

func (t *tap) Kill(ctx context.Context) error {
	select {
	case <-t.done:
		return nil
	default:
		t.killed.Store(true)
		return t.Runner.Kill(ctx)
	}
}

func (t *tap) Diagnose(context.Context) string { return "" }

// PluginToHost accepts no address but a socket in the directory that was made for this worker.
func (t *tap) PluginToHost(network, address string) (string, string, error) {
	network, address, err := t.Runner.PluginToHost(network, address)
	if err != nil {
		return "", "", err
	}
	if network != "unix" {
		return "", "", fmt.Errorf("the worker listens on %s, not on a Unix socket", network)
	}
	if filepath.Clean(address) != address || filepath.Dir(address) != t.socketDir {
		return "", "", errors.New("the worker listens outside of the directory that was made for it, at " + address)
	}
	return network, address, nil
}
