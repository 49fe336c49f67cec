package plugin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pyudf/pyudf/udfworker/address"
	"github.com/pyudf/pyudf/udfworker/wire"
)

const (
	// window lets whole batches be under way without waiting for the other side's permission.
	window = 16 << 20
	// ioBuffer is what one read or write of the socket moves.
	ioBuffer = 256 << 10
)

// AbsentError says that nobody serves at an address, for now: somebody may in a moment.
type AbsentError struct {
	Message string
	Err     error
}

func (e *AbsentError) Error() string { return e.Message }

func (e *AbsentError) Unwrap() error { return e.Err }

func dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(wire.MaxMessage),
			grpc.MaxCallSendMsgSize(wire.MaxMessage),
		),
		grpc.WithInitialWindowSize(window),
		grpc.WithInitialConnWindowSize(window),
		grpc.WithReadBufferSize(ioBuffer),
		grpc.WithWriteBufferSize(ioBuffer),
		grpc.WithIdleTimeout(0),
	}
}

// Dial connects to a worker that somebody else started: on a Unix socket, or on TCP with the certificates of files. The
// connection is made at the first call; before, another one tries whether anybody serves. If nobody does, the error is
// an *AbsentError; any other says what to mend.
func Dial(ctx context.Context, at address.Address, files address.TLS) (*grpc.ClientConn, error) {
	if at.Host != "" {
		return dialTLS(ctx, at, files)
	}
	if err := checkListens(ctx, at.Path); err != nil {
		return nil, err
	}
	return newClient(insecure.NewCredentials(), func(ctx context.Context, _ string) (net.Conn, error) { return dialSocket(ctx, at.Path) })
}

func newClient(secrecy credentials.TransportCredentials, dial func(context.Context, string) (net.Conn, error)) (*grpc.ClientConn, error) {
	options := append(dialOptions(), grpc.WithTransportCredentials(secrecy), grpc.WithContextDialer(dial))
	return grpc.NewClient("passthrough:///worker", options...)
}

// dialChild connects to a worker that this process started: nobody else may be at the other end.
func dialChild(ctx context.Context, path string) (net.Conn, error) {
	if err := checkSocket(path); err != nil {
		return nil, err
	}
	connection, err := dialSocket(ctx, path)
	if err != nil {
		return nil, err
	}
	uid, err := peerUser(connection)
	if err == nil && uid != os.Geteuid() {
		err = fmt.Errorf("the worker's socket %s is served by user %d, this is user %d", path, uid, os.Geteuid())
	}
	if err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	return connection, nil
}

func dialSocket(ctx context.Context, path string) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", path)
}

// checkListens says why a worker at the path cannot be reached.
func checkListens(ctx context.Context, path string) error {
	if err := checkSocket(path); err != nil {
		return err
	}
	connection, err := dialSocket(ctx, path)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return &AbsentError{fmt.Sprintf("no worker listens at %s: the socket is left from one that ended", path), err}
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the worker at %s cannot be reached: %w; start it as the same user, or with --socket-mode 0660 and a group in common", path, err)
	case err != nil:
		return fmt.Errorf("the worker at %s cannot be reached: %w", path, err)
	}
	return connection.Close()
}

// checkSocket does not follow links: what is at the path must be the socket itself.
func checkSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &AbsentError{fmt.Sprintf("no worker listens at %s: there is no such file", path), err}
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("no worker listens at %s: it is no socket", path)
	}
	return nil
}
