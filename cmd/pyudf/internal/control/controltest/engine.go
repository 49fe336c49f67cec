package controltest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// Engine keeps in memory what it is told, and runs all of it on two nodes, n1 and n2. It implements control.Engine.
type Engine struct {
	// Fault is what changes end with.
	Fault error
	// Steps are what a change tells while it goes on.
	Steps []string
	// App is the name of the app in each bundle.
	App string
	// Lines are what was logged. Who follows them gets More as well, until it is closed or they end.
	Lines []*controlv1.LogsResponse
	More  chan *controlv1.LogsResponse
	// Before is called at the begin of each change, if it is set.
	Before func(ctx context.Context)

	mu          sync.Mutex // guards the fields below
	deployments []*controlv1.Deployment
	asked       []string
}

// began is when the first version is deployed; others follow by the minute.
const began = 1_700_000_000_000

// Asked returns the changes so far, each as the call and who made it.
func (e *Engine) Asked() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.asked)
}

// Node implements control.Engine.
func (e *Engine) Node() *controlv1.Node {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.nodes()[0]
}

func (e *Engine) nodes() []*controlv1.Node {
	var nodes []*controlv1.Node
	for _, id := range []string{"n1", "n2"} {
		node := &controlv1.Node{
			Id: id, Cluster: "test", Version: "1.2.3", Protocol: control.Protocol, Address: "http://127.0.0.1:9191",
			StartedMs: began, SeenMs: began,
		}
		for _, d := range e.deployments {
			s := &controlv1.Standing{Deployment: d.GetName(), Revision: d.GetRevision(), Version: d.GetCurrent(), Phase: controlv1.Phase_PHASE_RUNNING}
			if d.GetCurrent() > 1 {
				s.PauseMs = 120
			}
			if d.GetStopped() {
				s.Phase, s.Version = controlv1.Phase_PHASE_STOPPED, 0
			}
			node.Standings = append(node.Standings, s)
		}
		nodes = append(nodes, node)
	}
	return nodes
}

// begin notes who asks for a change.
func (e *Engine) begin(ctx context.Context, call, by string, progress func(string)) error {
	if e.Before != nil {
		e.Before(ctx)
	}
	for _, step := range e.Steps {
		progress(step)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, call+" by "+by)
	return e.Fault
}

func (e *Engine) all() []*controlv1.Deployment {
	all := make([]*controlv1.Deployment, 0, len(e.deployments))
	for _, d := range e.deployments {
		all = append(all, proto.CloneOf(d))
	}
	return all
}

func (e *Engine) find(name string) (*controlv1.Deployment, error) {
	for _, d := range e.deployments {
		if d.GetName() == name {
			return d, nil
		}
	}
	return nil, control.NotFound("there is no deployment %s: `pyudf list` shows those that there are", name)
}

// Deploy implements control.Engine.
func (e *Engine) Deploy(ctx context.Context, by string, req *controlv1.DeployRequest, progress func(string)) (*controlv1.Deployed, error) {
	if err := e.begin(ctx, "deploy", by, progress); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	name := req.GetName()
	if name == "" {
		name = e.App
	}
	hash := sha256.Sum256(req.GetBundle())
	archive := hex.EncodeToString(hash[:])
	d, err := e.find(name)
	if err != nil {
		d = &controlv1.Deployment{Name: name, Protocol: control.Protocol}
		e.deployments = append(e.deployments, d)
	} else if d.GetVersions()[d.GetCurrent()-1].GetArchive() == archive {
		return &controlv1.Deployed{Deployment: proto.CloneOf(d), Unchanged: true, Nodes: e.nodes()}, nil
	}
	e.add(d, &controlv1.Version{
		Archive: archive, Bundle: archive, Content: archive, Bytes: uint64(len(req.GetBundle())), Settings: req.GetSettings(), DeployedBy: by,
	})
	return &controlv1.Deployed{Deployment: proto.CloneOf(d), Nodes: e.nodes()}, nil
}

func (e *Engine) add(d *controlv1.Deployment, v *controlv1.Version) {
	v.Number = uint32(len(d.GetVersions()) + 1)
	v.DeployedMs = began + int64(len(d.GetVersions()))*60_000
	d.Versions, d.Current = append(d.Versions, v), v.Number
	d.Revision++
}

// List implements control.Engine.
func (e *Engine) List(context.Context) (*controlv1.ListResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return &controlv1.ListResponse{Deployments: e.all(), Nodes: e.nodes()}, nil
}

// Status implements control.Engine.
func (e *Engine) Status(_ context.Context, req *controlv1.StatusRequest) (*controlv1.StatusResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	answer := &controlv1.StatusResponse{Deployments: e.all()}
	if req.GetDeployment() != "" {
		d, err := e.find(req.GetDeployment())
		if err != nil {
			return nil, err
		}
		answer.Deployments = []*controlv1.Deployment{proto.CloneOf(d)}
	}
	for _, node := range e.nodes() {
		answer.Nodes = append(answer.Nodes, &controlv1.NodeStatus{Node: node})
	}
	for _, d := range answer.GetDeployments() {
		answer.Nodes[0].Runs = append(answer.Nodes[0].Runs, &controlv1.Run{Deployment: d.GetName(), StatusJson: `{"app":"` + d.GetName() +
			`","group":"` + d.GetName() + `","node":"n1","pid":7,"started":"2024-05-01T10:00:00Z","guarantee":"exactly-once","commit_interval_ms":1000,` +
			`"tasks":[{"source":"weather","partition":0,"phase":"running","lag":5}]}`})
	}
	return answer, nil
}

// Logs implements control.Engine.
func (e *Engine) Logs(ctx context.Context, req *controlv1.LogsRequest, emit func(*controlv1.LogsResponse) error) error {
	for _, line := range e.Lines {
		if err := emit(line); err != nil {
			return err
		}
	}
	for req.GetFollow() {
		select {
		case line, open := <-e.More:
			if !open {
				return nil
			}
			if err := emit(line); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Rollback implements control.Engine.
func (e *Engine) Rollback(ctx context.Context, by string, req *controlv1.RollbackRequest, progress func(string)) (*controlv1.Deployed, error) {
	if err := e.begin(ctx, "rollback", by, progress); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	d, err := e.find(req.GetName())
	if err != nil {
		return nil, err
	}
	to := req.GetVersion()
	if to == 0 {
		to = d.GetCurrent() - 1
	}
	if to < 1 || to > uint32(len(d.GetVersions())) {
		return nil, control.Refused("%s has no version %d: `pyudf history %s` shows those that there are", d.GetName(), to, d.GetName())
	}
	of := d.GetVersions()[to-1]
	e.add(d, &controlv1.Version{
		Archive: of.GetArchive(), Bundle: of.GetBundle(), Content: of.GetContent(), Bytes: of.GetBytes(), Settings: of.GetSettings(),
		DeployedBy: by, RollbackOf: to,
	})
	return &controlv1.Deployed{Deployment: proto.CloneOf(d), Nodes: e.nodes()}, nil
}

// Stop implements control.Engine.
func (e *Engine) Stop(ctx context.Context, by, name string) (*controlv1.Deployment, error) {
	return e.change(ctx, "stop", by, name)
}

// Start implements control.Engine.
func (e *Engine) Start(ctx context.Context, by, name string) (*controlv1.Deployment, error) {
	return e.change(ctx, "start", by, name)
}

func (e *Engine) change(ctx context.Context, call, by, name string) (*controlv1.Deployment, error) {
	if err := e.begin(ctx, call, by, func(string) {}); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	d, err := e.find(name)
	if err != nil {
		return nil, err
	}
	d.Stopped = call == "stop"
	d.Revision++
	return proto.CloneOf(d), nil
}

// Delete implements control.Engine.
func (e *Engine) Delete(ctx context.Context, by, name string) error {
	if err := e.begin(ctx, "delete", by, func(string) {}); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	d, err := e.find(name)
	switch {
	case err != nil:
		return err
	case !d.GetStopped():
		return control.Refused("%s runs: `pyudf stop %s` first", name, name)
	}
	e.deployments = slices.DeleteFunc(e.deployments, func(d *controlv1.Deployment) bool { return d.GetName() == name })
	return nil
}
