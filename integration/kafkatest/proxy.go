package kafkatest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// API is the number of a kind of request in Kafka's protocol.
type API int16

// The requests that read, begin to have transactions, and end one.
const (
	Fetch           API = 1
	InitProducerID  API = 22
	EndTxn          API = 26
	TxnOffsetCommit API = 28
)

// Verdict is what becomes of a request or a reply.
type Verdict int

const (
	// Pass lets it go on.
	Pass Verdict = iota
	// Cut drops it and closes the connection.
	Cut
	// Silence drops it and all that comes later on the connection, which stays open.
	Silence
)

// Proxy stands between clients and a broker and sees what kinds of requests pass.
type Proxy struct {
	listener net.Listener
	broker   string
	served   sync.WaitGroup

	mu    sync.Mutex // guards what follows
	watch func(api API, reply bool) Verdict
	open  map[net.Conn]bool
	ended bool
}

// newProxy listens; nobody is served before serve.
func newProxy(t *testing.T) *Proxy {
	t.Helper()
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, open: map[net.Conn]bool{}}
	t.Cleanup(p.close)
	return p
}

// Addr is the bootstrap address of the broker behind the proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Watch has a function called with every request before the broker gets it, and with every reply before the client does,
// from many goroutines, one call at a time. It replaces the one before; nil lets everything pass.
func (p *Proxy) Watch(watch func(api API, reply bool) Verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watch = watch
}

func (p *Proxy) judge(api API, reply bool) Verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watch == nil {
		return Pass
	}
	return p.watch(api, reply)
}

func (p *Proxy) serve(broker string) {
	p.broker = broker
	p.served.Go(func() {
		for {
			client, err := p.listener.Accept()
			if err != nil {
				return
			}
			if p.keep(client) {
				p.served.Go(func() { p.connect(client) })
			}
		}
	})
}

// keep remembers a connection to close it at the end; it is closed at once if that has come.
func (p *Proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		_ = conn.Close()
		return false
	}
	p.open[conn] = true
	return true
}

func (p *Proxy) drop(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, conn)
	_ = conn.Close()
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.ended = true
	_ = p.listener.Close()
	for conn := range p.open {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.served.Wait()
}

// connect carries requests and replies of one client until either side hangs up.
func (p *Proxy) connect(client net.Conn) {
	defer p.drop(client)
	broker, err := net.Dial("tcp", p.broker) //nolint:noctx // on this machine, where it answers at once
	if err != nil || !p.keep(broker) {
		return // the client takes it for a broker that is away
	}
	defer p.drop(broker)
	c := &carried{proxy: p, client: client, broker: broker, asked: map[int32]API{}}
	replied := make(chan struct{})
	go func() {
		defer close(replied)
		c.replies()
		_ = client.Close()
		_ = broker.Close()
	}()
	c.requests()
	_ = client.Close()
	_ = broker.Close()
	<-replied
}

// carried is one connection of a client, and that to the broker for it.
type carried struct {
	proxy          *Proxy
	client, broker net.Conn

	mu     sync.Mutex // guards what follows; never held while the proxy's is taken
	asked  map[int32]API
	silent bool
}

// requests ends when the client hangs up or is cut off.
func (c *carried) requests() {
	const header = 8 // API, its version, the number of the request
	for {
		frame, err := readFrame(c.client)
		if err != nil || len(frame) < 4+header {
			return
		}
		api := API(binary.BigEndian.Uint16(frame[4:]))      //nolint:gosec // as Kafka writes it
		number := int32(binary.BigEndian.Uint32(frame[8:])) //nolint:gosec // as Kafka writes it
		c.mu.Lock()
		c.asked[number] = api
		c.mu.Unlock()
		if !c.pass(api, false) {
			return
		}
		if !c.send(c.broker, frame) {
			return
		}
	}
}

// replies ends when the broker hangs up or the client is cut off.
func (c *carried) replies() {
	for {
		frame, err := readFrame(c.broker)
		if err != nil || len(frame) < 8 {
			return
		}
		number := int32(binary.BigEndian.Uint32(frame[4:])) //nolint:gosec // as Kafka writes it
		c.mu.Lock()
		api := c.asked[number]
		delete(c.asked, number)
		c.mu.Unlock()
		if !c.pass(api, true) {
			return
		}
		if !c.send(c.client, frame) {
			return
		}
	}
}

// pass tells whether the connection goes on.
func (c *carried) pass(api API, reply bool) bool {
	switch c.proxy.judge(api, reply) {
	case Cut:
		return false
	case Silence:
		c.mu.Lock()
		c.silent = true
		c.mu.Unlock()
	case Pass:
	}
	return true
}

// send writes a frame unless the connection is silent, and tells whether it goes on.
func (c *carried) send(to net.Conn, frame []byte) bool {
	c.mu.Lock()
	silent := c.silent
	c.mu.Unlock()
	if silent {
		return true
	}
	_, err := to.Write(frame)
	return err == nil
}

// readFrame returns a request or reply with the four bytes before it that say how long it is.
func readFrame(from io.Reader) ([]byte, error) {
	const most = 200 << 20
	var size [4]byte
	if _, err := io.ReadFull(from, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > most {
		return nil, fmt.Errorf("a frame of %d bytes: that is not Kafka's protocol", n)
	}
	frame := make([]byte, 4+n)
	copy(frame, size[:])
	_, err := io.ReadFull(from, frame[4:])
	return frame, err
}
