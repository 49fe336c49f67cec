package control

import (
	"fmt"
	"strings"

	"github.com/pyudf/pyudf/proto/pyudf/control/v1/controlv1connect"
)

// Role says what a caller may do; each may do what those before it may.
type Role int

// The roles. Nobody is the one of a caller without a token where tokens are asked for.
const (
	Nobody Role = iota
	Viewer
	Deployer
	Admin
)

// Roles are the names of the roles that a token may have, the least first.
func Roles() []string { return []string{Viewer.String(), Deployer.String(), Admin.String()} }

func (r Role) String() string {
	switch r {
	case Viewer:
		return "viewer"
	case Deployer:
		return "deployer"
	case Admin:
		return "admin"
	default:
		return "nobody"
	}
}

// ParseRole returns the role of a name.
func ParseRole(name string) (Role, error) {
	for _, role := range []Role{Viewer, Deployer, Admin} {
		if name == role.String() {
			return role, nil
		}
	}
	return Nobody, fmt.Errorf("there is no role %q: write %s", name, strings.Join(Roles(), ", "))
}

// needed returns the role that a call needs; ok tells whether there is such a call.
func needed(procedure string) (role Role, ok bool) {
	switch procedure {
	case controlv1connect.ControlServiceGetNodeProcedure, controlv1connect.ControlServiceListProcedure,
		controlv1connect.ControlServiceStatusProcedure, controlv1connect.ControlServiceLogsProcedure:
		return Viewer, true
	case controlv1connect.ControlServiceDeployProcedure, controlv1connect.ControlServiceRollbackProcedure,
		controlv1connect.ControlServiceStopProcedure, controlv1connect.ControlServiceStartProcedure:
		return Deployer, true
	case controlv1connect.ControlServiceDeleteProcedure:
		return Admin, true
	default:
		return Nobody, false
	}
}
