package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/pyudf/pyudf/engine/record"
)

// Call is one batch for one function. Columns is set for a function over columns, Records for one over records.
type Call struct {
	// Function is the function's id in the plan.
	Function string
	Rows     int
	Columns  []record.Column
	Records  record.Arena
	// Groups is set for a function over groups, an aggregator or a function with states. Of the last two, a call without
	// rows needs neither Columns nor Records.
	Groups *Groups
}

// Result is what a worker answers to a call: a value a row in Column, or Records with the row that each comes from.
// What stands in Column for a failed row does not matter. Where the function gives a value a group, Column, Sources and
// Failures go by groups.
type Result struct {
	Rows     int
	Column   *record.Column
	Records  record.Arena
	Sources  []int32
	Failures []Failure
	// States and Timers are what each group has now, an arena and a slice for each that the function has. A group of
	// which a row failed has what its other rows left.
	States []record.Arena
	Timers [][]int64
	// Taken is how many of its rows each group took, where the call has watermarks; nil: all. A row that was not taken has
	// neither records nor a failure, and what stands in Column for it does not matter.
	Taken []int32
	// Busy is the time that the worker spent on the batch.
	Busy time.Duration
}

// Failure is a row, or a group, whose call raised, or that could not be tried without killing a worker.
type Failure struct {
	Row       int
	Exception string
	Message   string
	Traceback string
}

// Worker runs user functions, usually in a process of its own. Run may be called by several goroutines; a worker
// answers in the order that it was asked.
type Worker interface {
	// Run answers one call. An error says that this worker is of no use any more: it died, broke the protocol or
	// went over the context's deadline. What the user's function raises is no error but a Failure.
	Run(ctx context.Context, call *Call) (*Result, error)
	// Kill ends the worker at once, with everything it started. Calls under way return an error. Killing twice is fine.
	Kill()
	// Stop lets the worker end by itself, and kills it if ctx ends first.
	Stop(ctx context.Context) error
}

// The errors of a worker that is not the engine's own are of one of these kinds, where its end says little about the calls
// that it had.
var (
	// ErrAway tells that the worker was stopped in good order: it answered the calls that it had begun, and began none of
	// the others.
	ErrAway = errors.New("the worker was stopped")
	// ErrLost tells that the connection to the worker was lost. It may have died of a call, or somebody restarted it, or
	// the network failed.
	ErrLost = errors.New("the connection to the worker was lost")
)

// Start starts another worker of the run. Its error says what the user has to mend.
type Start func(ctx context.Context) (Worker, error)
