package fleet

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/pyudf/pyudf/engine/status"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// Node is an engine of a cluster.
type Node struct {
	ID       string    `json:"id"`
	Cluster  string    `json:"cluster"`
	Version  string    `json:"version"`
	Protocol uint32    `json:"protocol"`
	Address  string    `json:"address"`
	Started  time.Time `json:"started,omitzero"`
	Seen     time.Time `json:"seen,omitzero"`
	// Error says why the node did not answer.
	Error string `json:"error,omitempty"`
}

// Status is all that a cluster says of itself.
type Status struct {
	Deployments []Deployment `json:"deployments"`
	Nodes       []Node       `json:"nodes"`
	Runs        []status.Run `json:"runs"`
}

// NewStatus returns what a node answered.
func NewStatus(from *controlv1.StatusResponse) (Status, error) {
	s := Status{Nodes: []Node{}, Runs: []status.Run{}}
	var nodes []*controlv1.Node
	for _, n := range from.GetNodes() {
		nodes = append(nodes, n.GetNode())
		s.Nodes = append(s.Nodes, newNode(n))
		for _, r := range n.GetRuns() {
			var run status.Run
			if err := json.Unmarshal([]byte(r.GetStatusJson()), &run); err != nil {
				return Status{}, fmt.Errorf("the status of %s on %s: %w; it may be of another version of pyudf", r.GetDeployment(), n.GetNode().GetId(), err)
			}
			run.Engine = n.GetNode().GetId()
			s.Runs = append(s.Runs, run)
		}
	}
	s.Deployments = All(from.GetDeployments(), nodes)
	slices.SortFunc(s.Nodes, func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
	return s, nil
}

func newNode(from *controlv1.NodeStatus) Node {
	n := from.GetNode()
	return Node{
		ID: n.GetId(), Cluster: n.GetCluster(), Version: n.GetVersion(), Protocol: n.GetProtocol(), Address: n.GetAddress(),
		Started: moment(n.GetStartedMs()), Seen: moment(n.GetSeenMs()), Error: from.GetError(),
	}
}

// Join adds runs that were found elsewhere, and leaves those out that are there already.
func (s *Status) Join(runs []status.Run) {
	for _, run := range runs {
		known := slices.ContainsFunc(s.Runs, func(r status.Run) bool {
			return r.Group == run.Group && r.Node == run.Node && r.PID == run.PID && r.Started.Equal(run.Started)
		})
		if !known {
			s.Runs = append(s.Runs, run)
		}
	}
}
