package exchange

import (
	"encoding/binary"
	"slices"

	"github.com/pyudf/pyudf/engine/record"
)

// Block is rows of one input on their way to one partition of the next stage, in order. An input is a partition of the
// stage before. All columns are of the same length.
type Block struct {
	// Input is the number of the input that the rows come from, not negative.
	Input int32
	// Keys are JSON texts and Values JSON objects or, if Partial, encoded partial aggregates.
	Keys, Values record.Arena
	// Times are event times. Watermarks are the input's before each row; math.MinInt64: none yet. Offsets are the rows' in
	// their source, to order rows of the same time.
	Times, Watermarks, Offsets []int64
	// Watermark is the input's after the rows; math.MinInt64: none yet.
	Watermark int64
	// Idle: the input holds nothing back until its next block.
	Idle bool
	// Ended: the input will send nothing any more.
	Ended bool
	// Partial tells that Values are partial aggregates; Of is what the step that they are for calls its state.
	Partial bool
	Of      string
}

// Rows returns the number of rows.
func (b *Block) Rows() int { return len(b.Times) }

// version is the first byte of every block. It changes with the format.
const version = 2

// The second byte of a block.
const (
	flagIdle = 1 << iota
	flagEnded
	flagPartial
	flagsEnd
)

// Bytes around what a row takes: the largest that Append writes before the columns, that a number takes, and the numbers
// of a row, which are at least a byte each.
const (
	maxHeader = 2 + 4*binary.MaxVarintLen64 + maxOf
	maxNumber = binary.MaxVarintLen64
	numbers   = 5
	maxOf     = 64
)

// Append appends the block's bytes: version, flags, input, watermark number of rows, for
// partial aggregates of which step's state they are, then column by column times,
// watermarks and offsets as differences from the row before, the lengths of keys and values plus one (0 is a null), and
// then what these are the lengths of.
func (b *Block) Append(dst []byte) []byte {
	dst = slices.Grow(dst, maxHeader+8*b.Rows()+len(b.Keys.Data)+len(b.Values.Data))
	dst = append(dst, version, b.flags())
	dst = binary.AppendUvarint(dst, uint64(b.Input))
	dst = binary.AppendVarint(dst, b.Watermark)
	dst = binary.AppendUvarint(dst, uint64(b.Rows()))
	if b.Partial {
		dst = binary.AppendUvarint(dst, uint64(len(b.Of)))
		dst = append(dst, b.Of...)
	}
	for _, column := range [...][]int64{b.Times, b.Watermarks, b.Offsets} {
		dst = appendDeltas(dst, column)
	}
	dst = appendLengths(dst, &b.Keys)
	dst = appendLengths(dst, &b.Values)
	dst = append(dst, b.Keys.Data...)
	return append(dst, b.Values.Data...)
}

func (b *Block) flags() (flags byte) {
	if b.Idle {
		flags |= flagIdle
	}
	if b.Ended {
		flags |= flagEnded
	}
	if b.Partial {
		flags |= flagPartial
	}
	return flags
}

// appendDeltas writes what each number is more than the one before, the first more than 0. It may wrap, and then it
// wraps back when it is read.
func appendDeltas(dst []byte, column []int64) []byte {
	var before int64
	for _, number := range column {
		if u := zigzag(number - before); u < 0x80 {
			dst = append(dst, byte(u))
		} else {
			dst = binary.AppendUvarint(dst, u)
		}
		before = number
	}
	return dst
}

func appendLengths(dst []byte, texts *record.Arena) []byte {
	var start int32
	for i, end := range texts.Ends {
		length := uint64(end-start) + 1
		if texts.IsNull(i) {
			length = 0
		}
		if length < 0x80 {
			dst = append(dst, byte(length))
		} else {
			dst = binary.AppendUvarint(dst, length)
		}
		start = end
	}
	return dst
}

func zigzag(n int64) uint64 { return uint64(n)<<1 ^ uint64(n>>63) }

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }
