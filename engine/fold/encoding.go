package fold

import (
	"encoding/binary"
	"errors"

	"github.com/pyudf/pyudf/engine/aggregate"
)

var errContent = errors.New("the rows of a window are damaged")

// Decode reads what Column.Result gave.
func Decode(data []byte) (Content, error) {
	content, rest, err := decode(data)
	if err == nil && len(rest) > 0 {
		err = errContent
	}
	return content, err
}

func (c *Content) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(c.Lines)))
	for _, line := range c.Lines {
		dst = appendBytes(dst, line.State, line.State == nil)
		dst = binary.AppendUvarint(dst, uint64(len(line.Chunks)))
		for _, chunk := range line.Chunks {
			dst = appendRows(dst, chunk)
		}
	}
	return appendRows(dst, c.Tail)
}

// appendBytes writes the length plus one, 0 for none, and the bytes.
func appendBytes(dst, data []byte, none bool) []byte {
	if none {
		return append(dst, 0)
	}
	return append(binary.AppendUvarint(dst, uint64(len(data))+1), data...)
}

func appendRows(dst []byte, rows []Row) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(rows)))
	for _, row := range rows {
		dst = binary.AppendVarint(dst, row.Stamp.Time)
		dst = binary.AppendVarint(dst, int64(row.Stamp.Input))
		dst = binary.AppendVarint(dst, row.Stamp.Offset)
		dst = appendBytes(dst, row.Text, false)
	}
	return dst
}

// reader reads an encoding; after a fault all it gives is empty.
type reader struct {
	data []byte
	bad  bool
}

func decode(data []byte) (content Content, rest []byte, err error) {
	r := &reader{data: data}
	for range r.count() {
		line := Line{State: r.bytes()}
		for range r.count() {
			line.Chunks = append(line.Chunks, r.rows())
		}
		content.Lines = append(content.Lines, line)
	}
	content.Tail = r.rows()
	if r.bad {
		return Content{}, nil, errContent
	}
	return content, r.data, nil
}

func (r *reader) rows() []Row {
	var rows []Row
	for range r.count() {
		stamp := aggregate.Stamp{Time: r.number(), Input: int32(r.number()), Offset: r.number()} //nolint:gosec // as it was written
		rows = append(rows, Row{stamp, r.bytes()})
	}
	return rows
}

// count reads how many things follow, each of at least a byte.
func (r *reader) count() int {
	n, size := binary.Uvarint(r.data)
	if size <= 0 || n > uint64(len(r.data)) {
		r.fail()
		return 0
	}
	r.data = r.data[size:]
	return int(n) //nolint:gosec // at most the data's length
}

func (r *reader) number() int64 {
	v, size := binary.Varint(r.data)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.data = r.data[size:]
	return v
}

// bytes reads what appendBytes wrote, as a copy.
func (r *reader) bytes() []byte {
	n := r.count()
	if n == 0 {
		return nil
	}
	if n-1 > len(r.data) {
		r.fail()
		return nil
	}
	out := append([]byte{}, r.data[:n-1]...)
	r.data = r.data[n-1:]
	return out
}

func (r *reader) fail() { r.data, r.bad = nil, true }
