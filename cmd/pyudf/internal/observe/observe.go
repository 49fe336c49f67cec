// Package observe owns the HTTP server through which a run is looked into: Prometheus metrics, and Go's profiles if
// they were asked for.
//
// It knows no metric by name.
package observe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Config says what to serve.
type Config struct {
	Addr    string
	Metrics prometheus.Gatherer
	// Profiles serves net/http/pprof below /debug/pprof/.
	Profiles bool
	Logger   *slog.Logger
}

// Server serves until it is closed.
type Server struct {
	http *http.Server
	addr string
	done chan struct{}
}

// Start returns when the server listens.
func Start(ctx context.Context, config Config) (*Server, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", config.Addr)
	if err != nil {
		return nil, fmt.Errorf("--metrics-addr %s: %w", config.Addr, err)
	}
	s := &Server{
		http: &http.Server{Handler: routes(config), ReadHeaderTimeout: 10 * time.Second},
		addr: listener.Addr().String(),
		done: make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			config.Logger.Warn("the metrics are not served any more", "cause", err)
		}
	}()
	return s, nil
}

// Addr returns host:port of the server, with the port that was chosen.
func (s *Server) Addr() string { return s.addr }

// Close ends the server; what it is answering is cut off.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.done
	return err
}

func routes(config Config) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(config.Metrics, promhttp.HandlerOpts{}))
	if config.Profiles {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	return mux
}
