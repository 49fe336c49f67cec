package plugin

import (
	"syscall"
	"unsafe"
)

// dieWithEngine: only Linux has a parent-death signal.
func dieWithEngine(*syscall.SysProcAttr) {}

// awaitExit returns when the process has ended, and leaves it to be reaped.
func awaitExit(pid int) {
	const (
		byPid          = 1
		exitedKeepWait = 0x4 | 0x20 // WEXITED|WNOWAIT
	)
	var info [16]uint64 // a siginfo_t, which nobody reads
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, byPid, uintptr(pid),
			uintptr(unsafe.Pointer(&info)), exitedKeepWait, 0, 0)
		if errno != syscall.EINTR {
			return
		}
	}
}
