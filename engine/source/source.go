package source

import (
	"context"

	"github.com/pyudf/pyudf/engine/record"
)

// Source hands out records of the partitions that this process owns. One goroutine calls it, except for Committed and Close.
type Source interface {
	// Poll waits for something to happen and returns it. It returns ctx.Err() if ctx ends first. Any other error
	// is final. A source that lost its broker goes on waiting and reports it through its logger.
	Poll(ctx context.Context) (Event, error)
	// Committed returns the position that is stored for a partition, -1 if there is none. While a transaction is open that
	// may store another, it waits. Any goroutine may call it.
	Committed(ctx context.Context, partition record.Partition) (int64, error)
	// Begin has Poll give the records of an assigned partition from an offset on; -1: from where the source begins if
	// nothing was committed. It returns the offset that it begins at.
	Begin(ctx context.Context, partition record.Partition, from int64) (int64, error)
	// Release gives partitions up, after the Revoked or Lost that named them. Nothing of them comes from Poll afterwards.
	Release(partitions []record.Partition) error
	// Commit stores positions as done, so that the next run goes on there.
	Commit(ctx context.Context, positions []record.Position) error
	// Close leaves the group and frees everything. Positions that were not committed are forgotten.
	Close() error
}

// Event is what Poll returns: *record.Batch in Records, or partitions that come, go or have come to their end.
// Exactly one field is set.
type Event struct {
	Records *record.Batch
	// Assigned are partitions that this process now owns. Their records come after Begin.
	Assigned []record.Partition
	// Revoked are partitions to finish, commit and Release.
	Revoked []record.Partition
	// Lost are partitions that another process owns already: they must not be committed. Release them too.
	Lost []record.Partition
	// CaughtUp are partitions that have nothing more to give for now.
	CaughtUp []record.Partition
	// Ended are partitions of a bounded run that gave their last record.
	Ended []record.Partition
	// Idle is set if nothing happened for a while.
	Idle bool
}

// Finisher is a source that can be told to end where its partitions end now. Finish may be called from any goroutine.
type Finisher interface{ Finish() }

// Leaver is a source that a group would wait for if it did not say that it does not come back. Leave is called before Close.
type Leaver interface{ Leave() }

// Stayer is a source that can stay in its group for who opens it next in this process. Stay is called before Close.
type Stayer interface{ Stay() }

// Identifier is a source whose records may be others in another run, though it has the same name. Identity returns what tells
// the one from the other.
type Identifier interface{ Identity() string }

// Noter is a source that stores a note with each position, for who reads there next. Any goroutine may call it.
type Noter interface {
	// Note has all positions that are stored from now on carry a note.
	Note(note string)
	// Noted returns the note of the position of a partition that Committed returned last; empty if there is none.
	Noted(partition record.Partition) string
}

// Resume tells where a partition goes on: at the position that its state reflects. committed is the position that the
// source knows of, -1 if there is none; so is the answer if the source shall begin where it begins without one. An error
// ends the run: it says what the user has to mend.
type Resume func(partition record.Partition, committed int64) (int64, error)
