package engine

import (
	"time"

	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/status"
)

// tell changes what people can see of a task.
func (e *engine) tell(from *plan.Source, index int32, change func(*status.Task)) {
	if e.config.Board != nil {
		e.config.Board.Set(from.Name, index, change)
	}
}

// patientFor is how long a restore takes without a word in the log, and the time between two.
const patientFor = 5 * time.Second

// restoring returns what is told how far the restore of a task is, in records of its changelog.
func (e *engine) restoring(from *plan.Source, p record.Partition, begin, end int64) func(done, total int64) {
	e.tell(from, p.Index, func(t *status.Task) {
		t.Phase, t.RestoreDone, t.RestoreTotal = status.Restoring, 0, max(0, end-begin)
	})
	began, said := time.Now(), time.Now()
	return func(done, total int64) {
		e.tell(from, p.Index, func(t *status.Task) { t.RestoreDone, t.RestoreTotal = done, total })
		now := time.Now()
		if now.Sub(said) < patientFor || done == 0 {
			return
		}
		said = now
		left := time.Duration(float64(now.Sub(began)) / float64(done) * float64(total-done))
		e.config.Logger.Info("restoring state from its changelog", "source", from.Name, "partition", p.Index,
			"records_left", total-done, "time_left", left.Round(time.Second))
	}
}

// downloading returns what is told how far the copy of a snapshot is, in bytes.
func (e *engine) downloading(from *plan.Source, index int32) func(done, total int64) {
	began, said := time.Now(), time.Now()
	return func(done, total int64) {
		e.tell(from, index, func(t *status.Task) { t.Phase, t.RestoreDone, t.RestoreTotal = status.Restoring, done, total })
		now := time.Now()
		if now.Sub(said) < patientFor || done == 0 {
			return
		}
		said = now
		left := time.Duration(float64(now.Sub(began)) / float64(done) * float64(total-done))
		e.config.Logger.Info("bringing a snapshot here", "source", from.Name, "partition", index,
			"bytes_left", total-done, "time_left", left.Round(time.Second))
	}
}

// forget has a task that goes elsewhere not be seen any more.
func (e *engine) forget(from *plan.Source, index int32) {
	if e.config.Board != nil {
		e.config.Board.Remove(from.Name, index)
	}
}

// unshow has the tasks of an attempt that was given up not be seen any more: which partitions come next is not known yet.
func (e *engine) unshow() {
	for _, r := range e.readers {
		if r == nil { // not opened
			continue
		}
		for p := range r.tasks {
			e.forget(r.plan, p.Index)
		}
		for p := range r.arriving {
			e.forget(r.plan, p.Index)
		}
	}
}

// show has people see how a task is after a commit.
func (r *reader) show(o *owned, commit status.LastCommit) {
	lag := r.metrics.LagOf(o.partition.Topic, o.partition.Index)
	r.tell(r.plan, o.partition.Index, func(t *status.Task) {
		t.Phase = status.Running
		t.Epoch++
		t.Committed, t.End = o.stored, o.stored+lag
		if o.store == nil {
			t.LastCommit = commit
			return
		}
		if watermark := o.flow.Watermark(); watermark != record.NoTime {
			t.Watermark = &watermark
		}
		t.StateBytes = o.store.Size()
		if r.changelog != nil {
			t.Changelog = r.changelog.Next(o.partition.Index)
		}
		commit.Bytes = o.logged
		t.LastCommit = commit
	})
}
