package plugin

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ExitError is how a worker process ended that nobody asked to.
type ExitError struct {
	// ID is the process id, or what the runner calls the process.
	ID string
	// Lines are the last that it wrote, at most ten.
	Lines []string
	// Err is what waiting for the process returned: nil if it ended with status 0.
	Err error
}

func (e *ExitError) Error() string {
	return fmt.Sprintf("the worker (process %s) %s%s", e.ID, how(e.Err), quote(e.Lines))
}

func (e *ExitError) Unwrap() error { return e.Err }

func how(err error) string {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "exited with status 0, though nobody asked it to"
	case !errors.As(err, &exit):
		return "ended: " + err.Error()
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled() && status.Signal() == syscall.SIGKILL:
		return "was killed by SIGKILL; if nobody sent it, the machine or the container ran out of memory"
	case ok && status.Signaled():
		return "was killed by " + signalName(status.Signal())
	default:
		return fmt.Sprintf("exited with status %d", exit.ExitCode())
	}
}

func signalName(signal syscall.Signal) string {
	if name := unix.SignalName(signal); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", int(signal))
}

func quote(lines []string) string {
	if len(lines) == 0 {
		return "; it wrote nothing"
	}
	return "; the last that it wrote:\n    " + strings.Join(lines, "\n    ")
}
