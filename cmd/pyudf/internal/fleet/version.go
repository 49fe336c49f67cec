package fleet

import (
	"time"

	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// Version is a bundle as it was deployed.
type Version struct {
	Version    uint32    `json:"version"`
	Current    bool      `json:"current"`
	Deployed   time.Time `json:"deployed,omitzero"`
	DeployedBy string    `json:"deployed_by"`
	RollbackOf uint32    `json:"rollback_of,omitempty"`
	StateEpoch uint32    `json:"state_epoch"`
	// Archive is the SHA-256 of the file, Bundle the hash that `pyudf bundle show` prints, Content the one without places.
	Archive  string   `json:"archive"`
	Bundle   string   `json:"bundle"`
	Content  string   `json:"content"`
	Bytes    uint64   `json:"bytes"`
	Settings Settings `json:"settings"`
}

// Settings are how a version is run; what is left out has the default of `pyudf run`.
type Settings struct {
	Workers        uint32            `json:"workers,omitempty"`
	Guarantee      string            `json:"guarantee,omitempty"`
	CommitInterval int64             `json:"commit_interval_ms,omitempty"`
	Start          string            `json:"start,omitempty"`
	Secrets        map[string]string `json:"secrets,omitempty"`
}

// History returns the versions of a deployment, the newest first.
func History(of *controlv1.Deployment) []Version {
	versions := make([]Version, 0, len(of.GetVersions()))
	for i := len(of.GetVersions()) - 1; i >= 0; i-- {
		versions = append(versions, newVersion(of, of.GetVersions()[i]))
	}
	return versions
}

func newVersion(of *controlv1.Deployment, v *controlv1.Version) Version {
	s := v.GetSettings()
	return Version{
		Version: v.GetNumber(), Current: v.GetNumber() == of.GetCurrent(), Deployed: moment(v.GetDeployedMs()),
		DeployedBy: v.GetDeployedBy(), RollbackOf: v.GetRollbackOf(), StateEpoch: v.GetStateEpoch(),
		Archive: v.GetArchive(), Bundle: v.GetBundle(), Content: v.GetContent(), Bytes: v.GetBytes(),
		Settings: Settings{
			Workers: s.GetWorkers(), Guarantee: s.GetGuarantee(), CommitInterval: s.GetCommitIntervalMs(),
			Start: s.GetStart(), Secrets: s.GetSecrets(),
		},
	}
}
