package aggregate

import (
	"encoding/binary"
	"math"

	"github.com/pyudf/pyudf/engine/record"
)

// extreme is the least or the greatest number of each cell, kept as a key: an integer whose order is that of the
// numbers, or the reverse, so that the greatest key is always the one to keep.
type extreme struct {
	keys []uint64
	full []bool
	typ  record.Type
	// flip is all ones for the least number, and 0 for the greatest.
	flip uint64
}

const signBit = 1 << 63

// newExtreme returns the column of MIN (sign -1) and MAX (1).
func newExtreme(argument record.Type, sign int) Column {
	switch argument {
	case record.Timestamp:
		return &best[moment]{kind: moments(), sign: sign}
	case record.String:
		return &best[[]byte]{kind: texts(), sign: sign}
	default:
		return &extreme{typ: argument, flip: uint64((sign - 1) / 2)}
	}
}

// floatKey has -0 before 0.
func floatKey(v float64) uint64 {
	bits := math.Float64bits(v)
	return bits ^ (uint64(int64(bits)>>63) | signBit)
}

func floatOf(key uint64) float64 {
	return math.Float64frombits(key ^ (uint64(int64(^key)>>63) | signBit))
}

func (c *extreme) Grow(cells int) {
	c.keys = grow(c.keys, cells)
	c.full = grow(c.full, cells)
}

func (c *extreme) Add(cell int32, values *record.Column, row int, _ Stamp) {
	if values.IsNull(row) {
		return
	}
	if c.typ == record.Int64 {
		c.offer(cell, uint64(values.Ints[row])^signBit^c.flip)
	} else if v := values.Floats[row]; v == v { // not NaN
		c.offer(cell, floatKey(v)^c.flip)
	}
}

func (c *extreme) offer(cell int32, key uint64) {
	if key > c.keys[cell] || !c.full[cell] {
		c.keys[cell], c.full[cell] = key, true
	}
}

func (c *extreme) Merge(into, from int32) {
	if c.full[from] {
		c.offer(into, c.keys[from])
	}
}

func (c *extreme) Clear(cell int32) { c.keys[cell], c.full[cell] = 0, false }

func (c *extreme) Result(cell int32, out *record.Builder) {
	switch key := c.keys[cell] ^ c.flip; {
	case !c.full[cell]:
		out.Null()
	case c.typ == record.Int64:
		out.Int(int64(key ^ signBit))
	default:
		out.Float(floatOf(key))
	}
}

func (c *extreme) Append(dst []byte, cell int32) []byte {
	dst = append(dst, numeral(c.full[cell]))
	if c.full[cell] {
		dst = binary.LittleEndian.AppendUint64(dst, c.keys[cell])
	}
	return dst
}

func (c *extreme) Load(cell int32, data []byte) ([]byte, error) {
	c.Clear(cell)
	d := decoder{rest: data}
	if d.flag() {
		key := d.uint64()
		if c.typ == record.Float64 && math.IsNaN(floatOf(key^c.flip)) {
			d.fail()
		}
		if !d.bad {
			c.keys[cell], c.full[cell] = key, true
		}
	}
	return d.end()
}
