package host

import (
	"context"
	"errors"
	"fmt"

	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
	"github.com/pyudf/pyudf/udfworker/wire"
)

// describe asks a worker what it offers, and returns why that is of no use.
func describe(ctx context.Context, service workerv1.WorkerServiceClient, accept func(*workerv1.DescribeResponse) error) (*workerv1.DescribeResponse, error) {
	description, err := service.Describe(ctx, &workerv1.DescribeRequest{})
	if err != nil {
		return nil, fmt.Errorf("asking the worker what it offers: %w", err)
	}
	if err := checkProtocol(description); err != nil {
		return nil, err
	}
	if fault := description.GetError(); fault != nil {
		return nil, &LoadError{Message: fault.GetMessage(), Traceback: fault.GetTraceback()}
	}
	if description.GetPlan() == nil {
		return nil, errors.New("the worker describes neither a plan nor an error: its pyudf does not fit this engine's")
	}
	if accept != nil {
		if err := accept(description); err != nil {
			return nil, err
		}
	}
	return description, nil
}

// checkProtocol says which side to update if the two do not speak the same.
func checkProtocol(description *workerv1.DescribeResponse) error {
	theirs := description.GetProtocol()
	switch {
	case theirs < wire.Protocol:
		return fmt.Errorf("the worker's pyudf %s speaks version %d of the protocol, and this engine %d: update pyudf in the worker's environment",
			description.GetSdkVersion(), theirs, wire.Protocol)
	case theirs > wire.Protocol:
		return fmt.Errorf("the worker's pyudf %s speaks version %d of the protocol, and this engine %d: update the engine",
			description.GetSdkVersion(), theirs, wire.Protocol)
	default:
		return nil
	}
}

// open opens the stream of calls. Of a worker that is not ours it waits until that has agreed: it may have another engine.
func (p *Process) open(ctx, streamCtx context.Context) (runClient, error) {
	client, err := p.process.Service().Run(streamCtx)
	if err != nil || p.manner.owned {
		return client, err
	}
	opened := make(chan error, 1)
	go func() { opened <- awaitOpen(client) }()
	select {
	case err := <-opened:
		return client, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func awaitOpen(client runClient) error {
	header, err := client.Header()
	if err == nil && header == nil { // it ended without one
		_, err = client.Recv()
	}
	return err
}
