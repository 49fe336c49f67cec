package registry

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/engine/kafka"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// Announce tells the cluster how a node is, and that it was seen now. It returns when that is in the topic.
func (r *Registry) Announce(ctx context.Context, node *controlv1.Node) error {
	said := proto.CloneOf(node)
	said.SeenMs = r.config.Now().UnixMilli()
	value, err := proto.Marshal(said)
	if err == nil {
		err = r.voice.say(ctx, r.table, nodePrefix+node.GetId(), value)
	}
	if err != nil {
		return fmt.Errorf("announce node %s in topic %q: %w", node.GetId(), r.topic, err)
	}
	return nil
}

// Withdraw tells the cluster that a node is no more.
func (r *Registry) Withdraw(ctx context.Context, id string) error {
	if err := r.voice.say(ctx, r.table, nodePrefix+id, nil); err != nil {
		return fmt.Errorf("withdraw node %s from topic %q: %w", id, r.topic, err)
	}
	return nil
}

// voice writes what a node says of itself, with one producer as long as that works.
type voice struct {
	// busy is full while somebody has what follows.
	busy   chan struct{}
	writer *kafka.TableWriter // nil: none is open
	// behind tells that something is on its way: nothing more is said as long as brokers are away.
	behind bool
}

// say returns when a record is in the topic.
func (v *voice) say(ctx context.Context, to *kafka.Table, key string, value []byte) error {
	select {
	case v.busy <- struct{}{}:
		defer func() { <-v.busy }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err := v.write(ctx, to, key, value)
	if err != nil && ctx.Err() == nil {
		_ = v.drop()
	}
	return err
}

func (v *voice) write(ctx context.Context, to *kafka.Table, key string, value []byte) error {
	if v.writer == nil {
		writer, err := to.OpenWriter(ctx)
		if err != nil {
			return err
		}
		v.writer, v.behind = writer, false
	}
	if v.behind {
		if err := v.writer.Flush(ctx); err != nil {
			return err
		}
	}
	v.behind = true
	if err := v.writer.Put(ctx, key, value, nil); err != nil {
		return err
	}
	if err := v.writer.Flush(ctx); err != nil {
		return err
	}
	v.behind = false
	return nil
}

func (v *voice) drop() error {
	if v.writer == nil {
		return nil
	}
	defer func() { v.writer = nil }()
	return v.writer.Close()
}

// close frees everything. It waits for who says something.
func (v *voice) close() error {
	v.busy <- struct{}{}
	defer func() { <-v.busy }()
	return v.drop()
}
