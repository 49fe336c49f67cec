package plugin

import (
	"time"

	"golang.org/x/sys/unix"
)

// limitUnconfirmed ends a connection on which data are not confirmed for so long. Accepted connections have it from
// their listener.
func limitUnconfirmed(fd int, after time.Duration) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(after.Milliseconds()))
}
