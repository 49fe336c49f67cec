package plugin

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// drainTime is how long a dead process's output is read on if something that it started, and that left its process
// group, still holds the pipe.
const drainTime = 250 * time.Millisecond

// Child runs a command as a child process in a process group of its own. Killing it kills the group, and so does its
// end; on Linux the end of the engine kills the child too. What leaves the group by setsid survives both.
type Child struct {
	command        *exec.Cmd
	stdout, stderr *os.File
	// exited closes once err is set.
	exited chan struct{}
	err    error

	mu sync.Mutex
	// pid is 0 before the start and after the process was reaped: the number may then be another's. Guarded by mu.
	pid int
	id  string
}

var _ Runner = (*Child)(nil)

// NewChild returns a runner for the command, whose standard streams and process group it sets.
func NewChild(command *exec.Cmd) *Child {
	return &Child{command: command, exited: make(chan struct{})}
}

// Start starts the process.
func (c *Child) Start(context.Context) error {
	writers, err := c.openPipes()
	if err != nil {
		return err
	}
	c.command.Stdin = nil // a worker that reads the terminal would be stopped by it
	if c.command.SysProcAttr == nil {
		c.command.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.command.SysProcAttr.Setpgid = true
	dieWithEngine(c.command.SysProcAttr)
	started := make(chan error, 1)
	go c.live(started)
	err = <-started
	closeAll(writers)
	if err != nil {
		closeAll([]*os.File{c.stdout, c.stderr})
	}
	return err
}

// live starts the process and waits for its end on one OS thread: the kernel ends a child with a parent-death signal
// when the thread that started it ends.
func (c *Child) live(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := c.command.Start()
	if err == nil {
		c.mu.Lock()
		c.pid = c.command.Process.Pid
		c.id = strconv.Itoa(c.pid)
		c.mu.Unlock()
	}
	started <- err
	if err != nil {
		return
	}
	awaitExit(c.command.Process.Pid)
	c.mu.Lock()
	c.killGroup() // before the process is reaped: until then nobody else can have its group's number
	c.err = c.command.Wait()
	c.pid = 0
	c.mu.Unlock()
	deadline := time.Now().Add(drainTime)
	_ = c.stdout.SetReadDeadline(deadline) // fails only if already closed
	_ = c.stderr.SetReadDeadline(deadline)
	close(c.exited)
}

func (c *Child) openPipes() ([]*os.File, error) {
	stdout, stdoutWriter, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stderr, stderrWriter, err := os.Pipe()
	if err != nil {
		closeAll([]*os.File{stdout, stdoutWriter})
		return nil, err
	}
	c.stdout, c.stderr = stdout, stderr
	c.command.Stdout, c.command.Stderr = stdoutWriter, stderrWriter
	return []*os.File{stdoutWriter, stderrWriter}, nil
}

func closeAll(files []*os.File) {
	for _, file := range files {
		_ = file.Close() // pipes lose nothing
	}
}

// killGroup sends SIGKILL to everything in the group, and to the process in case it left it. REQUIRES: mu is held.
func (c *Child) killGroup() {
	if c.pid == 0 {
		return
	}
	_ = syscall.Kill(-c.pid, syscall.SIGKILL) // no such group: everything in it is gone
	_ = syscall.Kill(c.pid, syscall.SIGKILL)
}

// Kill sends SIGKILL to the process group. It does not wait.
func (c *Child) Kill(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killGroup()
	return nil
}

// Wait returns nil if the process ended with status 0, else an *exec.ExitError.
func (c *Child) Wait(context.Context) error {
	<-c.exited
	return c.err
}

// Stdout is what the process writes. It ends with the process.
func (c *Child) Stdout() io.ReadCloser { return endingPipe{c.stdout} }

// Stderr is what the process writes. It ends with the process.
func (c *Child) Stderr() io.ReadCloser { return endingPipe{c.stderr} }

// Name is the path of the executable.
func (c *Child) Name() string { return c.command.Path }

// ID is the process id, empty before the start.
func (c *Child) ID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}

// Diagnose has nothing to add.
func (c *Child) Diagnose(context.Context) string { return "" }

// PluginToHost leaves the address as it is: both sides see the same files.
func (c *Child) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin leaves the address as it is.
func (c *Child) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// endingPipe takes the read deadline that the end of the process sets as the end of the pipe.
type endingPipe struct{ *os.File }

func (p endingPipe) Read(into []byte) (int, error) {
	n, err := p.File.Read(into)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = io.EOF
	}
	return n, err
}
