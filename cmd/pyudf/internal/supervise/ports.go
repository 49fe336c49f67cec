package supervise

import (
	"context"
	"log/slog"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/registry"
	"github.com/pyudf/pyudf/engine/status"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Job is a version of a deployment that is to be run.
type Job struct {
	Deployment string
	Version    *controlv1.Version
	// Logger gets what the engine and the workers have to say of it.
	Logger *slog.Logger
}

// Prepare makes a version ready. Its error says what is wrong with it.
type Prepare func(ctx context.Context, job Job, progress func(string)) (Candidate, error)

// Candidate is a version that can begin at once: what it needs is installed, and its workers are up.
type Candidate interface {
	// Plan is what its code says.
	Plan() *planv1.Plan
	// Attached is the worker that it uses if it starts none, empty otherwise.
	Attached() string
	// Follows is the cause that ends the run before, if this version is to go on where that one ended.
	Follows() error
	// Run runs it until ctx ends; begun is called once it has its partitions. It can be run again.
	Run(ctx context.Context, begun func()) error
	// Status tells how its run is.
	Status() status.Run
	// Close frees what it holds. REQUIRES: Run has returned.
	Close()
	// Leave has the groups know that nothing goes on where its run ended for another version. REQUIRES: Close was called.
	Leave()
}

// Registry is what the nodes of the cluster know together.
type Registry interface {
	Deployments() []*controlv1.Deployment
	Deployment(name string) (*controlv1.Deployment, bool)
	Nodes() []*controlv1.Node
	// Aside returns what this node cannot use, as it is of a later pyudf.
	Aside() []registry.Aside
	Changed() <-chan struct{}
	Change(ctx context.Context, name string, change func(before *controlv1.Deployment) (after *controlv1.Deployment, err error)) (*controlv1.Deployment, error)
	Announce(ctx context.Context, node *controlv1.Node) error
	Withdraw(ctx context.Context, id string) error
	PutBundle(ctx context.Context, archive []byte) (sha string, err error)
}

// Peers are the other nodes, by the addresses of their control APIs. Who asks them is whom ctx says.
type Peers interface {
	Status(ctx context.Context, address string, req *controlv1.StatusRequest) (*controlv1.StatusResponse, error)
	Logs(ctx context.Context, address string, req *controlv1.LogsRequest, emit func(*controlv1.LogsResponse) error) error
}
