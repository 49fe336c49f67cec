package workertest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
	"github.com/pyudf/pyudf/udfworker/wire"
)

// The functions of a worker. All but Echo take one column of float64 and answer it as it is.
const (
	// Echo answers the records that it gets.
	Echo = "echo"
	// Same answers the column that it gets.
	Same = "same"
	// Fails raises at every row.
	Fails = "fails"
	// Exit writes twelve lines and exits with status 3.
	Exit = "exit"
	// Hang never answers.
	Hang = "hang"
	// Hold says Holding and answers when it is called for the second time, the second call first.
	Hold = "hold"
	// WrongRows answers with one row too many.
	WrongRows = "wrong_rows"
	// WrongSeq answers a call that nobody made.
	WrongSeq = "wrong_seq"
	// Spawn starts a process of its own and raises with its process id as the message.
	Spawn = "spawn"
	// HangUp ends the stream though the process lives.
	HangUp = "hang_up"
	// Leave ends the stream in good order, without an answer.
	Leave = "leave"
	// Keep has one state: it answers the states that it gets, and for a group without one the group's key.
	Keep = "keep"
)

// Holding is what a worker logs that holds an answer back.
const Holding = "holding"

// Offer is what a worker says of itself.
type Offer struct {
	Protocol uint32
	Content  string
}

type worker struct {
	workerv1.UnimplementedWorkerServiceServer
	behaviour string
	offer     Offer
	server    *grpc.Server
	stopped   atomic.Bool
	// open tells that there is a stream of calls.
	open atomic.Bool
}

func newWorker(behaviour string) *worker {
	w := &worker{behaviour: behaviour, offer: Offer{Protocol: wire.Protocol}, server: grpc.NewServer(
		grpc.MaxRecvMsgSize(wire.MaxMessage), grpc.MaxSendMsgSize(wire.MaxMessage),
	)}
	workerv1.RegisterWorkerServiceServer(w.server, w)
	checks := health.NewServer()
	checks.SetServingStatus("plugin", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(w.server, checks)
	w.server.RegisterService(w.controller(), nil)
	return w
}

// controller is go-plugin's service for the shutdown.
func (w *worker) controller() *grpc.ServiceDesc {
	shutdown := func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		go w.server.Stop()
		return &emptypb.Empty{}, decode(&emptypb.Empty{})
	}
	return &grpc.ServiceDesc{
		ServiceName: "plugin.GRPCController",
		Methods:     []grpc.MethodDesc{{MethodName: "Shutdown", Handler: shutdown}},
	}
}

func listen(socket string) net.Listener {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "unix", socket)
	if err != nil {
		fatal(2, err.Error())
	}
	return listener
}

func (w *worker) serve(listener net.Listener) {
	if err := w.server.Serve(listener); err != nil {
		fatal(2, err.Error())
	}
}

// Attachable serves a worker in this process until the returned function is called.
func Attachable(socket string) (stop func()) {
	return AttachableAt(listen(socket), Offer{Protocol: wire.Protocol})
}

// AttachableAt is Attachable for a worker with another offer, or another kind of listener.
func AttachableAt(listener net.Listener, offer Offer) (stop func()) {
	w := newWorker(Serve)
	w.offer = offer
	go w.serve(listener)
	return w.server.Stop
}

func (w *worker) Describe(context.Context, *workerv1.DescribeRequest) (*workerv1.DescribeResponse, error) {
	if w.behaviour == Unloadable {
		return &workerv1.DescribeResponse{Protocol: w.offer.Protocol, Error: &workerv1.LoadError{
			Message: "heat.py cannot be loaded: ZeroDivisionError: division by zero", Traceback: "heat.py, line 1",
		}}, nil
	}
	plan := &planv1.Plan{App: "test", Functions: []*planv1.Function{{
		Id: Echo, Input: planv1.Input_INPUT_RECORDS, Output: planv1.Output_OUTPUT_RECORDS,
	}}}
	for _, id := range []string{Same, Fails, Exit, Hang, Hold, WrongRows, WrongSeq, Spawn, HangUp, Leave, Keep} {
		plan.Functions = append(plan.Functions, &planv1.Function{
			Id: id, Input: planv1.Input_INPUT_COLUMNS, Params: []*planv1.Param{{Type: planv1.Type_TYPE_FLOAT64}},
			Output: planv1.Output_OUTPUT_COLUMN, ResultType: planv1.Type_TYPE_FLOAT64,
		})
	}
	plan.Functions[len(plan.Functions)-1].States = []*planv1.State{{Name: "kept"}}
	return &workerv1.DescribeResponse{
		Plan: plan, Pid: int64(os.Getpid()), Protocol: w.offer.Protocol, ContentHash: w.offer.Content, SdkVersion: "0.0.1",
	}, nil
}

func (w *worker) Control(_ context.Context, request *workerv1.ControlRequest) (*workerv1.ControlResponse, error) {
	if request.GetStop() != nil && w.behaviour != Stubborn && !w.stopped.Swap(true) {
		go w.server.GracefulStop()
	}
	return &workerv1.ControlResponse{}, nil
}

func (w *worker) Run(stream grpc.BidiStreamingServer[workerv1.RunRequest, workerv1.RunResponse]) error {
	if w.open.Swap(true) {
		return status.Error(codes.FailedPrecondition, "a stream of batches is open already")
	}
	defer w.open.Store(false)
	if err := stream.SendHeader(metadata.MD{}); err != nil {
		return err
	}
	var held *workerv1.RunResponse
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		response := w.answer(request)
		switch {
		case request.GetFunction() == HangUp:
			return errors.New("the worker has had enough")
		case request.GetFunction() == Leave:
			return nil
		case request.GetFunction() == Hold && held == nil:
			held = response
			fmt.Fprintf(os.Stderr, `{"@level":"info","@message":%q,"function":%q}`+"\n", Holding, Hold)
			continue
		}
		for _, one := range []*workerv1.RunResponse{response, held} {
			if one == nil {
				continue
			}
			if err := stream.Send(one); err != nil {
				return err
			}
		}
		held = nil
	}
}

func (w *worker) answer(request *workerv1.RunRequest) *workerv1.RunResponse {
	response := &workerv1.RunResponse{Seq: request.GetSeq(), Rows: request.GetRows(), BusyNs: 1}
	if request.GetFunction() == Echo {
		response.Payload = &workerv1.RunResponse_Records{Records: echo(request)}
		return response
	}
	response.Payload = &workerv1.RunResponse_Column{Column: request.GetColumns().GetColumns()[0]}
	switch request.GetFunction() {
	case Fails:
		response.Errors = failAll(request, "this function always raises")
	case Exit:
		for line := range 12 {
			fmt.Fprintf(os.Stderr, "line %d\n", line)
		}
		os.Exit(3)
	case Keep:
		response.States = []*workerv1.Values{keep(request.GetGroups())}
	case Hang:
		untilKilled()
	case WrongRows:
		response.Rows++
	case WrongSeq:
		response.Seq += 1000
	case Spawn:
		response.Errors = failAll(request, strconv.Itoa(spawn()))
	}
	return response
}

func keep(groups *workerv1.Groups) *workerv1.Values {
	state, keys := groups.GetStates()[0], groups.GetKeys()
	kept := &workerv1.Values{Values: &workerv1.Records{Offsets: []byte{0, 0, 0, 0}}, Present: bytes.Repeat([]byte{0xff}, len(state.GetPresent()))}
	for i := range len(keys.GetOffsets())/4 - 1 {
		text := textOf(state.GetValues(), i)
		if !record.Bit(state.GetPresent(), i) {
			text = textOf(keys, i)
		}
		kept.Values.Data = append(kept.Values.Data, text...)
		kept.Values.Offsets = binary.LittleEndian.AppendUint32(kept.Values.Offsets, uint32(len(kept.GetValues().GetData())))
	}
	return kept
}

func textOf(texts *workerv1.Records, i int) []byte {
	from := binary.LittleEndian.Uint32(texts.GetOffsets()[4*i:])
	to := binary.LittleEndian.Uint32(texts.GetOffsets()[4*i+4:])
	return texts.GetData()[from:to]
}

func echo(request *workerv1.RunRequest) *workerv1.OutputRecords {
	var sources []byte
	for row := range request.GetRows() {
		sources = append(sources, byte(row), byte(row>>8), byte(row>>16), byte(row>>24))
	}
	return &workerv1.OutputRecords{Records: request.GetRecords(), Sources: sources}
}

func failAll(request *workerv1.RunRequest, message string) []*workerv1.RowError {
	var errs []*workerv1.RowError
	for row := range request.GetRows() {
		errs = append(errs, &workerv1.RowError{Row: row, Exception: "RuntimeError", Message: message})
	}
	return errs
}

// spawn starts a process that outlives its parent and holds its output, unless it is killed.
func spawn() int {
	command := exec.Command("sleep", "3600") //nolint:noctx // it is to outlive what started it
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{}
	if err := command.Start(); err != nil {
		fatal(2, err.Error())
	}
	return command.Process.Pid
}
