package control

import (
	"errors"
	"net"
	"time"
)

// fork parts the connections of a listener by their first byte: those that begin with TLS, and all others, so that the
// others can be told.
type fork struct {
	from   net.Listener
	secure *branch
	plain  *branch
	done   chan struct{} // closed when there will be no more
}

// handshake is the first byte of TLS.
const handshake = 0x16

// newFork parts the connections of a listener until it is closed.
func newFork(from net.Listener) *fork {
	done := make(chan struct{})
	f := &fork{from: from, done: done}
	f.secure = &branch{addr: from.Addr(), conns: make(chan net.Conn), done: done}
	f.plain = &branch{addr: from.Addr(), conns: make(chan net.Conn), done: done}
	go f.run()
	return f
}

func (f *fork) run() {
	defer close(f.done)
	for {
		conn, err := f.from.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // such as too many open files
			<-time.After(50 * time.Millisecond)
		default:
			go f.part(conn)
		}
	}
}

func (f *fork) part(conn net.Conn) {
	var first [1]byte
	err := conn.SetReadDeadline(time.Now().Add(headerTimeout))
	if err == nil {
		_, err = conn.Read(first[:])
	}
	if err == nil {
		err = conn.SetReadDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close() // nobody is there
		return
	}
	to := f.plain
	if first[0] == handshake {
		to = f.secure
	}
	select {
	case to.conns <- &begun{Conn: conn, first: first[:]}:
	case <-f.done:
		_ = conn.Close() // nobody accepts it any more
	}
}

// branch is one half of a fork. It ends with the listener that is parted.
type branch struct {
	addr  net.Addr
	conns chan net.Conn
	done  <-chan struct{}
}

// Accept implements net.Listener.
func (b *branch) Accept() (net.Conn, error) {
	select {
	case conn := <-b.conns:
		return conn, nil
	case <-b.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (b *branch) Close() error { return nil }

// Addr implements net.Listener.
func (b *branch) Addr() net.Addr { return b.addr }

// begun is a connection of which the first bytes were read.
type begun struct {
	net.Conn

	first []byte
}

// Read implements net.Conn.
func (b *begun) Read(into []byte) (int, error) {
	if len(b.first) == 0 {
		return b.Conn.Read(into)
	}
	n := copy(into, b.first)
	b.first = b.first[n:]
	return n, nil
}
