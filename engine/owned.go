package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/pyudf/pyudf/engine/changelog"
	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/status"
	"github.com/pyudf/pyudf/engine/task"
)

// owned is a partition of this process at work.
type owned struct {
	partition record.Partition
	task      *task.Task
	// stored is the position of the last commit.
	stored int64
	ended  bool
	// quiet is when the partition had nothing more to give, zero if it may have; idle is up to when its task knows.
	quiet, idle time.Time
	// records tells that there were any; dirty that the state changed without one.
	records, dirty bool

	// What follows is of tasks with state. name and store are what it is kept in; writer writes its changelog, and logged is
	// how many bytes it wrote for the last epoch.
	flow   *keyed.Flow
	name   string
	store  state.Store
	logged int64
	writer *changelog.Writer
	// whole tells that the changelog knows nothing of the store yet.
	whole bool
	// changes are those of the epoch that is being committed.
	changes *state.Changes
}

// assign has partitions come, each as soon as its state is here.
func (r *reader) assign(working context.Context, partitions []record.Partition) error {
	r.assigned = true
	for _, p := range partitions {
		ctx, cancel := context.WithCancel(working)
		a := &arrival{cancel: cancel, done: make(chan struct{})}
		r.arriving[p] = a
		go func() {
			defer close(a.done)
			a.restored, a.err = r.restore(ctx, p)
		}()
	}
	if len(partitions) > 0 {
		r.logger.Debug("partitions assigned", "new", len(partitions), "owned", len(r.tasks)+len(r.arriving))
	}
	return r.epochs.given(r)
}

// begin starts the tasks of partitions whose state is here.
func (r *reader) begin(working context.Context) error {
	for _, p := range inOrder(maps.Keys(r.arriving)) {
		a := r.arriving[p]
		select {
		case <-a.done:
		default:
			continue
		}
		delete(r.arriving, p)
		a.cancel()
		if a.err != nil {
			return a.err
		}
		if err := r.start(working, p, a.restored); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) start(working context.Context, p record.Partition, from restored) error {
	position, err := r.source.Begin(working, p, from.position)
	if err != nil {
		return fmt.Errorf("read %s [%d]: %w", p.Topic, p.Index, err)
	}
	config := task.Config{Position: position, Runner: r.program, Outputs: r.outputs}
	if from.flow != nil {
		config.Flow = from.flow
	}
	o := &owned{
		partition: p, task: task.Start(working, config), stored: position, dirty: from.whole,
		flow: from.flow, name: from.name, store: from.store, writer: changelog.NewWriter(), whole: from.whole,
	}
	if r.tasks[p] = o; r.stateful {
		o.task.Tick(r.now().UnixMilli()) // it knows the time from its first moment on
	}
	r.tell(r.plan, p.Index, func(t *status.Task) { t.Phase, t.Committed = status.Running, position })
	return nil
}

// revokeBudget is how long a partition that goes elsewhere may take to be finished.
const revokeBudget = 15 * time.Second

// revoke finishes and commits partitions, then gives them up. If that takes too long nothing of the epoch is committed, and
// their next owner begins where the last one ended.
func (r *reader) revoke(working context.Context, partitions []record.Partition) error {
	if err := r.epochs.taken(r); err != nil {
		return err
	}
	over := time.AfterFunc(revokeBudget, r.abort)
	err := r.part(working)
	if err == nil {
		err = r.release(partitions) // what they have under way is the next owner's
	}
	if !over.Stop() {
		return fmt.Errorf("%w: partitions of %s go to another process, and what was under way took longer than %s", sink.ErrAborted, r.plan.Name, revokeBudget)
	}
	return errors.Join(err, r.goOn())
}

// part finishes what is under way before partitions go.
func (r *reader) part(working context.Context) error {
	if r.interval != never {
		return r.hold(working)
	}
	// The file that has what was read gets its name at the end of the run, or never.
	_, err := r.drain()
	return err
}

// lose gives up partitions that another process has already, and with them everything that was not committed.
func (r *reader) lose(partitions []record.Partition) error {
	if err := r.epochs.taken(r); err != nil {
		return err
	}
	r.abort()
	if err := r.release(partitions); err != nil {
		return err
	}
	return fmt.Errorf("%w: %d partitions of %s were lost to another process", sink.ErrAborted, len(partitions), r.plan.Name)
}

func (r *reader) release(partitions []record.Partition) error {
	for _, p := range partitions {
		if a := r.arriving[p]; a != nil {
			delete(r.arriving, p)
			a.cancel()
			<-a.done
		}
		if o := r.tasks[p]; o != nil {
			delete(r.tasks, p)
			o.task.Stop()
		}
		if err := r.closeState(p); err != nil {
			return err
		}
		r.forget(r.plan, p.Index)
	}
	if err := r.source.Release(partitions); err != nil {
		return fmt.Errorf("give up partitions of %s: %w", r.plan.Name, err)
	}
	return nil
}

// partitions returns the partitions in their order, so that the same input has the same order of results.
func (r *reader) partitions() []record.Partition { return inOrder(maps.Keys(r.tasks)) }

func inOrder(partitions iter.Seq[record.Partition]) []record.Partition {
	return slices.SortedFunc(partitions, func(a, b record.Partition) int { return int(a.Index - b.Index) })
}
