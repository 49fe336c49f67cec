package aggregate

import (
	"encoding/binary"
	"slices"

	"github.com/axiomhq/hyperloglog"
	"github.com/cespare/xxhash/v2"

	"github.com/pyudf/pyudf/engine/record"
)

// distinct counts distinct values by their hashes: all of them up to exactDistinct, and in a sketch beyond. A sketch
// depends on the set of values only, and so does when there is one.
type distinct struct {
	cells []seen
	// text is where a value is spelled.
	text []byte
}

const (
	exactDistinct = 1024
	precision     = 14
	registers     = 1 << precision
)

// seen has the hashes, ascending, or a sketch.
type seen struct {
	hashes []uint64
	sketch *hyperloglog.Sketch
}

func (c *distinct) Grow(cells int) { c.cells = grow(c.cells, cells) }

func (c *distinct) Add(cell int32, values *record.Column, row int, _ Stamp) {
	if missing(values, row) {
		return
	}
	c.text = appendCanonical(c.text[:0], values, row)
	c.cells[cell].add(xxhash.Sum64(c.text))
}

func (s *seen) add(hash uint64) {
	if s.sketch != nil {
		s.sketch.InsertHash(hash)
		return
	}
	i, found := slices.BinarySearch(s.hashes, hash)
	if found {
		return
	}
	if s.hashes = slices.Insert(s.hashes, i, hash); len(s.hashes) > exactDistinct {
		s.estimate()
	}
}

func (s *seen) estimate() {
	s.sketch = hyperloglog.NewNoSparse()
	for _, hash := range s.hashes {
		s.sketch.InsertHash(hash)
	}
	s.hashes = nil
}

func (c *distinct) Merge(into, from int32) {
	sum, part := &c.cells[into], &c.cells[from]
	if part.sketch != nil {
		if sum.sketch == nil {
			sum.estimate()
		}
		_ = sum.sketch.Merge(part.sketch) // all sketches are of one precision
		return
	}
	for _, hash := range part.hashes {
		sum.add(hash)
	}
}

func (c *distinct) Clear(cell int32) { c.cells[cell] = seen{} }

func (c *distinct) Result(cell int32, out *record.Builder) {
	if s := &c.cells[cell]; s.sketch != nil {
		out.Int(int64(s.sketch.Estimate()))
	} else {
		out.Int(int64(len(s.hashes)))
	}
}

// Append writes the number of hashes and the hashes, or a number beyond exactDistinct and the sketch.
func (c *distinct) Append(dst []byte, cell int32) []byte {
	s := &c.cells[cell]
	if s.sketch != nil {
		dst = binary.AppendUvarint(dst, exactDistinct+1)
		dst, _ = s.sketch.AppendBinary(dst) // a dense sketch has no error
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.hashes)))
	for _, hash := range s.hashes {
		dst = binary.LittleEndian.AppendUint64(dst, hash)
	}
	return dst
}

func (c *distinct) Load(cell int32, data []byte) ([]byte, error) {
	c.Clear(cell)
	d := decoder{rest: data}
	var s seen
	if n := d.count(); n > exactDistinct {
		s.sketch = d.sketch()
	} else {
		s.hashes = d.hashes(int(n))
	}
	if !d.bad {
		c.cells[cell] = s
	}
	return d.end()
}

// hashes reads n hashes, which must ascend.
func (d *decoder) hashes(n int) []uint64 {
	if n > len(d.rest)/8 {
		d.fail()
		return nil
	}
	hashes := make([]uint64, n)
	for i := range hashes {
		hashes[i] = d.uint64()
		if i > 0 && hashes[i] <= hashes[i-1] {
			d.fail()
			return nil
		}
	}
	return hashes
}

// sketch reads a dense sketch. What stands before the registers is the same in all of them.
func (d *decoder) sketch() *hyperloglog.Sketch {
	const highest = 64 - precision + 1
	sketch := hyperloglog.NewNoSparse()
	empty, _ := sketch.AppendBinary(nil) // a dense sketch has no error
	data := d.take(len(empty))
	header := len(empty) - registers
	if d.bad || !slices.Equal(data[:header], empty[:header]) || slices.Max(data[header:]) > highest {
		d.fail()
		return nil
	}
	if err := sketch.UnmarshalBinary(slices.Clone(data)); err != nil {
		d.fail()
		return nil
	}
	return sketch
}
