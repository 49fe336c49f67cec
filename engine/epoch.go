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
	// end is called when a reader has read everything: it finishes what is under way.
	end(working context.Context, r *reader) error
	// commit stores what end left. REQUIRES: all readers have ended, and the sinks are closed.
	commit(ctx context.Context, readers []*reader) error
}

// apart are epochs of each reader for itself: what is between stages is in a topic.
type apart struct{}

func (apart) pass(working context.Context, r *reader) error {
	if time.Since(r.committed) < r.interval && (r.interval == never || !r.full()) {
		return nil
	}
	return r.tryCommit(working)
}

func (apart) given(*reader) error { return nil }

func (apart) taken(*reader) error { return nil }

func (apart) end(working context.Context, r *reader) error {
	if r.interval != never {
		return insist(working, r, func() error { return r.finishEpoch(working) })
	}
	var err error
	if r.final, err = r.drain(); err != nil {
		return err
	}
	return r.outlet.Deliver(working, nil) // for the stages behind; the positions follow when the file has its name
}

func (apart) commit(ctx context.Context, readers []*reader) error {
	for _, r := range readers {
		if r.interval != never || len(r.final) == 0 {
			continue
		}
		if err := insist(ctx, r, func() error { return r.close(ctx, r.outlet, []reached{{reader: r, positions: r.final}}) }); err != nil {
			return err
		}
	}
	return nil
}

// insist commits until brokers take the positions, which they may refuse for a moment while a group rebalances, or it has
// been long enough.
func insist(ctx context.Context, r *reader, do func() error) error {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	enough := time.NewTimer(stopTimeout)
	defer enough.Stop()
	for {
		err := do()
		if refused := new(uncommitted); err == nil || !errors.As(err, &refused) {
			return err
		}
		r.logger.DebugContext(ctx, "offsets could not be committed, trying again", "cause", err)
		select {
		case <-again.C:
		case <-enough.C:
			return err
		}
	}
}
