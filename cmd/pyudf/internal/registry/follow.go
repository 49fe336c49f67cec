package registry

import (
	"context"
	"errors"
	"time"

	"github.com/pyudf/pyudf/engine/record"
)

// aloneFor is how long nothing may come before what comes then is not enough: what was deleted is gone from the topic for
// good a day later (delete.retention.ms), and this node would not hear of it.
const aloneFor = 12 * time.Hour

// Why the topic is read from its beginning again.
var (
	errAnew  = errors.New("the topic was made anew")
	errAlone = errors.New("nothing was heard from it for a long time")
)

// follow reads until ctx ends.
func (r *Registry) follow(ctx context.Context) {
	const pause = time.Second
	for {
		err := r.read(ctx)
		if ctx.Err() != nil {
			return
		}
		r.logger.Warn("the topic of the cluster is read from its beginning again", "topic", r.topic, "cause", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// read reads from the beginning. What was known until then counts until the end is reached.
func (r *Registry) read(ctx context.Context) error {
	fresh, caughtUp, before, heard := newView(r.config.Protocol), false, int64(0), r.config.Now().UnixMilli()
	return r.table.Follow(ctx, -1, func(batch *record.Batch, next int64) error {
		now := r.config.Now().UnixMilli()
		switch {
		case next < before || batch != nil && batch.Offsets[0] < before:
			return errAnew
		case caughtUp && batch != nil && now-heard > aloneFor.Milliseconds():
			return errAlone
		}
		before, heard = next, now
		caughtUp = caughtUp || batch == nil
		r.take(fresh, batch, next, caughtUp)
		return nil
	})
}

// take applies what was read. The view counts if it has been read to the end once.
func (r *Registry) take(v *view, batch *record.Batch, next int64, counts bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	deployments := counts && r.view != v
	for i := range entries(batch) {
		e := entryOf(batch, i)
		if mark := e.header(markHeader); mark != "" {
			if _, wanted := r.marks[mark]; wanted {
				r.marks[mark] = true
			}
		}
		if v.apply(e) {
			deployments = deployments || counts
		}
	}
	if !counts {
		return
	}
	r.view, r.next = v, next
	close(r.moved)
	r.moved = make(chan struct{})
	if deployments {
		select {
		case r.changed <- struct{}{}:
		default:
		}
	}
}

func entries(batch *record.Batch) int {
	if batch == nil {
		return 0
	}
	return batch.Len()
}
