package plugin

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithEngine has the kernel kill the process when the thread that starts it ends.
func dieWithEngine(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }

// awaitExit returns when the process has ended, and leaves it to be reaped.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
