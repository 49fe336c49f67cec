package changelog

import (
	"context"
	"errors"
	"fmt"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state"
)

var (
	// ErrGap says that the changelog begins behind what the store has: only a snapshot helps.
	ErrGap = errors.New("records of the changelog that the state needs were deleted")
	// ErrForeign says that the store has more than the changelog.
	ErrForeign = errors.New("the state is not of this changelog")

	errDamaged = errors.New("the record is not what pyudf wrote")
	errVersion = errors.New("the record was written by another version of pyudf: run that version")
	errMissing = errors.New("an epoch is missing before the record")
)

// batchBytes is how much memory changes take that are coalesced before they are applied.
const batchBytes = 64 << 20

// entryBytes is what it costs to hold a change, besides its key and value.
const entryBytes = 96

// RestoreConfig says what to restore.
type RestoreConfig struct {
	Partition record.Partition
	Store     state.Store
	// From is the offset up to which the store is complete, as At returns it; -1: the store is empty.
	From int64
	// BatchBytes is how much memory changes take, roughly, that are coalesced before they are applied; 0: 64 MB.
	BatchBytes int
	// Progress is told how many offsets were read, of how many there are; nil: nobody asks.
	Progress func(done, total int64)
}

// Result is what a restore did.
type Result struct {
	// Next is the offset up to which the store is complete now.
	Next int64
	// Records and Bytes were read.
	Records, Bytes int64
}

// Restore applies what the changelog has behind From, whole epochs only. What is applied at once carries its tag, so
// that a restore that was broken off, also by ErrGap, goes on there. After ErrForeign the store is as it was.
func Restore(ctx context.Context, log Log, config RestoreConfig) (Result, error) {
	low, end, err := log.Bounds(ctx, config.Partition)
	if err != nil {
		return Result{}, fmt.Errorf("find out how long the changelog of %s is: %w", place(config.Partition), err)
	}
	if config.BatchBytes == 0 {
		config.BatchBytes = batchBytes
	}
	from := max(config.From, 0)
	switch {
	case from < low:
		return Result{}, fmt.Errorf("%w: the changelog of %s begins at offset %d, and the state is complete up to %d; restore a snapshot first",
			ErrGap, place(config.Partition), low, from)
	case from > end:
		return Result{}, fmt.Errorf("%w: the changelog of %s ends at offset %d, and the state is complete up to %d; the topic was made anew: "+
			"remove the state, or begin anew with another --group", ErrForeign, place(config.Partition), end, from)
	}
	if config.From == end {
		return Result{Next: from}, nil
	}
	r := &restore{config: config, overlay: state.NewOverlay(config.Store), edge: from, tagged: config.From, end: end, superseded: map[[idBytes]byte]bool{}}
	next, err := log.Read(ctx, config.Partition, from, r.take)
	if err != nil {
		return r.result, fmt.Errorf("restore the state from the changelog of %s: %w", place(config.Partition), err)
	}
	if !r.collects {
		r.edge = next
	}
	return r.finish()
}

func place(p record.Partition) string { return fmt.Sprintf("%s [%d]", p.Topic, p.Index) }

// restore is a restore under way.
type restore struct {
	config  RestoreConfig
	overlay *state.Overlay
	// edge is the offset behind the last whole epoch; tagged is that of the store.
	edge, tagged int64
	end          int64
	result       Result

	// writer is who wrote the latest epoch, and epoch its number, if known. What writers before still wrote is void, as the
	// state that came after it did not have it.
	writer     [idBytes]byte
	epoch      uint64
	known      bool
	superseded map[[idBytes]byte]bool

	// collects tells that the first pieces of the epoch are there, but not the last; pending has their bytes.
	collects bool
	pieces   uint64
	pending  []byte
}

// take is called with each record.
func (r *restore) take(next int64, value []byte) error {
	r.result.Records++
	r.result.Bytes += int64(len(value))
	p, err := parse(value)
	if err == nil {
		err = r.piece(p, next)
	}
	if err != nil {
		return fmt.Errorf("offset %d: %w", next-1, err)
	}
	if r.config.Progress != nil {
		from := max(r.config.From, 0)
		r.config.Progress(next-from, max(r.end, next)-from)
	}
	if r.overlay.Bytes()+entryBytes*r.overlay.Len() < r.config.BatchBytes {
		return nil
	}
	return r.apply()
}

// piece adds a piece to its epoch, which is decoded when it is whole.
func (r *restore) piece(p piece, next int64) error {
	wanted, err := r.wants(p)
	if err != nil || !wanted {
		return err
	}
	stream := p.bytes
	if p.number > 0 || !p.last {
		r.pending = append(r.pending, p.bytes...)
		stream = r.pending
	}
	r.collects, r.pieces = !p.last, p.number+1
	if !p.last {
		return nil
	}
	if err := state.Decode(stream, r.overlay); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	r.drop()
	r.epoch, r.edge = p.epoch+1, next
	return nil
}

// wants tells whether a piece is the next of the epoch that is collected, or the first of the one after.
func (r *restore) wants(p piece) (bool, error) {
	if r.superseded[p.writer] {
		return false, nil
	}
	if p.number > 0 {
		return r.collects && p.writer == r.writer && p.epoch == r.epoch && p.number == r.pieces, nil
	}
	switch {
	case r.known && p.writer != r.writer:
		r.superseded[r.writer] = true
	case r.known && p.epoch < r.epoch:
		return false, nil // again what is there already
	case r.known && p.epoch > r.epoch:
		return false, fmt.Errorf("%w: it is of epoch %d, and epoch %d is not there", errMissing, p.epoch, r.epoch)
	}
	r.writer, r.epoch, r.known = p.writer, p.epoch, true
	r.drop()
	return true, nil
}

// drop forgets the pieces of an epoch.
func (r *restore) drop() {
	r.collects, r.pieces, r.pending = false, 0, r.pending[:0]
	if cap(r.pending) > kept {
		r.pending = nil
	}
}

// apply makes the changes of whole epochs, together with their tag.
func (r *restore) apply() error {
	r.overlay.Set([]byte(Tag), encodeTag(r.edge)) // lies over a range that has it
	if err := r.overlay.Commit(); err != nil {
		return err
	}
	r.tagged = r.edge
	return nil
}

func (r *restore) finish() (Result, error) {
	if r.overlay.Len() > 0 || r.tagged != r.edge {
		if err := r.apply(); err != nil {
			return r.result, fmt.Errorf("apply the changelog of %s: %w", place(r.config.Partition), err)
		}
	}
	r.result.Next = r.edge
	return r.result, nil
}
