package registry

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// ErrNoBundle is wrapped where a bundle is not there, or not whole.
var ErrNoBundle = errors.New("the cluster does not have the bundle")

// Change makes a deployment what change says, and returns it when this node's own view has it. All changes of a cluster come one
// after the other: before is what all changes before it have left, nil if there is no such deployment; after is what is to be,
// nil if it is to be deleted. What is as it was is not written; otherwise its revision is one more than before, even if the one
// before was deleted since.
//
// change is called again if another node comes in between, so it must do nothing else, and be quick. Its error is returned as it
// is. While brokers are away Change waits until ctx ends; its error says if it is not known then what became of the change. A
// version that was not in before and names a bundle that is not whole is refused with ErrNoBundle.
func (r *Registry) Change(ctx context.Context, name string, change func(before *controlv1.Deployment) (after *controlv1.Deployment, err error)) (*controlv1.Deployment, error) {
	if err := checkDeploymentName(name); err != nil {
		return nil, err
	}
	select {
	case r.changing <- struct{}{}:
		defer func() { <-r.changing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c := &changing{registry: r, name: name, change: change}
	defer c.forget()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		after, err := c.try(ctx)
		switch {
		case err == nil || c.refused:
			return after, err
		case ctx.Err() != nil, !errors.Is(err, kafka.ErrFenced) && !errors.Is(err, sink.ErrAborted):
			return nil, c.explain(ctx, err)
		}
		r.logger.Debug("another node changes something, too: trying again", "deployment", name, "cause", err)
		select {
		case <-time.After(pause/2 + mathrand.N(pause)):
		case <-ctx.Done():
			return nil, c.explain(ctx, ctx.Err())
		}
	}
}

// changing is a change under way.
type changing struct {
	registry *Registry
	name     string
	change   func(before *controlv1.Deployment) (after *controlv1.Deployment, err error)
	// mark is that of the last try that may have been committed, after what it wrote; empty: there was none.
	mark  string
	after *controlv1.Deployment
	// refused tells that the error is change's own, committed that the last try was.
	refused, committed bool
}

// try makes the change, unless another node fences this one.
func (c *changing) try(ctx context.Context) (*controlv1.Deployment, error) {
	r := c.registry
	w, err := r.table.Fence(ctx, r.topic)
	if err != nil {
		return nil, err
	}
	defer w.Close() //nolint:errcheck // what matters was committed
	if err := r.readToEnd(ctx); err != nil {
		return nil, err
	}
	if r.seen(c.mark) {
		return c.after, nil
	}
	c.forget()
	before, after, err := c.decide()
	if err != nil || proto.Equal(before, after) {
		return before, err
	}
	if err := c.write(ctx, w, after); err != nil {
		return nil, err
	}
	c.committed = true
	return after, r.readToMark(ctx, c.mark)
}

// decide asks what is to be. What it returns is the same twice if nothing is to change.
func (c *changing) decide() (before, after *controlv1.Deployment, err error) {
	r := c.registry
	r.mu.Lock()
	err = r.view.keptAside(c.name)
	before = proto.CloneOf(r.view.deployments[c.name])
	r.mu.Unlock()
	if err != nil {
		return nil, nil, err
	}
	if after, err = c.change(proto.CloneOf(before)); err != nil {
		c.refused = true
		return nil, nil, err
	}
	if after == nil {
		return before, nil, nil
	}
	after = proto.CloneOf(after)
	after.Name, after.Revision = c.name, before.GetRevision()
	if proto.Equal(before, after) {
		return before, before, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	after.Revision = max(after.GetRevision(), r.view.ended[c.name]) + 1
	if sha := r.view.incomplete(before, after); sha != "" {
		return nil, nil, fmt.Errorf("%w %s, or not all of it: deploy it again", ErrNoBundle, sha)
	}
	return before, after, nil
}

// write commits what a deployment is to be, and ends what nobody needs any more.
func (c *changing) write(ctx context.Context, w *kafka.TableWriter, after *controlv1.Deployment) error {
	r := c.registry
	var value []byte
	if after != nil {
		var err error
		if value, err = proto.Marshal(after); err != nil {
			return fmt.Errorf("write deployment %q: %w", c.name, err)
		}
		if limit := r.table.Limit(); len(value) > limit {
			return fmt.Errorf("deployment %q with its %d versions takes %d bytes, but a record of topic %q can have %d: keep fewer versions, or raise max.message.bytes of the topic",
				c.name, len(after.GetVersions()), len(value), r.topic, limit)
		}
	}
	r.mu.Lock()
	garbage := r.view.with(c.name, after).garbage(r.config.Now(), r.config.Grace)
	r.mu.Unlock()
	for _, key := range garbage {
		if err := w.Put(ctx, key, nil, nil); err != nil {
			return err
		}
	}
	if len(garbage) > 0 { // so that they are no batch with what may be as large as a batch can be
		if err := w.Flush(ctx); err != nil {
			return err
		}
	}
	c.mark, c.after = rand.Text(), after
	r.watch(c.mark)
	if err := w.Put(ctx, deploymentPrefix+c.name, value, []record.Header{{Key: markHeader, Value: []byte(c.mark)}}); err != nil {
		return err
	}
	return w.Commit(ctx)
}

// forget ends what write began to watch for.
func (c *changing) forget() {
	c.registry.mu.Lock()
	defer c.registry.mu.Unlock()
	delete(c.registry.marks, c.mark)
	c.mark, c.after = "", nil
}

// explain returns what the caller is told when it did not work.
func (c *changing) explain(ctx context.Context, err error) error {
	switch {
	case ctx.Err() == nil:
	case c.committed:
		err = fmt.Errorf("it is done, but this node has not read it yet: %w", err)
	case c.mark != "":
		err = fmt.Errorf("the brokers did not say in time whether it is done, see with `pyudf list`: %w", err)
	default:
		err = fmt.Errorf("the brokers did not answer in time, nothing has changed: %w", err)
	}
	return fmt.Errorf("change deployment %q: %w", c.name, err)
}

// watch has take tell seen of a change.
func (r *Registry) watch(mark string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marks[mark] = false
}

func (r *Registry) seen(mark string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.marks[mark]
}

// readToEnd returns when this node's view has everything that is in the topic now.
func (r *Registry) readToEnd(ctx context.Context) error {
	end, err := r.table.End(ctx)
	if err != nil {
		return err
	}
	return r.await(ctx, func() bool { return r.next >= end })
}

// readToMark returns when this node's view has a change that was committed.
func (r *Registry) readToMark(ctx context.Context, mark string) error {
	end, err := r.table.End(ctx)
	if err != nil {
		return err
	}
	return r.await(ctx, func() bool { return r.marks[mark] || r.next >= end })
}
