package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pyudf/pyudf/engine/sink"
)

const (
	// longestPause is between two attempts.
	longestPause = 10 * time.Second
	// patience is for how long a run that was under way tries to open everything again.
	patience = 5 * time.Minute
	// enough is how many times in a row nothing may come of it.
	enough = 20
)

// again runs something until it ends otherwise than by a transaction that was aborted. What was aborted is done again, from
// what is committed: nothing is lost, and nothing is there twice. If brokers are away when it is to begin anew, it waits.
func again(ctx context.Context, logger *slog.Logger, run func() (opened bool, err error)) error {
	pause := 100 * time.Millisecond
	var since time.Time // when something was open last; zero before the first time
	for attempts := 0; ; attempts++ {
		began := time.Now()
		opened, err := run()
		if err == nil {
			return nil
		}
		aborted := errors.Is(err, sink.ErrAborted)
		if aborted && ctx.Err() != nil {
			return left(logger, err)
		}
		if opened {
			since = time.Now()
		}
		if ctx.Err() != nil || opened && !aborted || since.IsZero() || time.Since(since) > patience {
			return err
		}
		if time.Since(began) > longestPause {
			attempts, pause = 0, 100*time.Millisecond // it had worked meanwhile
		}
		if attempts == enough {
			return fmt.Errorf("%d times in a row: %w", enough, err)
		}
		logger.Warn("going on from what is committed", "cause", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return left(logger, err)
		}
		pause = min(2*pause, longestPause)
	}
}

// left says of a run that is stopped what it leaves to the next one.
func left(logger *slog.Logger, err error) error {
	if !errors.Is(err, sink.ErrAborted) {
		return err
	}
	logger.Warn("the last epoch was not committed: the next run does it again, and nothing is lost", "cause", err)
	return nil
}
