package plugin

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// peerUser returns the user at the other end of a Unix socket.
func peerUser(connection net.Conn) (int, error) {
	socket, ok := connection.(*net.UnixConn)
	if !ok {
		return 0, errors.New("the connection is no Unix socket")
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, err
	}
	var credentials *unix.Ucred
	var credentialsErr error
	err = raw.Control(func(fd uintptr) {
		credentials, credentialsErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, credentialsErr); err != nil {
		return 0, err
	}
	return int(credentials.Uid), nil
}
