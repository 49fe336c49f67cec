package exchange

import (
	"math/bits"

	"github.com/pyudf/pyudf/engine/record"
)

// Cut returns blocks with the same rows in the same order, of which none takes more bytes than allowed; a row that is
// larger is alone in its block. What holds after the rows stands in the last one only: those before it carry the
// watermark before their last row. The blocks share the texts of this one.
func (b *Block) Cut(maxBytes int) []*Block {
	var parts []*Block
	from, size := 0, maxHeader
	for row := range b.Rows() {
		own := b.size(row, row == from)
		if row > from && size+own > maxBytes {
			parts = append(parts, b.part(from, row))
			from, size = row, maxHeader
			own = b.size(row, true)
		}
		size += own
	}
	if from == 0 {
		return []*Block{b}
	}
	last := b.part(from, b.Rows())
	last.Watermark, last.Idle, last.Ended = b.Watermark, b.Idle, b.Ended
	return append(parts, last)
}

// size returns the bytes that a row takes, at most; the first of a block has none before it.
func (b *Block) size(row int, first bool) int {
	key, value := length(&b.Keys, row), length(&b.Values, row)
	size := key + value + width(uint64(key)+1) + width(uint64(value)+1)
	if first {
		return size + 3*maxNumber
	}
	for _, column := range [...][]int64{b.Times, b.Watermarks, b.Offsets} {
		size += width(zigzag(column[row] - column[row-1]))
	}
	return size
}

func length(texts *record.Arena, i int) int {
	if i == 0 {
		return int(texts.Ends[0])
	}
	return int(texts.Ends[i] - texts.Ends[i-1])
}

// width returns the bytes that a number takes.
func width(n uint64) int { return (bits.Len64(n|1) + 6) / 7 }

// part returns the rows from..to, with the watermark before the last. REQUIRES: from < to.
func (b *Block) part(from, to int) *Block {
	return &Block{
		Input:      b.Input,
		Keys:       texts(&b.Keys, from, to),
		Values:     texts(&b.Values, from, to),
		Times:      b.Times[from:to:to],
		Watermarks: b.Watermarks[from:to:to],
		Offsets:    b.Offsets[from:to:to],
		Watermark:  b.Watermarks[to-1],
		Partial:    b.Partial,
		Of:         b.Of,
	}
}

func texts(all *record.Arena, from, to int) record.Arena {
	var start int32
	if from > 0 {
		start = all.Ends[from-1]
	}
	end := all.Ends[to-1]
	out := record.Arena{Data: all.Data[start:end:end], Ends: make([]int32, to-from)}
	for i := range out.Ends {
		out.Ends[i] = all.Ends[from+i] - start
	}
	if all.Null != nil {
		out.Null = all.Null[from:to:to]
	}
	return out
}
