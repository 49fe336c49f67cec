package sidecar

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"
)

const (
	// handshakeTimeout is for TLS.
	handshakeTimeout = 10 * time.Second
	// lingering is how long the last answers may take to be received once all are sent.
	lingering = 5 * time.Second
	// relayBuffer is what one read or write of a connection moves.
	relayBuffer = 256 << 10
)

// dialFunc connects to the worker process.
type dialFunc func(context.Context) (net.Conn, error)

// front lets engines in and hands their connections on to the worker process that there is.
type front struct {
	listener net.Listener
	logger   *slog.Logger
	// left gets the time when a connection to the worker ended, unless one is there already.
	left chan time.Time
	done sync.WaitGroup

	mu sync.Mutex
	// worker is nil while there is none, or none to come. Guarded by mu.
	worker dialFunc
	// open has the connections and when they began. Guarded by mu.
	open   map[net.Conn]time.Time
	closed bool // guarded by mu
}

func newFront(listener net.Listener, logger *slog.Logger) *front {
	f := &front{listener: listener, logger: logger, left: make(chan time.Time, 1), open: map[net.Conn]time.Time{}}
	f.done.Go(f.accept)
	return f
}

// lead hands connections to another worker from now on; nil closes them.
func (f *front) lead(to dialFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.worker = to
}

// shut takes no more connections; those that are open go on.
func (f *front) shut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		_ = f.listener.Close() // its socket may be gone
	}
}

// flush waits until all connections have ended, at most until ctx does; then it ends them. REQUIRES: it is shut.
func (f *front) flush(ctx context.Context) {
	ended := make(chan struct{})
	go func() { f.done.Wait(); close(ended) }()
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	f.mu.Lock()
	for connection := range f.open {
		_ = connection.Close() // it is given up
	}
	f.mu.Unlock()
	<-ended
}

func (f *front) accept() {
	for pause := time.Duration(0); ; {
		connection, err := f.listener.Accept()
		if err == nil {
			pause = 0
			f.begin(connection)
			continue
		}
		f.mu.Lock()
		closed := f.closed
		f.mu.Unlock()
		if closed || errors.Is(err, net.ErrClosed) {
			return
		}
		pause = min(max(2*pause, 10*time.Millisecond), time.Second)
		f.logger.Warn("an engine could not be let in, trying again", "cause", err, "in", pause)
		<-time.After(pause)
	}
}

func (f *front) begin(connection net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		_ = connection.Close() // nothing was said yet
		return
	}
	f.open[connection] = time.Now()
	f.done.Go(func() {
		f.serve(connection)
		_ = connection.Close() // what there was to say was said
		f.mu.Lock()
		delete(f.open, connection)
		f.mu.Unlock()
	})
}

// hasFrom tells whether a connection is open that began before a time.
func (f *front) hasFrom(before time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, began := range f.open {
		if began.Before(before) {
			return true
		}
	}
	return false
}

func (f *front) serve(connection net.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
	defer cancel()
	if secret, ok := connection.(*tls.Conn); ok {
		if err := secret.HandshakeContext(ctx); err != nil {
			f.refused(connection, err)
			return
		}
	}
	f.mu.Lock()
	dial := f.worker
	f.mu.Unlock()
	if dial == nil {
		return
	}
	worker, err := dial(ctx)
	if err != nil {
		f.logger.Debug("the worker could not be reached", "cause", err)
		return
	}
	if !relay(connection, worker) {
		return // it only tried whether anybody serves
	}
	select {
	case f.left <- time.Now():
	default:
	}
}

func (f *front) refused(connection net.Conn, err error) {
	from := connection.RemoteAddr().String()
	if errors.Is(err, io.EOF) { // a probe whether anybody listens
		f.logger.Debug("a connection ended before it said anything", "from", from)
		return
	}
	f.logger.Warn("refused a connection that shows no certificate of our CA", "from", from, "cause", err)
}

// relay carries bytes both ways until the worker's side ends and its last bytes have been handed over, or the engine's
// side ends. It closes the worker's side, and tells whether the engine said anything.
func relay(engine, worker net.Conn) (asked bool) {
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		size, gone := carry(worker, engine)
		asked = size > 0
		if gone {
			_ = worker.Close() // nobody waits for it
			return
		}
		// The worker takes no more, but it may have answers that are on their way.
		_, _ = io.CopyBuffer(io.Discard, engine, make([]byte, relayBuffer)) // until the engine ends it
	}()
	carry(engine, worker)
	if half, ok := engine.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		// Closed at once, with requests unread, the connection would drop the last answers.
		_ = engine.SetReadDeadline(time.Now().Add(lingering)) // without it the engine ends the connection
	} else {
		_ = engine.Close() // it is gone
	}
	<-heard
	_ = worker.Close() // it has ended
	return asked
}

// carry copies bytes until one of the sides ends, and tells how many came, and whether it is their side that ended.
func carry(to io.Writer, from io.Reader) (size int, fromEnded bool) {
	buffer := make([]byte, relayBuffer)
	for {
		n, err := from.Read(buffer)
		size += n
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return size, false
			}
		}
		if err != nil {
			return size, true
		}
	}
}
