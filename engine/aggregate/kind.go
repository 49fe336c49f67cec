package aggregate

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"strconv"
	"time"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/eventtime"
	"github.com/pyudf/pyudf/engine/record"
)

// kind says how values of one type are read, ordered, kept and written.
type kind[T any] struct {
	// read returns the value of a row, false if it is left out. It may point into the column. The row is not null.
	read func(c *record.Column, row int, at Stamp) (T, bool)
	// compare is a total order: values of which it says 0 are the same to the last bit.
	compare func(a, b T) int
	// keep returns a value that does not point into a column.
	keep   func(v T) T
	write  func(out *record.Builder, v T)
	json   func(dst []byte, v T) []byte
	encode func(dst []byte, v T) []byte
	decode func(d *decoder) T
}

func itself[T any](v T) T { return v }

func floats() kind[float64] {
	return kind[float64]{
		read: func(c *record.Column, row int, _ Stamp) (float64, bool) {
			v := c.Floats[row]
			return v, !math.IsNaN(v)
		},
		compare: compareFloats,
		keep:    itself[float64],
		write:   (*record.Builder).Float,
		json:    codec.AppendFloat,
		encode:  appendFloat,
		decode:  (*decoder).number,
	}
}

// compareFloats orders numbers, with -0 before 0. REQUIRES: neither is NaN.
func compareFloats(a, b float64) int { return cmp.Compare(floatKey(a), floatKey(b)) }

func ints() kind[int64] {
	return kind[int64]{
		read:    func(c *record.Column, row int, _ Stamp) (int64, bool) { return c.Ints[row], true },
		compare: cmp.Compare[int64],
		keep:    itself[int64],
		write:   (*record.Builder).Int,
		json:    func(dst []byte, v int64) []byte { return strconv.AppendInt(dst, v, 10) },
		encode:  binary.AppendVarint,
		decode:  (*decoder).varint,
	}
}

func bools() kind[bool] {
	return kind[bool]{
		read: func(c *record.Column, row int, _ Stamp) (bool, bool) { return record.Bit(c.Bools, row), true },
		compare: func(a, b bool) int {
			return cmp.Compare(numeral(a), numeral(b))
		},
		keep:   itself[bool],
		write:  (*record.Builder).Bool,
		json:   strconv.AppendBool,
		encode: func(dst []byte, v bool) []byte { return append(dst, numeral(v)) },
		decode: (*decoder).flag,
	}
}

// texts reads the text of a column of any text type, as it is.
func texts() kind[[]byte] {
	return kind[[]byte]{
		read:    func(c *record.Column, row int, _ Stamp) ([]byte, bool) { return c.Text.At(row), !missing(c, row) },
		compare: bytes.Compare,
		keep:    keepText,
		write:   (*record.Builder).Text,
		json:    func(dst, v []byte) []byte { return append(dst, v...) },
		encode:  appendText,
		decode:  func(d *decoder) []byte { return keepText(d.text()) },
	}
}

// keepText returns a copy. It is never nil, so that an empty text is none that is not there.
func keepText(text []byte) []byte { return append([]byte{}, text...) }

// values reads a column of any type as JSON texts.
func values() kind[[]byte] {
	k := texts()
	k.read = func(c *record.Column, row int, _ Stamp) ([]byte, bool) {
		if missing(c, row) {
			return nil, false
		}
		if c.Type == record.JSON {
			return c.Text.At(row), true
		}
		return codec.AppendValue(nil, c, row), true
	}
	return k
}

// moment is a time with the text that it was read from, which tells one zone from another.
type moment struct {
	at   time.Time
	text []byte
}

func moments() kind[moment] {
	return kind[moment]{
		read: func(c *record.Column, row int, _ Stamp) (moment, bool) { return parse(c.Text.At(row)) },
		compare: func(a, b moment) int {
			return cmp.Or(a.at.Compare(b.at), bytes.Compare(a.text, b.text))
		},
		keep:   func(v moment) moment { return moment{v.at, keepText(v.text)} },
		write:  func(out *record.Builder, v moment) { out.Text(v.text) },
		json:   func(dst []byte, v moment) []byte { return codec.AppendString(dst, v.text) },
		encode: func(dst []byte, v moment) []byte { return appendText(dst, v.text) },
		decode: func(d *decoder) moment {
			v, ok := parse(keepText(d.text()))
			if !ok {
				d.fail()
			}
			return v
		},
	}
}

func parse(text []byte) (moment, bool) {
	at, err := eventtime.Parse(text)
	return moment{at, text}, err == nil
}

// stamped is a value with its place in the order of values.
type stamped[T any] struct {
	at    Stamp
	value T
}

// inOrder makes of a kind one whose order is that of the stamps, and of the values where stamps are equal.
func inOrder[T any](k kind[T]) kind[stamped[T]] {
	return kind[stamped[T]]{
		read: func(c *record.Column, row int, at Stamp) (stamped[T], bool) {
			v, ok := k.read(c, row, at)
			return stamped[T]{at, v}, ok
		},
		compare: func(a, b stamped[T]) int {
			if order := a.at.compare(b.at); order != 0 {
				return order
			}
			return k.compare(a.value, b.value)
		},
		keep:  func(v stamped[T]) stamped[T] { return stamped[T]{v.at, k.keep(v.value)} },
		write: func(out *record.Builder, v stamped[T]) { k.write(out, v.value) },
		json:  func(dst []byte, v stamped[T]) []byte { return k.json(dst, v.value) },
		encode: func(dst []byte, v stamped[T]) []byte {
			return k.encode(appendStamp(dst, v.at), v.value)
		},
		decode: func(d *decoder) stamped[T] {
			at := d.stamp()
			return stamped[T]{at, k.decode(d)}
		},
	}
}

func appendStamp(dst []byte, at Stamp) []byte {
	dst = binary.AppendVarint(dst, at.Time)
	dst = binary.AppendVarint(dst, int64(at.Input))
	return binary.AppendVarint(dst, at.Offset)
}

func (d *decoder) stamp() Stamp {
	at, input, offset := d.varint(), d.varint(), d.varint()
	if input != int64(int32(input)) {
		d.fail()
	}
	return Stamp{at, int32(input), offset}
}
