package host

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc"

	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
)

// errProtocol is an answer that no worker should give.
var errProtocol = errors.New("it broke the protocol")

type runClient = grpc.BidiStreamingClient[workerv1.RunRequest, workerv1.RunResponse]

// stream carries the calls of many goroutines over one Run stream. One goroutine sends, so that a caller whose
// context ends is free even if the worker takes nothing; one receives. Answers find their calls by number.
type stream struct {
	outbox chan *exchange
	// failed closes once cause is set: no call is answered any more.
	failed chan struct{}
	cause  error
	// closing closes when no more calls are taken.
	closing   chan struct{}
	closeOnce sync.Once

	mu sync.Mutex
	// waiting are the calls that were sent and not answered, also those whose callers gave up. Guarded by mu.
	waiting map[uint64]*exchange
}

// exchange is one call under way. The answer has room for one: nobody may be there to take it.
type exchange struct {
	request *workerv1.RunRequest
	answer  chan *workerv1.RunResponse
}

func newStream() *stream {
	return &stream{
		outbox:  make(chan *exchange),
		failed:  make(chan struct{}),
		closing: make(chan struct{}),
		waiting: make(map[uint64]*exchange),
	}
}

// ask sends a request and waits for its answer. Its error is that of ctx or the cause of the stream's end.
func (s *stream) ask(ctx context.Context, request *workerv1.RunRequest) (*workerv1.RunResponse, error) {
	e := &exchange{request: request, answer: make(chan *workerv1.RunResponse, 1)}
	select {
	case s.outbox <- e:
	case <-s.failed:
		return nil, s.cause
	case <-s.closing:
		return nil, errStopped
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case answer := <-e.answer:
		return answer, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.failed:
	}
	select {
	case answer := <-e.answer: // it came before the stream failed
		return answer, nil
	default:
		return nil, s.cause
	}
}

// send sends what is asked until the stream is closed or fails. What went wrong with sending, receive learns.
func (s *stream) send(client runClient) {
	for seq := uint64(1); ; seq++ {
		select {
		case e := <-s.outbox:
			e.request.Seq = seq
			s.mu.Lock()
			s.waiting[seq] = e
			s.mu.Unlock()
			if client.Send(e.request) != nil {
				return
			}
		case <-s.closing:
			_ = client.CloseSend() // always nil
			return
		case <-s.failed:
			return
		}
	}
}

// receive hands out answers until the stream ends, and returns why it did.
func (s *stream) receive(client runClient) error {
	for {
		response, err := client.Recv()
		if err != nil {
			return err
		}
		s.mu.Lock()
		e := s.waiting[response.GetSeq()]
		delete(s.waiting, response.GetSeq())
		s.mu.Unlock()
		if e == nil {
			return fmt.Errorf("%w: it answered call %d, which waits for no answer", errProtocol, response.GetSeq())
		}
		e.answer <- response
	}
}

// close takes no more calls; those under way are still answered.
func (s *stream) close() { s.closeOnce.Do(func() { close(s.closing) }) }

// fail ends all calls with the cause. REQUIRES: it is called once.
func (s *stream) fail(cause error) {
	s.cause = cause
	close(s.failed)
}
