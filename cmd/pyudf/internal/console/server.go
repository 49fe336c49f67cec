package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/pyudf/pyudf/engine/status"
)

// Config says what to serve.
type Config struct {
	// Dir is the slot of the process. REQUIRES: it is claimed.
	Dir string
	// Status returns how the run is.
	Status func() status.Run
	// Checkpoint puts a copy of each open store below a directory, which is empty, under the store's name.
	Checkpoint func(ctx context.Context, dir string) error
	Logger     *slog.Logger
}

// Server serves until it is closed.
type Server struct {
	config Config
	at     place
	http   *http.Server
	done   chan struct{}
}

// Start returns when the server listens. It removes what a process left that died in the slot.
func Start(ctx context.Context, config Config) (*Server, error) {
	if err := sweep(config.Dir); err != nil {
		return nil, unserved(config.Dir, err)
	}
	at, listener, err := listen(ctx, config.Dir)
	if err != nil {
		return nil, unserved(config.Dir, err)
	}
	s := &Server{config: config, at: at, done: make(chan struct{})}
	s.http = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	go s.serve(listener)
	return s, nil
}

func unserved(dir string, err error) error {
	return fmt.Errorf("serve `pyudf status` in %s: %w; make sure that this user may write there, or choose another --state-dir", dir, err)
}

func (s *Server) serve(listener net.Listener) {
	defer close(s.done)
	if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		s.config.Logger.Warn("`pyudf status` is not served any more", "cause", err)
	}
}

// Close ends the server; what it is answering is cut off.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.done
	return errors.Join(err, s.at.remove())
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) { s.answer(w, s.config.Status()) })
	mux.HandleFunc("POST /v1/checkpoint", s.checkpoint)
	return mux
}

// checkpointed is the answer to a checkpoint: the directory is the caller's to remove. One of the two is set.
type checkpointed struct {
	Dir   string `json:"dir,omitempty"`
	Error string `json:"error,omitempty"`
}

// checkpoint makes the copy in the slot: there it is on the disk of the stores, so that files can be linked.
func (s *Server) checkpoint(w http.ResponseWriter, r *http.Request) {
	dir, err := os.MkdirTemp(s.config.Dir, checkpointPrefix)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err == nil {
		err = s.config.Checkpoint(r.Context(), dir)
	}
	if err == nil {
		s.answer(w, checkpointed{Dir: dir})
		return
	}
	if dir != "" {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	w.WriteHeader(http.StatusInternalServerError)
	s.answer(w, checkpointed{Error: err.Error()})
}

func (s *Server) answer(w http.ResponseWriter, value any) {
	if err := json.NewEncoder(w).Encode(value); err != nil {
		s.config.Logger.Debug("nobody waited for the answer", "cause", err)
	}
}
