package supervise

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

var _ control.Engine = (*Node)(nil)

// List implements control.Engine.
func (n *Node) List(context.Context) (*controlv1.ListResponse, error) {
	return &controlv1.ListResponse{Deployments: n.config.Registry.Deployments(), Nodes: n.alive()}, nil
}

// patience is how long another node may take to answer.
const patience = 5 * time.Second

// Status implements control.Engine: it asks the other nodes, side by side.
func (n *Node) Status(ctx context.Context, req *controlv1.StatusRequest) (*controlv1.StatusResponse, error) {
	answer := &controlv1.StatusResponse{Deployments: n.config.Registry.Deployments()}
	if name := req.GetDeployment(); name != "" {
		d, err := n.known(name)
		if err != nil {
			return nil, err
		}
		answer.Deployments = []*controlv1.Deployment{d}
	}
	own, err := n.own(req.GetDeployment())
	if err != nil || req.GetLocal() {
		answer.Nodes = []*controlv1.NodeStatus{own}
		return answer, err
	}
	all := n.alive()
	answer.Nodes = make([]*controlv1.NodeStatus, len(all))
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var asking sync.WaitGroup
	for i, node := range all {
		if node.GetId() == own.GetNode().GetId() {
			answer.Nodes[i] = own
			continue
		}
		asking.Go(func() { answer.Nodes[i] = n.askStatus(ctx, node, req.GetDeployment()) })
	}
	asking.Wait()
	return answer, nil
}

func (n *Node) own(name string) (*controlv1.NodeStatus, error) {
	own := &controlv1.NodeStatus{Node: n.Node()}
	runs := n.runsOf(name)
	for _, deployment := range slices.Sorted(maps.Keys(runs)) {
		text, err := json.Marshal(runs[deployment].Status())
		if err != nil {
			return nil, fmt.Errorf("the status of %s: %w", deployment, err)
		}
		own.Runs = append(own.Runs, &controlv1.Run{Deployment: deployment, StatusJson: string(text)})
	}
	return own, nil
}

func (n *Node) askStatus(ctx context.Context, node *controlv1.Node, name string) *controlv1.NodeStatus {
	said, err := n.config.Peers.Status(ctx, node.GetAddress(), &controlv1.StatusRequest{Deployment: name, Local: true})
	if err != nil {
		return &controlv1.NodeStatus{Node: node, Error: err.Error()}
	}
	if len(said.GetNodes()) != 1 || said.GetNodes()[0].GetNode().GetId() != node.GetId() {
		return &controlv1.NodeStatus{Node: node, Error: "another process answers at " + node.GetAddress()}
	}
	return said.GetNodes()[0]
}

// Logs implements control.Engine: lines of all nodes, each node's in their order.
func (n *Node) Logs(ctx context.Context, req *controlv1.LogsRequest, emit func(*controlv1.LogsResponse) error) error {
	if _, err := n.known(req.GetDeployment()); err != nil {
		return err
	}
	last := int(req.GetLines())
	if last == 0 {
		last = 100
	}
	own := func(emit func(*controlv1.LogsResponse) error) error {
		n.mu.Lock()
		j := n.journals[req.GetDeployment()]
		n.mu.Unlock()
		if j == nil {
			return nil
		}
		return j.follow(ctx, last, req.GetFollow(), emit)
	}
	if req.GetLocal() {
		return own(emit)
	}
	var one sync.Mutex // lets one line through at a time
	inTurn := func(line *controlv1.LogsResponse) error {
		one.Lock()
		defer one.Unlock()
		return emit(line)
	}
	asking, ctx := errgroup.WithContext(ctx)
	asking.Go(func() error { return own(inTurn) })
	for _, node := range n.alive() {
		if node.GetId() == n.self.GetId() {
			continue
		}
		asking.Go(func() error {
			local := &controlv1.LogsRequest{Deployment: req.GetDeployment(), Follow: req.GetFollow(), Lines: req.GetLines(), Local: true}
			if err := n.config.Peers.Logs(ctx, node.GetAddress(), local, inTurn); err != nil && ctx.Err() == nil {
				text, _ := json.Marshal(map[string]string{"level": "WARN", "msg": "the node does not give its log", "cause": err.Error()}) //nolint:errchkjson // texts
				return inTurn(&controlv1.LogsResponse{Node: node.GetId(), TimeMs: time.Now().UnixMilli(), Line: string(text)})
			}
			return nil
		})
	}
	return asking.Wait()
}

// known returns a deployment, or says that there is none.
func (n *Node) known(name string) (*controlv1.Deployment, error) {
	d, there := n.config.Registry.Deployment(name)
	if !there {
		return nil, unknown(name)
	}
	return d, nil
}

func unknown(name string) error {
	return control.NotFound("there is no deployment %q: `pyudf list` shows those of the cluster", name)
}
