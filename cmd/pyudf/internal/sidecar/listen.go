package sidecar

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/pyudf/pyudf/udfworker/address"
	"github.com/pyudf/pyudf/udfworker/plugin"
)

// Listen says where engines come in.
type Listen struct {
	Address address.Address
	// Mode is that of a socket.
	Mode fs.FileMode
	// TLS is for TCP.
	TLS address.TLS
}

// listen opens the place where engines come in.
func (l Listen) listen(ctx context.Context, logger *slog.Logger) (net.Listener, error) {
	if l.Address.Host == "" {
		return listenSocket(ctx, l.Address.Path, l.Mode)
	}
	config, err := plugin.ServerTLS(l.TLS, func(err error) {
		logger.Warn("the certificates cannot be read any more, those from before are used", "cause", err)
	})
	if err != nil {
		return nil, err
	}
	plain, err := plugin.ListenConfig().Listen(ctx, "tcp", l.Address.Host)
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w", l.Address.Host, err)
	}
	return tls.NewListener(plain, config), nil
}

// maxPath is how long the path of a socket may be, on all systems.
const maxPath = 103

// listenSocket makes a socket with its mode before it has its name, in the place of one that a dead worker left.
func listenSocket(ctx context.Context, path string, mode fs.FileMode) (net.Listener, error) {
	draft := path + "~"
	if len(draft) > maxPath {
		return nil, fmt.Errorf("--socket %s: the path of a socket may have %d bytes: name a shorter one", path, maxPath-1)
	}
	if err := checkFree(ctx, path); err != nil {
		return nil, err
	}
	_ = os.Remove(draft) // of a start that was broken off
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", draft)
	if err != nil {
		return nil, fmt.Errorf("--socket %s: %w", path, err)
	}
	if socket, ok := listener.(*net.UnixListener); ok {
		socket.SetUnlinkOnClose(false) // it does not know the name
	}
	if err = os.Chmod(draft, mode); err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("--socket %s: %w", path, err), listener.Close())
	}
	return named{listener, path}, nil
}

// named removes its socket when it is closed.
type named struct {
	net.Listener

	path string
}

func (n named) Close() error { return errors.Join(os.Remove(n.path), n.Listener.Close()) }

// checkFree returns an error unless there is nothing at a path, or a socket at which nobody listens.
func checkFree(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("--socket %s: %w", path, err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("--socket %s: there is a file that is no socket: name another path", path)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	connection, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil // nobody listens
	}
	return errors.Join(fmt.Errorf("--socket %s: another worker listens there: stop it, or name another path", path), connection.Close())
}
