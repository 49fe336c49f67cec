package aggregate

import (
	"encoding/binary"
	"math"
)

func appendFloat(dst []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
}

func appendText(dst, text []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// decoder reads values from the front of bytes. After the first that is not there, bad is set and all are zero.
type decoder struct {
	rest []byte
	bad  bool
}

// end returns what was not read, or an error if anything was missing.
func (d *decoder) end() ([]byte, error) {
	if d.bad {
		return nil, errCorrupt
	}
	return d.rest, nil
}

func (d *decoder) fail() {
	d.bad = true
	d.rest = nil
}

func (d *decoder) byte() byte {
	if text := d.take(1); text != nil {
		return text[0]
	}
	return 0
}

// flag reads a truth value, as numeral writes it.
func (d *decoder) flag() bool {
	v := d.byte()
	if v > 1 {
		d.fail()
	}
	return v == 1
}

// numeral is 1 for what is true and 0 for what is not.
func numeral(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// take returns the next n bytes, nil if there are fewer.
func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.rest) {
		d.fail()
		return nil
	}
	text := d.rest[:n:n]
	d.rest = d.rest[n:]
	return text
}

func (d *decoder) uint64() uint64 {
	if text := d.take(8); text != nil {
		return binary.LittleEndian.Uint64(text)
	}
	return 0
}

// number reads a float that is not NaN.
func (d *decoder) number() float64 {
	v := math.Float64frombits(d.uint64())
	if math.IsNaN(v) {
		d.fail()
		return 0
	}
	return v
}

// finite reads a float that is neither NaN nor infinite.
func (d *decoder) finite() float64 {
	v := d.number()
	if math.IsInf(v, 0) {
		d.fail()
		return 0
	}
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// count reads a number that is not negative.
func (d *decoder) count() int64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || v > math.MaxInt64 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return int64(v)
}

// length reads a number of things of which each takes at least size bytes, so that nobody makes room for more than are there.
func (d *decoder) length(size int) int {
	n := d.count()
	if n > int64(len(d.rest)/size) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) text() []byte { return d.take(d.length(1)) }
