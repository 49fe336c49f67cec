package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"google.golang.org/grpc"

	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
	"github.com/pyudf/pyudf/udfworker/plugin"
)

// Attach connects to a worker that listens on a Unix socket, given as a path or as unix:///path. Somebody else
// started it and ends it: Kill and Stop only close the connection.
func Attach(ctx context.Context, socket string, logger *slog.Logger) (*Process, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	path := strings.TrimPrefix(socket, "unix://")
	connection, err := plugin.Dial(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("%w. Start one with `python -m %s APP.py --socket %s`", err, module, path)
	}
	worker := &attached{path: path, connection: connection, gone: make(chan struct{})}
	p, err := newProcess(ctx, worker, false, logger)
	if err != nil {
		return nil, fmt.Errorf("worker at %s: %w", path, err)
	}
	return p, nil
}

// attached is a worker that is not ours. It is gone when the connection is closed.
type attached struct {
	path       string
	connection *grpc.ClientConn
	gone       chan struct{}
	once       sync.Once
	err        error
}

func (a *attached) Service() workerv1.WorkerServiceClient {
	return workerv1.NewWorkerServiceClient(a.connection)
}

func (a *attached) Pid() int { return 0 }

func (a *attached) Exited() <-chan struct{} { return a.gone }

func (a *attached) Exit() *plugin.ExitError {
	return &plugin.ExitError{ID: a.path, Err: errors.New("the connection was closed")}
}

func (a *attached) Kill() error {
	a.once.Do(func() {
		a.err = a.connection.Close()
		close(a.gone)
	})
	return a.err
}

func (a *attached) Close() { _ = a.Kill() } // a connection that is of no use any more
