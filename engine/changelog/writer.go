package changelog

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state"
)

// PieceBytes is the most bytes of changes that a record carries. Brokers take twice as many without being told to.
const PieceBytes = 512 << 10

// version is how records are encoded: this byte, the writer's id, the epoch's number, the piece's number with a bit that says
// whether it is the last, and bytes of the changes.
const version = 1

const idBytes = 8

// headBytes is the most that stands before the bytes of the changes.
const headBytes = 1 + idBytes + 2*binary.MaxVarintLen64

// kept is the most room that a writer keeps.
const kept = 1 << 20

// Writer makes records of the changes of one store, as long as a task has it open. After an epoch that was not delivered
// another writer has to go on: numbers that are missing in between are taken for damage.
type Writer struct {
	id    [idBytes]byte
	epoch uint64
	// stream is room for the changes of an epoch.
	stream []byte
}

// NewWriter returns a writer, whose id no other one has.
func NewWriter() *Writer {
	w := &Writer{}
	binary.BigEndian.PutUint64(w.id[:], rand.Uint64())
	return w
}

// Epoch returns the records of an epoch's changes: none if there is nothing that changed. REQUIRES: together they take less
// than record.MaxArena.
func (w *Writer) Epoch(changes *state.Changes, partition int32, now int64) *record.Messages {
	out := &record.Messages{}
	if changes.Len() == 0 {
		return out
	}
	stream := changes.Append(w.stream[:0])
	pieces := (len(stream) + PieceBytes - 1) / PieceBytes
	out.Keys.Grow(pieces, 0)
	out.Values.Grow(pieces, len(stream)+pieces*headBytes)
	for i := range pieces {
		piece := stream[i*PieceBytes : min((i+1)*PieceBytes, len(stream))]
		out.Values.Data = append(w.head(out.Values.Data, i, pieces), piece...)
		out.Values.End(false)
		out.Keys.Append(nil)
		out.Times = append(out.Times, now)
		out.Partitions = append(out.Partitions, partition)
	}
	w.epoch++
	if w.stream = stream; cap(stream) > kept {
		w.stream = nil
	}
	return out
}

func (w *Writer) head(dst []byte, piece, pieces int) []byte {
	dst = append(append(dst, version), w.id[:]...)
	dst = binary.AppendUvarint(dst, w.epoch)
	number := uint64(piece) << 1 //nolint:gosec // not negative
	if piece == pieces-1 {
		number |= 1
	}
	return binary.AppendUvarint(dst, number)
}

// piece is what a record carries.
type piece struct {
	writer [idBytes]byte
	epoch  uint64
	number uint64
	last   bool
	bytes  []byte
}

// parse reads a record, whose bytes the piece points to.
func parse(value []byte) (p piece, err error) {
	if len(value) < 1+idBytes {
		return p, errDamaged
	}
	if value[0] != version {
		return p, errVersion
	}
	copy(p.writer[:], value[1:])
	value = value[1+idBytes:]
	epoch, n := binary.Uvarint(value)
	if n <= 0 {
		return p, errDamaged
	}
	number, m := binary.Uvarint(value[n:])
	if m <= 0 {
		return p, errDamaged
	}
	p.epoch, p.number, p.last, p.bytes = epoch, number>>1, number&1 == 1, value[n+m:]
	return p, nil
}
