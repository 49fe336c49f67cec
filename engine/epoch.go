package engine

import (
	"context"
	"errors"
	"time"
)

// epochs says when readers commit. Each method is called by the goroutine of its reader.
type epochs interface {
	// pass is called between two events, and commits if it is time.
	pass(working context.Context, r *reader) error
	// given and taken tell that partitions came, or that they go to another process; an error ends the run.
	given(r *reader) error
	taken(r *reader) error
	// end is called when a reader has delivered everything, whose final positions are known.
	end(working context.Context, r *reader) error
	// commit stores what all readers have finished. REQUIRES: all have ended, and the sinks are closed.
	commit(ctx context.Context, readers []*reader) error
}

// apart are epochs of each reader for itself: what is between stages is in a topic.
type apart struct{}

func (apart) pass(working context.Context, r *reader) error {
	if time.Since(r.committed) < r.interval {
		return nil
	}
	return r.tryCommit(working, r.partitions())
}

func (apart) given(*reader) error { return nil }

func (apart) taken(*reader) error { return nil }

func (apart) end(context.Context, *reader) error { return nil }

// commit insists for a while, as brokers refuse commits for a moment while a group rebalances.
func (apart) commit(ctx context.Context, readers []*reader) error {
	var errs []error
	for _, r := range readers {
		errs = append(errs, insist(ctx, r, func() error { return r.store(ctx, r.final) }))
	}
	return errors.Join(errs...)
}

// insist does something that brokers may refuse for a moment, until they take it or it has been long enough.
func insist(ctx context.Context, r *reader, do func() error) error {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	enough := time.NewTimer(stopTimeout)
	defer enough.Stop()
	for {
		err := do()
		if err == nil {
			return nil
		}
		r.logger.DebugContext(ctx, "offsets could not be committed, trying again", "cause", err)
		select {
		case <-again.C:
		case <-enough.C:
			return err
		}
	}
}
