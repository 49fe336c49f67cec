package broker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// process is a child in a process group of its own that the kernel kills when we die.
type process struct {
	pid   int
	ready chan struct{} // closed when the child printed the line that was waited for
	done  chan struct{} // closed when the child is gone and its output read
}

// launch starts a program and copies its output to log, which it closes at the end.
func launch(log io.WriteCloser, line, name string, args ...string) (*process, error) {
	p := &process{ready: make(chan struct{}), done: make(chan struct{})}
	started := make(chan error)
	go p.live(log, line, started, exec.Command(name, args...)) //nolint:noctx // it outlives the start; kill ends it
	return p, <-started
}

// live owns the child. The parent-death signal follows the thread that started the child, not the process, so this
// goroutine keeps its thread for as long as the child lives.
func (p *process) live(log io.WriteCloser, line string, started chan<- error, cmd *exec.Cmd) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer log.Close() //nolint:errcheck // a log that cannot be closed changes nothing
	read, write, err := os.Pipe()
	if err != nil {
		started <- err
		return
	}
	cmd.Stdout, cmd.Stderr = write, write
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	err = cmd.Start()
	_ = write.Close()
	if err != nil {
		_ = read.Close()
		started <- err
		return
	}
	p.pid = cmd.Process.Pid
	started <- nil
	p.copy(log, line, read)
	_ = cmd.Wait() // how it ended stands in the log; that it ended is what callers wait for
	close(p.done)
}

func (p *process) copy(log io.Writer, line string, output io.ReadCloser) {
	defer output.Close() //nolint:errcheck // it was only read
	waiting := true
	lines := bufio.NewReader(output)
	for {
		text, err := lines.ReadString('\n')
		_, _ = io.WriteString(log, text)
		if waiting && strings.Contains(text, line) {
			close(p.ready)
			waiting = false
		}
		if err != nil {
			return
		}
	}
}

func (p *process) kill() {
	select {
	case <-p.done: // its number may belong to another process by now
		return
	default:
	}
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	<-p.done
}

// terminate asks the child to end and kills it if ctx ends first.
func (p *process) terminate(ctx context.Context) error {
	if err := syscall.Kill(p.pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("ask the broker to stop: %w", err)
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.kill()
		return fmt.Errorf("wait for the broker to stop: %w", ctx.Err())
	}
}
