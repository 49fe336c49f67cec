package engine

import (
	"errors"
	"fmt"

	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state"
)

// Files have no place for positions. So the task of one keeps its position with its state, be there no other, and with that
// in a changelog: what was written, and how far the file was read for it, are in one transaction. A run that comes to its end
// leaves nothing of this, and the next one begins anew.

const (
	// keyFile is the key of a store that says which file its position is of.
	keyFile = "afile"
	// keyEnded is the only key that a run which came to its end leaves, with the run's id.
	keyEnded = "aended"
)

// fromFiles tells whether records come from a file in the end.
func (e *engine) fromFiles(from *plan.Source) bool {
	if from.Hop != nil {
		return e.fromFiles(e.feeder(from.Hop))
	}
	return from.Proto.GetFile() != nil
}

// keeps tells whether the tasks of a source keep anything from batch to batch; lasts whether the next run finds it.
func (e *engine) keeps(from *plan.Source) bool {
	return from.Stateful() || e.config.ResumeFiles && e.fromFiles(from)
}

func (e *engine) lasts(from *plan.Source) bool { return e.config.ResumeFiles || !e.fromFiles(from) }

// together tells whether all readers commit at once: where hops are within the process, and where several files are gone on
// with, as a run of them has one end.
func (e *engine) together() bool {
	return e.config.SingleNode && len(e.plan.Hops) > 0 || e.config.ResumeFiles && len(e.plan.Sources) > 1
}

// errEnded says that an earlier attempt of this run came to its end, though nobody knew whether it was committed.
var errEnded = errors.New("the run has ended")

// errTakenOver says that this process stood still for so long that another one did the rest.
var errTakenOver = errors.New("another process of the group has taken over the run, and has come to its end")

// errOtherFile says that there is no going on with a file.
var errOtherFile = errors.New("the file is not as it was when a run of it was interrupted")

// recall makes sure that a file is the one that its position is of.
func (e *engine) recall(r *reader, from restored) error {
	ended, _, err := from.store.Get([]byte(keyEnded))
	if err != nil {
		return err
	}
	if string(ended) == e.id {
		return errEnded
	}
	if !from.whole && e.past.otherEnd(from.name, string(ended)) {
		return errTakenOver
	}
	if from.position < 0 {
		return nil
	}
	was, _, err := from.store.Get([]byte(keyFile))
	if err != nil {
		return err
	}
	if string(was) != r.identity {
		return fmt.Errorf("%w: %s was read up to row %d; give it back as it was to go on there, "+
			"or begin anew with --reset-state or another --group, and what came of those rows comes again", errOtherFile, r.plan.Name, from.position)
	}
	e.config.Logger.Info("going on where the run before was interrupted", "file", r.plan.Name, "row", from.position)
	return nil
}

// sign adds to the changes of an epoch what they are of. The last epoch of a run leaves nothing else.
func (r *reader) sign(changes *state.Changes, epoch reached) {
	switch {
	case epoch.last:
		changes.DeleteRange(nil, nil)
		changes.Set([]byte(keyEnded), []byte(r.runID))
	case r.identity != "":
		changes.Set([]byte(keyFile), []byte(r.identity))
	}
}

// ending returns the epoch that ends a run whose readers all came to their ends: all tasks are part of it. It is empty if one
// did not, or if the next run does not begin anew.
func ending(readers []*reader) []reached {
	var epoch []reached
	for _, r := range readers {
		if !r.through {
			return nil
		}
		part := reached{reader: r, last: true}
		for _, p := range r.partitions() {
			part.positions = append(part.positions, record.Position{Partition: p, Offset: r.tasks[p].stored})
		}
		epoch = append(epoch, part)
	}
	return epoch
}
