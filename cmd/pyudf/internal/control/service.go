package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"

	"connectrpc.com/connect"

	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
	"github.com/pyudf/pyudf/proto/pyudf/control/v1/controlv1connect"
)

// service hands calls to the engine. Who may make them has been decided before.
type service struct {
	config *ServerConfig
	engine Engine
	ending <-chan struct{}
}

// otherBytes is how large a request may be besides a bundle.
const otherBytes = 1 << 20

func newService(config *ServerConfig, ending <-chan struct{}) http.Handler {
	s := &service{config: config, engine: config.Engine, ending: ending}
	_, handler := controlv1connect.NewControlServiceHandler(s,
		connect.WithRecover(s.panicked),
		connect.WithInterceptors(&telling{s}),
		connect.WithConditionalHandlerOptions(s.limits),
	)
	return handler
}

// limits says how large a request may be. A bundle in JSON is a third larger.
func (s *service) limits(spec connect.Spec) []connect.HandlerOption {
	if spec.Procedure == controlv1connect.ControlServiceDeployProcedure {
		return []connect.HandlerOption{connect.WithReadMaxBytes(int(s.config.MaxBundle/3*4 + otherBytes))}
	}
	return []connect.HandlerOption{connect.WithReadMaxBytes(otherBytes)}
}

func (s *service) tooLarge() error {
	return connect.NewError(connect.CodeResourceExhausted, fmt.Errorf(
		"the bundle is larger than the %s that this node takes: leave files out that the app does not need (`pyudf bundle show` lists them), or start nodes with a larger --max-bundle",
		size(s.config.MaxBundle)))
}

// size writes a number of bytes as --max-bundle takes it.
func size(bytes int64) string {
	unit := " bytes"
	for _, larger := range []string{"kB", "MB", "GB"} {
		if bytes%1000 != 0 {
			break
		}
		bytes, unit = bytes/1000, larger
	}
	return strconv.FormatInt(bytes, 10) + unit
}

func (s *service) panicked(_ context.Context, spec connect.Spec, _ http.Header, value any) error {
	s.config.Logger.Error("a call ended in a panic: please report it", "call", spec.Procedure, "panic", fmt.Sprint(value), "stack", string(debug.Stack()))
	return connect.NewError(connect.CodeInternal, errors.New("a fault of pyudf itself: the log of the node has more"))
}

// by returns who calls.
func by(ctx context.Context) string {
	caller, _ := CallerOf(ctx)
	return caller.Name
}

// GetNode implements the call.
func (s *service) GetNode(context.Context, *controlv1.GetNodeRequest) (*controlv1.GetNodeResponse, error) {
	return &controlv1.GetNodeResponse{Node: s.engine.Node()}, nil
}

// Deploy implements the call.
func (s *service) Deploy(ctx context.Context, req *controlv1.DeployRequest, stream *connect.ServerStream[controlv1.DeployResponse]) error {
	switch {
	case len(req.GetBundle()) == 0:
		return connect.NewError(connect.CodeInvalidArgument, errors.New("there is no bundle in the call: `pyudf bundle build` makes one"))
	case int64(len(req.GetBundle())) > s.config.MaxBundle:
		return s.tooLarge()
	}
	progress := &reporting{send: func(text string) error {
		return stream.Send(&controlv1.DeployResponse{Event: &controlv1.DeployResponse_Progress{Progress: text}})
	}}
	done, err := s.engine.Deploy(ctx, by(ctx), req, progress.say)
	progress.end()
	if err != nil {
		return err
	}
	return stream.Send(&controlv1.DeployResponse{Event: &controlv1.DeployResponse_Done{Done: done}})
}

// Rollback implements the call.
func (s *service) Rollback(ctx context.Context, req *controlv1.RollbackRequest, stream *connect.ServerStream[controlv1.RollbackResponse]) error {
	progress := &reporting{send: func(text string) error {
		return stream.Send(&controlv1.RollbackResponse{Event: &controlv1.RollbackResponse_Progress{Progress: text}})
	}}
	done, err := s.engine.Rollback(ctx, by(ctx), req, progress.say)
	progress.end()
	if err != nil {
		return err
	}
	return stream.Send(&controlv1.RollbackResponse{Event: &controlv1.RollbackResponse_Done{Done: done}})
}

// reporting tells a caller what goes on, from any goroutine, until it ends. A caller who has gone is told nothing.
type reporting struct {
	send func(string) error

	mu    sync.Mutex // guards ended and the order of calls of send
	ended bool
}

func (r *reporting) say(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.ended = r.send(text) != nil
	}
}

func (r *reporting) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
}

// List implements the call.
func (s *service) List(ctx context.Context, _ *controlv1.ListRequest) (*controlv1.ListResponse, error) {
	return s.engine.List(ctx)
}

// Status implements the call.
func (s *service) Status(ctx context.Context, req *controlv1.StatusRequest) (*controlv1.StatusResponse, error) {
	return s.engine.Status(ctx, req)
}

// errEnding ends logs that are followed when the node ends.
var errEnding = errors.New("the node is ending: ask another one, or again when it is back")

// Logs implements the call.
func (s *service) Logs(ctx context.Context, req *controlv1.LogsRequest, stream *connect.ServerStream[controlv1.LogsResponse]) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-s.ending:
			cancel(errEnding)
		case <-ctx.Done():
		}
	}()
	var sending sync.Mutex // guards stream: several nodes may have something to say
	err := s.engine.Logs(ctx, req, func(line *controlv1.LogsResponse) error {
		sending.Lock()
		defer sending.Unlock()
		return stream.Send(line)
	})
	if errors.Is(context.Cause(ctx), errEnding) {
		return connect.NewError(connect.CodeUnavailable, errEnding)
	}
	return err
}

// Stop implements the call.
func (s *service) Stop(ctx context.Context, req *controlv1.StopRequest) (*controlv1.StopResponse, error) {
	deployment, err := s.engine.Stop(ctx, by(ctx), req.GetName())
	return &controlv1.StopResponse{Deployment: deployment}, err
}

// Start implements the call.
func (s *service) Start(ctx context.Context, req *controlv1.StartRequest) (*controlv1.StartResponse, error) {
	deployment, err := s.engine.Start(ctx, by(ctx), req.GetName())
	return &controlv1.StartResponse{Deployment: deployment}, err
}

// Delete implements the call.
func (s *service) Delete(ctx context.Context, req *controlv1.DeleteRequest) (*controlv1.DeleteResponse, error) {
	return &controlv1.DeleteResponse{}, s.engine.Delete(ctx, by(ctx), req.GetName())
}

// telling turns errors of the engine into those of the wire, and logs those that are faults of the node.
type telling struct {
	service *service
}

// WrapUnary implements connect.Interceptor.
func (t *telling) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		response, err := next(ctx, req)
		if err != nil {
			return nil, t.tell(req.Spec(), err)
		}
		return response, nil
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (t *telling) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return t.tell(conn.Spec(), next(ctx, conn))
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (t *telling) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (t *telling) tell(spec connect.Spec, err error) error {
	err = onWire(err)
	deploy := spec.Procedure == controlv1connect.ControlServiceDeployProcedure
	switch connect.CodeOf(err) {
	case connect.CodeResourceExhausted:
		if deploy { // connect itself does not know what is too large
			return t.service.tooLarge()
		}
	case connect.CodeInternal, connect.CodeUnknown:
		if err != nil {
			t.service.config.Logger.Error("a call failed", "call", spec.Procedure, "cause", err)
		}
	default:
	}
	return err
}
