package sidecar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// standing is whether engines are served, and why not.
type standing struct {
	mu  sync.Mutex
	why string // empty: they are; guarded by mu
}

func (s *standing) set(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why = why
}

func (s *standing) get() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

// serveHealth answers probes at an address until the function that it returns is called.
func serveHealth(ctx context.Context, addr string, now *standing, logger *slog.Logger) (end func(), err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("--health-addr %s: %w", addr, err)
	}
	server := &http.Server{Handler: probes(now), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			logger.Warn("probes are not answered any more", "cause", err)
		}
	}()
	logger.Info("probes are answered", "live", "http://"+listener.Addr().String()+"/livez", "ready", "http://"+listener.Addr().String()+"/readyz")
	return func() {
		_ = server.Close() // probes come again
		<-done
	}, nil
}

func probes(now *standing) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { answer(w, "") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, now.get()) })
	return mux
}

func answer(w http.ResponseWriter, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if why == "" {
		fmt.Fprintln(w, "ok")
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprintln(w, strings.TrimSpace(why))
}
