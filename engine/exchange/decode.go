package exchange

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/pyudf/pyudf/engine/record"
)

// Decode reads a block. Keys and values point into data. Any bytes give an error or a valid block.
func Decode(data []byte) (*Block, error) {
	if len(data) < 2 {
		return nil, foreign(len(data), errShort)
	}
	if data[0] != version {
		return nil, fmt.Errorf("a block of the version %d, and this pyudf reads version %d: run the same version in all processes of the app; "+
			"if all do, something else writes to the repartition topic", data[0], version)
	}
	d := &decoder{data: data, at: 2}
	block := d.block(data[1])
	if d.err != nil {
		return nil, foreign(d.at, d.err)
	}
	return block, nil
}

var (
	errShort  = errors.New("it ends too early")
	errLong   = errors.New("it does not end where it should")
	errNumber = errors.New("a number is out of its range")
)

func foreign(at int, err error) error {
	return fmt.Errorf("a block is damaged at byte %d: %w; make sure that nothing but this app writes to the repartition topic", at, err)
}

// decoder stands at a byte of a block. After the first error it reads zeros.
type decoder struct {
	data []byte
	at   int
	err  error
}

func (d *decoder) block(flags byte) *Block {
	b := &Block{Idle: flags&flagIdle != 0, Ended: flags&flagEnded != 0, Partial: flags&flagPartial != 0}
	if flags >= flagsEnd {
		d.fail(errNumber)
	}
	b.Input = int32(d.atMost(math.MaxInt32))
	b.Watermark = unzigzag(d.number())
	rows := d.rows()
	if b.Partial {
		b.Of = d.name()
	}
	columns := make([]int64, 3*rows)
	b.Times, b.Watermarks, b.Offsets = columns[:rows:rows], columns[rows:2*rows:2*rows], columns[2*rows:]
	d.deltas(columns[:rows])
	d.deltas(columns[rows : 2*rows])
	d.deltas(columns[2*rows:])
	d.lengths(&b.Keys, rows)
	d.lengths(&b.Values, rows)
	d.texts(&b.Keys)
	d.texts(&b.Values)
	if d.err == nil && d.at != len(d.data) {
		d.fail(errLong)
	}
	return b
}

// rows reads the number of rows, no more than there can be.
func (d *decoder) rows() int {
	rows := d.number()
	if rows > uint64(len(d.data)-d.at)/numbers {
		d.fail(errShort)
		return 0
	}
	return int(rows)
}

// name reads of what the rows are.
func (d *decoder) name() string {
	n := int(d.atMost(maxOf)) //nolint:gosec // it is at most that
	if n > len(d.data)-d.at {
		d.fail(errShort)
		return ""
	}
	d.at += n
	return string(d.data[d.at-n : d.at])
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *decoder) atMost(limit uint64) uint64 {
	n := d.number()
	if n > limit {
		d.fail(errNumber)
		return 0
	}
	return n
}

func (d *decoder) number() uint64 {
	if d.err != nil {
		return 0
	}
	n, size := binary.Uvarint(d.data[d.at:])
	switch {
	case size == 0:
		d.fail(errShort)
	case size < 0:
		d.fail(errNumber)
	default:
		d.at += size
		return n
	}
	return 0
}

// short reads a number of one byte or two, as most are; else size is 0. It is small enough to be inlined.
func short(data []byte) (n uint64, size int) {
	if len(data) < 2 {
		return 0, 0
	}
	if data[0] < 0x80 {
		return uint64(data[0]), 1
	}
	if data[1] < 0x80 {
		return uint64(data[0]&0x7f) | uint64(data[1])<<7, 2
	}
	return 0, 0
}

func (d *decoder) deltas(column []int64) {
	var before int64
	data := d.data[d.at:]
	for i := range column {
		n, size := short(data)
		if size == 0 {
			n, size = d.long(data)
		}
		data = data[size:]
		before += unzigzag(n)
		column[i] = before
	}
	d.at = len(d.data) - len(data)
}

// long reads any number at the start of data, which ends where the block does.
func (d *decoder) long(data []byte) (n uint64, size int) {
	d.at = len(d.data) - len(data)
	before := d.at
	n = d.number()
	return n, d.at - before
}

// lengths reads where each text ends. Each is checked here, so that no sum overflows, and the sum by texts.
func (d *decoder) lengths(texts *record.Arena, rows int) {
	texts.Ends = make([]int32, rows)
	data, end, limit := d.data[d.at:], 0, min(len(d.data), record.MaxArena)
	for i := range texts.Ends {
		length, size := short(data)
		if size == 0 {
			length, size = d.long(data)
		}
		data = data[size:]
		switch {
		case length == 0:
			texts.Null = nullAt(texts.Null, rows, i)
		case length-1 > uint64(limit-end):
			d.fail(errShort)
		default:
			end += int(length - 1)
		}
		texts.Ends[i] = int32(end)
	}
	d.at = len(d.data) - len(data)
}

func nullAt(null []bool, rows, i int) []bool {
	if null == nil {
		null = make([]bool, rows)
	}
	null[i] = true
	return null
}

// texts takes the bytes that the lengths speak of.
func (d *decoder) texts(texts *record.Arena) {
	size := 0
	if n := len(texts.Ends); n > 0 {
		size = int(texts.Ends[n-1])
	}
	if d.err != nil || size > len(d.data)-d.at {
		d.fail(errShort)
		return
	}
	texts.Data = d.data[d.at : d.at+size : d.at+size]
	d.at += size
}
