package simtest

import (
	"context"
	"fmt"
	"hash/fnv"

	"github.com/pyudf/pyudf/engine/dispatch"
)

// Worker is a worker whose calls take their turn, so that epochs are closed while batches are in there.
type Worker struct {
	dispatch.Worker
	gate   Gate
	client *Client
}

// Employ starts a worker of a client. One that is dead starts none, which ends what it still does.
func Employ(ctx context.Context, gate Gate, client *Client, start dispatch.Start) (dispatch.Worker, error) {
	if client.dead.Load() {
		return nil, ErrDead
	}
	worker, err := start(ctx)
	return &Worker{worker, gate, client}, err
}

// Run implements dispatch.Worker.
func (w *Worker) Run(ctx context.Context, call *dispatch.Call) (result *dispatch.Result, err error) {
	sum := fnv.New32a()
	_, _ = sum.Write(call.Records.Data) // a hash takes everything
	if call.Groups != nil {
		_, _ = sum.Write(call.Groups.Keys.Data)
	}
	name := fmt.Sprintf("run %s %08x", call.Function, sum.Sum32())
	err = w.gate.Call(ctx, Call{Client: w.client, Name: name, Do: func() error {
		result, err = w.Worker.Run(ctx, call)
		return err
	}})
	return result, err
}
