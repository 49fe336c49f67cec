package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
	"github.com/pyudf/pyudf/udfworker/address"
	"github.com/pyudf/pyudf/udfworker/plugin"
)

// AttachConfig says which worker of others to use, and what is expected of it.
type AttachConfig struct {
	Address address.Address
	// TLS are the certificates for a worker on TCP.
	TLS address.TLS
	// Expect is the content hash that the worker must have: of a bundle the one without places. Empty: any, and from then
	// on that of the first worker.
	Expect string
	// Timeout is how long a worker is waited for that is not there; 0: not at all.
	Timeout time.Duration
	// Patient tells that one is waited for, from the first, that is there but of no use: it has another bundle, another
	// protocol, code that does not load or a certificate that is refused. Once there was a worker that is always so.
	Patient bool
	// Quit ends all waiting when it closes; nil: nothing does.
	Quit <-chan struct{}
	// Waiting is told each new reason for which it is waited; nil: nobody is.
	Waiting func(reason error)
	// Logger gets the loss and the return of the worker; nil: nothing is logged.
	Logger *slog.Logger
}

// Sidecar is a worker that somebody else starts, ends and starts again. It answers one engine at a time.
type Sidecar struct {
	config AttachConfig

	mu sync.Mutex
	// last is the connection before, nil if there was none. Guarded by mu.
	last *Process
	// expect is the content hash that is expected. Guarded by mu.
	expect string
}

// NewSidecar returns the worker at an address. Nothing is tried yet.
func NewSidecar(config AttachConfig) *Sidecar {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return &Sidecar{config: config, expect: config.Expect}
}

// Attach connects to a worker that somebody else started and ends: Kill and Stop only close the connection.
func Attach(ctx context.Context, config AttachConfig) (*Process, error) {
	return NewSidecar(config).Attach(ctx)
}

// Address returns where the worker is.
func (s *Sidecar) Address() address.Address { return s.config.Address }

// Attach connects to the worker, and waits for it as the configuration says. It is called again when the worker was
// lost. REQUIRES: the Process before is of no use any more.
func (s *Sidecar) Attach(ctx context.Context) (*Process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := s.newWait()
	for {
		p, err := s.try(ctx)
		if err == nil {
			wait.over()
			s.last, s.expect = p, p.description.GetContentHash()
			return p, nil
		}
		if err := wait.next(ctx, err); err != nil {
			return nil, err
		}
	}
}

// Describe asks the worker what it offers, once, and leaves it to the engine that it has.
func (s *Sidecar) Describe(ctx context.Context) (*workerv1.DescribeResponse, error) {
	connection, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = connection.Close() }() // nothing is under way
	s.mu.Lock()
	expect := s.expect
	s.mu.Unlock()
	description, err := describe(ctx, workerv1.NewWorkerServiceClient(connection), s.accept(expect))
	return description, s.explain(err)
}

// tryTimeout is how long a worker may take to say that it is there.
const tryTimeout = 10 * time.Second

func (s *Sidecar) try(ctx context.Context) (*Process, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	connection, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	worker := &attached{name: s.config.Address.String(), connection: connection, gone: make(chan struct{})}
	p, err := newProcess(ctx, worker, manner{name: s.name(), accept: s.accept(s.expect)}, s.config.Logger.With("worker", s.config.Address.String()))
	return p, s.explain(err)
}

func (s *Sidecar) dial(ctx context.Context) (*grpc.ClientConn, error) {
	connection, err := plugin.Dial(ctx, s.config.Address, s.config.TLS)
	if absent, ok := errors.AsType[*plugin.AbsentError](err); ok {
		return nil, &plugin.AbsentError{Message: absent.Message + ". Start one with " + s.howToStart(), Err: absent.Err}
	}
	return connection, err
}

func (s *Sidecar) howToStart() string {
	if s.config.Address.Path != "" {
		return "`pyudf worker APP.py --socket " + s.config.Address.Path + "`"
	}
	return "`pyudf worker APP.py --listen HOST:PORT` there, with --tls-cert, --tls-key and --tls-ca"
}

func (s *Sidecar) name() string { return "the worker at " + s.config.Address.String() }

// BundleError says that a worker serves something else than was expected.
type BundleError struct {
	Message string
	// Serves and Expected are content hashes.
	Serves, Expected string
}

func (e *BundleError) Error() string { return e.Message }

// accept returns what refuses a worker by its content hash.
func (s *Sidecar) accept(expect string) func(*workerv1.DescribeResponse) error {
	return func(description *workerv1.DescribeResponse) error {
		serves := description.GetContentHash()
		if expect == "" || serves == expect {
			return nil
		}
		message := fmt.Sprintf("%s serves another bundle (%s) than the deployment (%s): restart it with the bundle", s.name(), short(serves), short(expect))
		if s.config.Expect == "" {
			message = fmt.Sprintf("%s serves other code (%s) than this run began with (%s): restart it with that, or start the run again", s.name(), short(serves), short(expect))
		}
		return &BundleError{Message: message, Serves: serves, Expected: expect}
	}
}

// short is as much of a hash as people compare.
func short(hash string) string { return hash[:min(len(hash), 12)] }

// explain says of which worker an error is, without the words of gRPC.
func (s *Sidecar) explain(err error) error {
	var rpc interface{ GRPCStatus() *status.Status }
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*BundleError)):
		return err // it says so itself
	case errors.Is(err, context.DeadlineExceeded), status.Code(err) == codes.DeadlineExceeded:
		return &plugin.AbsentError{Message: s.name() + " does not answer", Err: err}
	case errors.As(err, &rpc) && isAway(rpc.GRPCStatus().Code()):
		return &plugin.AbsentError{Message: s.name() + " is not ready: " + told(rpc.GRPCStatus().Message()), Err: err}
	default:
		return fmt.Errorf("%s: %w", s.name(), err)
	}
}

// isAway tells whether a worker may answer otherwise in a moment: it is being started or stopped, or has another engine.
func isAway(code codes.Code) bool {
	return code == codes.Unavailable || code == codes.FailedPrecondition
}

// told returns what a worker said; what gRPC says of a connection that broke is of no use to anybody.
func told(message string) string {
	if strings.HasPrefix(message, "connection error") || strings.HasPrefix(message, "error reading from server") {
		return "it closed the connection"
	}
	return message
}

// attached is a worker that is not ours. It is gone when the connection is closed.
type attached struct {
	name       string
	connection *grpc.ClientConn
	gone       chan struct{}
	once       sync.Once
	err        error
}

var _ abandoner = (*attached)(nil)

func (a *attached) Service() workerv1.WorkerServiceClient {
	return workerv1.NewWorkerServiceClient(a.connection)
}

func (a *attached) Pid() int { return 0 }

func (a *attached) Exited() <-chan struct{} { return a.gone }

func (a *attached) Exit() *plugin.ExitError {
	return &plugin.ExitError{ID: a.name, Err: errors.New("the connection was closed")}
}

func (a *attached) Kill() error {
	a.once.Do(func() {
		a.err = a.connection.Close()
		close(a.gone)
	})
	return a.err
}

func (a *attached) Close() { _ = a.Kill() } // a connection that is of no use any more

// abandonTimeout is for a worker that cannot even hear that it should end.
const abandonTimeout = 2 * time.Second

func (a *attached) abandon() {
	ctx, cancel := context.WithTimeout(context.Background(), abandonTimeout)
	defer cancel()
	// It may be gone before it has answered, or live in a process of the user's that nobody may end.
	_, _ = a.Service().Control(ctx, &workerv1.ControlRequest{
		Action: &workerv1.ControlRequest_Abandon{Abandon: &workerv1.Abandon{}},
	})
}
