package aggregate

import (
	"encoding/binary"
	"math"

	"github.com/pyudf/pyudf/engine/record"
)

type count struct{ cells []int64 }

func (c *count) Grow(cells int) { c.cells = grow(c.cells, cells) }

func (c *count) Add(cell int32, values *record.Column, row int, _ Stamp) {
	if values == nil || !missing(values, row) {
		c.cells[cell]++
	}
}

func (c *count) Merge(into, from int32) { c.cells[into] += c.cells[from] }

func (c *count) Clear(cell int32) { c.cells[cell] = 0 }

func (c *count) Result(cell int32, out *record.Builder) { out.Int(c.cells[cell]) }

func (c *count) Append(dst []byte, cell int32) []byte {
	return binary.AppendUvarint(dst, uint64(c.cells[cell]))
}

func (c *count) Load(cell int32, data []byte) ([]byte, error) {
	d := decoder{rest: data}
	c.cells[cell] = d.count()
	return d.end()
}

// missing tells whether the value of a row is left out: null, or NaN.
func missing(c *record.Column, row int) bool {
	switch {
	case c.IsNull(row):
		return true
	case c.Type == record.Float64:
		return math.IsNaN(c.Floats[row])
	case c.Type == record.Decimal:
		return string(c.Text.At(row)) == "NaN"
	default:
		return false
	}
}
