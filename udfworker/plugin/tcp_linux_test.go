package plugin_test

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pyudf/pyudf/udfworker/plugin"
)

func TestTheKernelNoticesWithinTenSecondsThatAPeerIsGone(t *testing.T) {
	listener, err := plugin.ListenConfig().Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // it is a test's
	dialed, err := plugin.DialTCP(t.Context(), listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close() //nolint:errcheck // it is a test's
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close() //nolint:errcheck // it is a test's
	for name, connection := range map[string]net.Conn{"dialed": dialed, "accepted": accepted} {
		option := func(level, which int) int { return socketOption(t, connection, level, which) }
		idle, every, times := option(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE), option(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL), option(unix.IPPROTO_TCP, unix.TCP_KEEPCNT)
		if option(unix.SOL_SOCKET, unix.SO_KEEPALIVE) != 1 || idle+every*times > 10 {
			t.Errorf("%s: probes begin after %d s, come every %d s and may fail %d times", name, idle, every, times)
		}
		if unconfirmed := option(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); unconfirmed == 0 || unconfirmed > 10_000 {
			t.Errorf("%s: data may be unconfirmed for %d ms", name, unconfirmed)
		}
	}
}

func socketOption(t *testing.T, connection net.Conn, level, which int) int {
	t.Helper()
	socket, ok := connection.(*net.TCPConn)
	if !ok {
		t.Fatalf("a %T", connection)
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var value int
	var failed error
	if err := raw.Control(func(fd uintptr) { value, failed = unix.GetsockoptInt(int(fd), level, which) }); err != nil {
		t.Fatal(err)
	}
	if failed != nil {
		t.Fatal(failed)
	}
	return value
}
