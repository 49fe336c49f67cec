package control

import (
	"context"

	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// Engine is the node behind the API. Its methods are called side by side, and end when their context does. by is who asks
// for a change: the name of a token, or the user of the machine. Errors made by NotFound, Refused and Invalid, and those of
// package outcome that the user has to mend, reach the caller as such; others as failures of the node. All keep their texts.
type Engine interface {
	Node() *controlv1.Node
	Deploy(ctx context.Context, by string, req *controlv1.DeployRequest, progress func(string)) (*controlv1.Deployed, error)
	List(ctx context.Context) (*controlv1.ListResponse, error)
	Status(ctx context.Context, req *controlv1.StatusRequest) (*controlv1.StatusResponse, error)
	Logs(ctx context.Context, req *controlv1.LogsRequest, emit func(*controlv1.LogsResponse) error) error
	Rollback(ctx context.Context, by string, req *controlv1.RollbackRequest, progress func(string)) (*controlv1.Deployed, error)
	Stop(ctx context.Context, by, name string) (*controlv1.Deployment, error)
	Start(ctx context.Context, by, name string) (*controlv1.Deployment, error)
	Delete(ctx context.Context, by, name string) error
}
