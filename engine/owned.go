package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/task"
)

// owned is a partition of this process.
type owned struct {
	task *task.Task
	// stored is the position of the last commit.
	stored int64
	ended  bool
	// quiet is when the partition had nothing more to give, zero if it may have; idle is up to when its task knows.
	quiet, idle time.Time
	// records tells that there were any; dirty that the state changed without one.
	records, dirty bool
}

func (r *reader) assign(working context.Context, positions []record.Position) error {
	r.assigned = true
	for _, p := range positions {
		config := task.Config{Position: p.Offset, Runner: r.program, Outputs: r.outputs}
		if r.flows != nil {
			flow, err := r.flows(p.Partition)
			if err != nil {
				return err
			}
			config.Flow = flow
		}
		r.tasks[p.Partition] = &owned{task: task.Start(working, config), stored: p.Offset}
	}
	if len(positions) > 0 {
		r.logger.Debug("partitions assigned", "new", len(positions), "owned", len(r.tasks))
	}
	return r.epochs.given(r)
}

// revoke finishes and commits partitions, then gives them up.
func (r *reader) revoke(working context.Context, partitions []record.Partition) error {
	if err := r.epochs.taken(r); err != nil {
		return err
	}
	if r.interval == never {
		// The file that has what was read gets its name at the end of the run, or never.
		if _, err := r.deliver(working, partitions); err != nil {
			return err
		}
		return r.release(partitions)
	}
	if err := r.tryCommit(working, partitions); err != nil {
		return err
	}
	return r.release(partitions)
}

// lose gives up partitions that another process has already.
func (r *reader) lose(partitions []record.Partition) error {
	if err := r.epochs.taken(r); err != nil {
		return err
	}
	r.logger.Warn("partitions were lost to another process, what is under way is dropped", "partitions", len(partitions))
	return r.release(partitions)
}

func (r *reader) release(partitions []record.Partition) error {
	for _, p := range partitions {
		if o := r.tasks[p]; o != nil {
			o.task.Stop()
			delete(r.tasks, p)
			if err := r.closeState(p); err != nil {
				return err
			}
		}
	}
	if err := r.source.Release(partitions); err != nil {
		return fmt.Errorf("give up partitions of %s: %w", r.plan.Name, err)
	}
	return nil
}

// partitions returns the partitions in their order, so that the same input has the same order of results.
func (r *reader) partitions() []record.Partition {
	return slices.SortedFunc(maps.Keys(r.tasks), func(a, b record.Partition) int { return int(a.Index - b.Index) })
}
