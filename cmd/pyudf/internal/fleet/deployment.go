package fleet

import (
	"cmp"
	"slices"
	"time"

	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// Deployment is a deployment with how the nodes stand with it.
type Deployment struct {
	Name     string `json:"name"`
	Revision uint64 `json:"revision"`
	// Version is the number of the one that is to run.
	Version    uint32     `json:"version"`
	State      State      `json:"state"`
	Deployed   time.Time  `json:"deployed,omitzero"`
	DeployedBy string     `json:"deployed_by,omitempty"`
	Nodes      []Standing `json:"nodes"`
}

// Standing is how a node stands with a deployment.
type Standing struct {
	Node string `json:"node"`
	// Version is the one that runs there, 0 if none does.
	Version  uint32 `json:"version"`
	Phase    State  `json:"phase"`
	Message  string `json:"message,omitempty"`
	Pause    int64  `json:"pause_ms"`
	Attached string `json:"attached,omitempty"`
}

// State says what a deployment or a node does.
type State string

// The states, of which that of a deployment is the first that some node is in. Waiting is a deployment that no node has
// taken up yet.
const (
	Failed    State = "failed"
	Preparing State = "preparing"
	Running   State = "running"
	Stopped   State = "stopped"
	Waiting   State = "waiting"
)

func stateOf(phase controlv1.Phase) State {
	switch phase {
	case controlv1.Phase_PHASE_PREPARING:
		return Preparing
	case controlv1.Phase_PHASE_RUNNING:
		return Running
	case controlv1.Phase_PHASE_FAILED:
		return Failed
	case controlv1.Phase_PHASE_STOPPED:
		return Stopped
	default:
		return Waiting
	}
}

// New returns a deployment as nodes stand with it.
func New(from *controlv1.Deployment, nodes []*controlv1.Node) Deployment {
	d := Deployment{Name: from.GetName(), Revision: from.GetRevision(), Version: from.GetCurrent(), Nodes: []Standing{}}
	for _, node := range nodes {
		for _, standing := range node.GetStandings() {
			if standing.GetDeployment() == d.Name {
				d.Nodes = append(d.Nodes, newStanding(node, standing))
			}
		}
	}
	slices.SortFunc(d.Nodes, func(a, b Standing) int { return cmp.Compare(a.Node, b.Node) })
	if current := version(from, from.GetCurrent()); current != nil {
		d.Deployed, d.DeployedBy = moment(current.GetDeployedMs()), current.GetDeployedBy()
	}
	d.State = d.state(from.GetStopped())
	return d
}

func newStanding(node *controlv1.Node, from *controlv1.Standing) Standing {
	return Standing{
		Node: node.GetId(), Version: from.GetVersion(), Phase: stateOf(from.GetPhase()), Message: from.GetMessage(),
		Pause: from.GetPauseMs(), Attached: from.GetAttached(),
	}
}

func (d *Deployment) state(stopped bool) State {
	if stopped {
		return Stopped
	}
	for _, state := range []State{Failed, Preparing, Running} {
		if slices.ContainsFunc(d.Nodes, func(s Standing) bool { return s.Phase == state }) {
			return state
		}
	}
	return Waiting
}

// Running returns the nodes that run the version that is to run.
func (d *Deployment) Running() []string {
	var nodes []string
	for _, s := range d.Nodes {
		if s.Version == d.Version && s.Phase == Running {
			nodes = append(nodes, s.Node)
		}
	}
	return nodes
}

// Pause returns how long the last change kept results back where that was longest.
func (d *Deployment) Pause() time.Duration {
	var longest int64
	for _, s := range d.Nodes {
		if s.Version == d.Version {
			longest = max(longest, s.Pause)
		}
	}
	return time.Duration(longest) * time.Millisecond
}

// All returns deployments in the order of their names.
func All(deployments []*controlv1.Deployment, nodes []*controlv1.Node) []Deployment {
	all := make([]Deployment, 0, len(deployments))
	for _, d := range deployments {
		all = append(all, New(d, nodes))
	}
	slices.SortFunc(all, func(a, b Deployment) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Find returns the deployment of a name; nil if there is none.
func Find(deployments []*controlv1.Deployment, name string) *controlv1.Deployment {
	at := slices.IndexFunc(deployments, func(d *controlv1.Deployment) bool { return d.GetName() == name })
	if at < 0 {
		return nil
	}
	return deployments[at]
}

func version(d *controlv1.Deployment, number uint32) *controlv1.Version {
	for _, v := range d.GetVersions() {
		if v.GetNumber() == number {
			return v
		}
	}
	return nil
}

// moment returns a time in ms; 0 is none.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
