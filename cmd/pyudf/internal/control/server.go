package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// ServerConfig says what to serve, where, and to whom.
type ServerConfig struct {
	// Addr is HOST:PORT; empty: DefaultAddr.
	Addr string
	// Cert and Key are PEM files, both or none. ClientCA is a PEM file: callers then need a certificate of such an authority,
	// besides a token. All are read again when they change.
	Cert, Key string
	ClientCA  string
	// Tokens is the tokens file, which is read again when it changes. Without one everybody on the machine may call everything.
	Tokens string
	// MaxBundle is the largest bundle in bytes; 0: DefaultMaxBundle.
	MaxBundle int64
	Engine    Engine
	// Ready says why the node cannot do its work yet; nil: it always can.
	Ready func() error
	// Version is that of pyudf, and Protocol what it speaks; 0: Protocol.
	Version  string
	Protocol uint32
	// Logger is told what goes wrong; nil: nobody is.
	Logger *slog.Logger
}

// DefaultMaxBundle is the largest bundle that a node takes unless it is told otherwise.
const DefaultMaxBundle = 64_000_000

// How long callers may take. A body may last as long as something of it comes.
const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = 30 * time.Second
	idleTimeout   = 2 * time.Minute
)

// Server serves until it is closed.
type Server struct {
	listener net.Listener
	url      string
	end      sync.Once
	ending   chan struct{} // closed by end
	serving  []serving
	logger   *slog.Logger
}

// serving is an HTTP server with what ends it.
type serving struct {
	http *http.Server
	done chan struct{}
}

func (c *ServerConfig) ensureDefaults() {
	if c.Addr == "" {
		c.Addr = DefaultAddr
	}
	if c.MaxBundle == 0 {
		c.MaxBundle = DefaultMaxBundle
	}
	if c.Protocol == 0 {
		c.Protocol = Protocol
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Ready == nil {
		c.Ready = func() error { return nil }
	}
}

// validate returns every fault of what the user said, by the flags of the node.
func (c *ServerConfig) validate() error {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return fmt.Errorf("--listen %s: write HOST:PORT, such as %s", c.Addr, DefaultAddr)
	}
	var faults []error
	if (c.Cert == "") != (c.Key == "") {
		faults = append(faults, errors.New("--tls-cert and --tls-key belong together: give both"))
	}
	if c.ClientCA != "" && c.Cert == "" {
		faults = append(faults, errors.New("--tls-client-ca needs a node that speaks TLS: add --tls-cert FILE and --tls-key FILE"))
	}
	if !loopback(host) {
		var missing string
		switch {
		case c.Cert == "" && c.Tokens == "":
			missing = "--tls-cert FILE, --tls-key FILE and --tokens FILE"
		case c.Cert == "":
			missing = "--tls-cert FILE and --tls-key FILE"
		case c.Tokens == "":
			missing = "--tokens FILE (`pyudf token NAME ROLE --tokens FILE` makes one)"
		}
		if missing != "" {
			faults = append(faults, fmt.Errorf("--listen %s is reached from other machines, which takes TLS and tokens: add %s, or listen on %s", c.Addr, missing, DefaultAddr))
		}
	}
	if c.MaxBundle < 0 {
		faults = append(faults, fmt.Errorf("--max-bundle %d: write a size such as 64MB", c.MaxBundle))
	}
	return errors.Join(faults...)
}

// loopback tells whether a host is this machine, reached from nowhere else.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// Start returns when the node listens. Its error says which flag to mend.
func Start(ctx context.Context, config ServerConfig) (*Server, error) {
	config.ensureDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	gate, err := newGuard(&config)
	if err != nil {
		return nil, err
	}
	s := &Server{ending: make(chan struct{}), logger: config.Logger}
	server := s.server(gate.wrap(newService(&config, s.ending)))
	if config.Cert != "" {
		if server.TLSConfig, err = serverTLS(&config, config.Logger); err != nil {
			return nil, fmt.Errorf("--tls-cert, --tls-key, --tls-client-ca: %w", err)
		}
	}
	var listen net.ListenConfig
	if s.listener, err = listen.Listen(ctx, "tcp", config.Addr); err != nil {
		return nil, fmt.Errorf("--listen %s: %w; does a node run there already? choose another with --listen", config.Addr, err)
	}
	s.begin(server)
	return s, nil
}

func (s *Server) server(handler http.Handler) *http.Server {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 64 << 10,
		Protocols: new(http.Protocols), ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	return server
}

// begin serves. To a port that speaks TLS belongs a second server, which tells those who do not.
func (s *Server) begin(server *http.Server) {
	if server.TLSConfig == nil {
		s.url = "http://" + s.Addr()
		s.serve(server, func() error { return server.Serve(s.listener) })
		return
	}
	s.url = "https://" + s.Addr()
	parted := newFork(s.listener)
	s.serve(server, func() error { return server.ServeTLS(parted.secure, "", "") })
	telling := s.server(http.HandlerFunc(tellOfTLS))
	telling.ReadTimeout = headerTimeout
	s.serve(telling, func() error { return telling.Serve(parted.plain) })
}

func (s *Server) serve(server *http.Server, run func() error) {
	done := make(chan struct{})
	s.serving = append(s.serving, serving{server, done})
	go func() {
		defer close(done)
		if err := run(); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			s.logger.Error("commands are not served any more", "cause", err)
		}
	}()
}

// Addr returns HOST:PORT of the server, with the port that was chosen.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL returns what --engine takes.
func (s *Server) URL() string { return s.url }

// Close takes no more calls, ends logs that are followed, waits for the other calls until ctx ends, and cuts those that are
// left.
func (s *Server) Close(ctx context.Context) error {
	s.end.Do(func() { close(s.ending) })
	var errs []error
	if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
		errs = append(errs, err)
	}
	for _, serving := range s.serving {
		if err := serving.http.Shutdown(ctx); err != nil {
			errs = append(errs, serving.http.Close())
		}
	}
	for _, serving := range s.serving {
		<-serving.done
	}
	return errors.Join(errs...)
}
