package status

import "time"

// Run is one process that runs an app.
type Run struct {
	App   string `json:"app"`
	Group string `json:"group"`
	Node  string `json:"node"`
	// Engine is the engine node that the run is on, empty for one of `pyudf run`; Node is who it is in the group.
	Engine    string    `json:"engine,omitempty"`
	PID       int       `json:"pid"`
	Started   time.Time `json:"started"`
	Guarantee string    `json:"guarantee"`
	// CommitInterval is in ms.
	CommitInterval int64 `json:"commit_interval_ms"`
	// Tasks are in the order of their sources' names and partitions.
	Tasks []Task `json:"tasks"`
}

// Phase says what a task does now.
type Phase string

// The phases of a task.
const (
	Restoring  Phase = "restoring"
	Running    Phase = "running"
	Committing Phase = "committing"
)

// Task is one partition of a source, as far as it is known. Offsets are of the source's topic unless they say otherwise.
type Task struct {
	Source    string `json:"source"`
	Partition int32  `json:"partition"`
	Phase     Phase  `json:"phase"`
	// Epoch is how many epochs were committed since the task began.
	Epoch int64 `json:"epoch"`
	// Committed is the offset up to which the input is done, and End where it ends.
	Committed int64 `json:"committed_offset"`
	End       int64 `json:"end_offset"`
	// Lag is how many records are not done; a snapshot of the board has it.
	Lag int64 `json:"lag"`
	// Watermark is in ms since 1970; nil: there is none.
	Watermark  *int64 `json:"watermark_ms,omitempty"`
	StateBytes int64  `json:"state_bytes"`
	// Changelog is the offset of the changelog up to which the state is complete. It and LastCommit are set together.
	Changelog  int64      `json:"changelog_offset"`
	LastCommit LastCommit `json:"last_commit,omitzero"`
	Snapshot   Snapshot   `json:"snapshot,omitzero"`
	// RestoreDone of RestoreTotal records were read while the task is restored.
	RestoreDone  int64 `json:"restore_done,omitempty"`
	RestoreTotal int64 `json:"restore_total,omitempty"`
	// RestoreLeft is the time in ms that the rest will take at the pace so far, 0 if that is not known. A snapshot of the
	// board has it.
	RestoreLeft int64 `json:"restore_left_ms,omitempty"`
	// RestoreEstimate is the time in ms that another node would take to restore the task, see Estimate; nil while it is not
	// known. A snapshot of the board has it.
	RestoreEstimate *int64 `json:"restore_estimate_ms,omitempty"`
}

// Snapshot is the last one of a task's state.
type Snapshot struct {
	// Offset is that of the changelog which the snapshot reflects.
	Offset int64     `json:"changelog_offset"`
	Time   time.Time `json:"time"`
}

// LastCommit is the end of an epoch.
type LastCommit struct {
	Time time.Time `json:"time"`
	// Duration is in ms.
	Duration int64 `json:"duration_ms"`
	// Bytes went to the changelog.
	Bytes int64 `json:"bytes"`
}
