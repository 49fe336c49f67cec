package main

import (
	"context"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/supervise"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// peers asks the other nodes, in the name of who asked this one.
type peers struct{ flags *nodeFlags }

var _ supervise.Peers = peers{}

func (n *clusterNode) peers() supervise.Peers { return peers{n.flags} }

func (p peers) with(address string, ask func(*control.Client) error) error {
	config := control.ClientConfig{URL: address, CA: p.flags.peerCA, Version: version}
	if p.flags.clientCA != "" { // nodes show each other the certificates that they have
		config.Cert, config.Key = p.flags.cert, p.flags.key
	}
	client, err := control.Dial(config)
	if err != nil {
		return err
	}
	defer client.Close()
	return ask(client)
}

func (p peers) Status(ctx context.Context, address string, req *controlv1.StatusRequest) (answer *controlv1.StatusResponse, err error) {
	err = p.with(address, func(c *control.Client) (err error) {
		answer, err = c.Status(ctx, req)
		return err
	})
	return answer, err
}

func (p peers) Logs(ctx context.Context, address string, req *controlv1.LogsRequest, emit func(*controlv1.LogsResponse) error) error {
	return p.with(address, func(c *control.Client) error { return c.Logs(ctx, req, emit) })
}
