package workertest

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// AwaitDeath returns a function that fails the test unless the process ends. The process must live when AwaitDeath
// is called; it need not be a child.
func AwaitDeath(t *testing.T, pid int) func() {
	t.Helper()
	handle, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatalf("process %d: %v", pid, err)
	}
	t.Cleanup(func() { _ = unix.Close(handle) })
	return func() {
		t.Helper()
		set := []unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}
		deadline := time.Now().Add(20 * time.Second)
		for {
			n, err := unix.Poll(set, int(time.Until(deadline).Milliseconds()))
			if err == unix.EINTR {
				continue
			}
			if err != nil || n == 0 {
				t.Fatalf("process %d still lives (%v)", pid, err)
			}
			return
		}
	}
}
