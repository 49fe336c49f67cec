package main

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/console"
	"github.com/pyudf/pyudf/engine/status"
)

// seen is what `pyudf status` and `pyudf state` see of a run. board is nil if they cannot look.
type seen struct {
	board  *status.Board
	server *console.Server
	run    *running

	mu     sync.Mutex // guards copyTo
	copyTo func(ctx context.Context, dir string) error
}

// board lets other commands look at a run. One that cannot be looked at goes on all the same.
func (f *runFlags) board(ctx context.Context, r *running) *seen {
	s := &seen{run: r}
	if r.state.slot == nil || r.state.slot.Dir() == "" {
		return s
	}
	guarantee := exactlyOnce
	if !r.ports.transactional {
		guarantee = atLeastOnce
	}
	s.board = status.NewBoard(status.Run{
		App: r.plan.GetApp(), Group: r.ports.config.group, Node: r.ports.node, PID: os.Getpid(), Started: time.Now(),
		Guarantee: guarantee, CommitInterval: f.commitInterval.Milliseconds(),
	}, nil)
	var err error
	s.server, err = console.Start(context.WithoutCancel(ctx), console.Config{
		Dir: r.state.slot.Dir(), Status: s.board.Snapshot, Checkpoint: s.checkpoint, Logger: r.talk.logger,
	})
	if err != nil {
		r.talk.logger.Warn("`pyudf status` cannot look at this run", "cause", err)
	}
	return s
}

// copies takes what copies the stores that are open.
func (s *seen) copies(copyTo func(ctx context.Context, dir string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.copyTo = copyTo
}

func (s *seen) checkpoint(ctx context.Context, dir string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.copyTo == nil {
		return errors.New("the run has not begun yet: try again")
	}
	return s.copyTo(ctx, dir)
}

func (s *seen) close() {
	if s.server != nil {
		closeLogged(s.run.talk.logger, s.server.Close)
	}
}
