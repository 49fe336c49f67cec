package plugin

import (
	"context"
	"net"
	"syscall"
	"time"
)

// deathAfter is how long a peer may be silent, on the level of the kernel, that is taken to be alive. The kernel answers
// however busy the process is: a call may take its time, and only a machine or a network that is gone is noticed.
const deathAfter = 9 * time.Second

func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: deathAfter / 3, Interval: deathAfter / 3, Count: 2}
}

// ListenConfig listens on TCP so that connections whose other end is gone without a word end within ten seconds.
func ListenConfig() *net.ListenConfig {
	return &net.ListenConfig{KeepAliveConfig: keepAlive(), Control: limitSilence}
}

func dialTCP(ctx context.Context, host string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: deathAfter, KeepAliveConfig: keepAlive(), Control: limitSilence}
	return dialer.DialContext(ctx, "tcp", host)
}

// limitSilence limits how long what was sent may go unconfirmed, which probes of idle connections say nothing about.
func limitSilence(_, _ string, raw syscall.RawConn) error {
	var err error
	if failed := raw.Control(func(fd uintptr) { err = limitUnconfirmed(int(fd), deathAfter) }); failed != nil {
		return failed
	}
	return err
}
