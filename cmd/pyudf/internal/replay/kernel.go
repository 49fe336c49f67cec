package replay

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/engine/dispatch"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
	"github.com/pyudf/pyudf/udfworker/wire"
)

// kernel is the process that asked for the replay, as a worker: calls go to it over the pipe that the job came by, so that
// functions run in its main thread. It implements dispatch.Worker.
//
// Frames on the pipe are a letter, the length in 4 bytes, little endian, and a message: first a plan and a job come in, then
// an answer for each call that goes out, in their order.
type kernel struct {
	functions map[string]*wire.Function
	in        *bufio.Reader
	// gone is closed when the kernel has gone, or is to get no more calls.
	gone chan struct{}
	once sync.Once

	mu  sync.Mutex // guards out and the order of waiting
	out io.Writer
	// waiting are the calls without an answer, oldest first.
	waiting chan chan *workerv1.RunResponse
}

var _ dispatch.Worker = (*kernel)(nil)

// The letters of frames.
const (
	framePlan   = 'p'
	frameJob    = 'j'
	frameCall   = 'c'
	frameAnswer = 'a'
	frameSaid   = 's'
)

// mostWaiting is more calls than a pool gives to one worker.
const mostWaiting = 16

// newKernel reads what is to be done.
func newKernel(in io.Reader, out io.Writer) (*kernel, *planv1.Plan, *Job, error) {
	k := &kernel{
		in: bufio.NewReaderSize(in, readBuffer), out: out, gone: make(chan struct{}),
		waiting: make(chan chan *workerv1.RunResponse, mostWaiting),
	}
	plan, job := &planv1.Plan{}, &Job{}
	data, err := k.read(framePlan)
	if err == nil {
		err = proto.Unmarshal(data, plan)
	}
	if err == nil {
		data, err = k.read(frameJob)
	}
	if err == nil {
		err = json.Unmarshal(data, job)
	}
	if err == nil {
		k.functions, err = wire.Functions(plan)
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read the job: %w", err)
	}
	go k.receive()
	return k, plan, job, nil
}

// read returns the next message, which has to be of a kind.
func (k *kernel) read(letter byte) ([]byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(k.in, head[:]); err != nil {
		return nil, err
	}
	if head[0] != letter {
		return nil, fmt.Errorf("a frame %q came where %q belongs", head[0], letter)
	}
	data := make([]byte, binary.LittleEndian.Uint32(head[1:]))
	_, err := io.ReadFull(k.in, data)
	return data, err
}

func (k *kernel) write(letter byte, data []byte) error {
	head := binary.LittleEndian.AppendUint32([]byte{letter}, uint32(len(data))) //nolint:gosec // wire bounds messages
	_, err := k.out.Write(append(head, data...))
	return err
}

// receive hands answers out until there are no more.
func (k *kernel) receive() {
	defer k.Kill()
	for {
		data, err := k.read(frameAnswer)
		if err != nil {
			return // the kernel is gone
		}
		response := &workerv1.RunResponse{}
		if err := proto.Unmarshal(data, response); err != nil {
			return
		}
		select {
		case waiting := <-k.waiting:
			waiting <- response
		default:
			return // nobody asked
		}
	}
}

var errGone = errors.New("the process that asked for the replay is gone")

// Run implements dispatch.Worker.
func (k *kernel) Run(ctx context.Context, call *dispatch.Call) (*dispatch.Result, error) {
	function := k.functions[call.Function]
	if function == nil {
		return nil, fmt.Errorf("there is no function %q", call.Function)
	}
	answer, err := k.ask(function, call)
	if err != nil {
		return nil, err
	}
	select {
	case response := <-answer:
		return function.Result(call, response)
	case <-k.gone:
		return nil, errGone
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (k *kernel) ask(function *wire.Function, call *dispatch.Call) (<-chan *workerv1.RunResponse, error) {
	request, err := function.Request(call)
	if err != nil {
		return nil, err
	}
	request.Function = call.Function
	data, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	answer := make(chan *workerv1.RunResponse, 1)
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case <-k.gone:
		return nil, errGone
	case k.waiting <- answer:
	}
	return answer, k.write(frameCall, data)
}

// say tells something besides calls.
func (k *kernel) say(said Said) error {
	data, err := json.Marshal(said)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.write(frameSaid, data)
}

// Kill implements dispatch.Worker. There is no other kernel: the replay ends.
func (k *kernel) Kill() { k.once.Do(func() { close(k.gone) }) }

// Stop implements dispatch.Worker.
func (k *kernel) Stop(context.Context) error { return nil }

// start implements dispatch.Start.
func (k *kernel) start(context.Context) (dispatch.Worker, error) {
	select {
	case <-k.gone:
		return nil, errGone
	default:
		return k, nil
	}
}
