package window

import (
	"encoding/binary"
	"errors"
)

// Saved is a cell as it was saved.
type Saved struct {
	Key []byte
	// Start and End are the window's bounds; of a session the first and the last record.
	Start, End int64
	// Rows is how many records the cell has taken.
	Rows int64
	// Accumulators are the columns' encodings, one behind the other.
	Accumulators []byte

	flags         flag
	until, offset int64
	input, rev    int32
}

var errState = errors.New("the saved windows are damaged")

// Decode reads what Save gave. The result points into it.
func Decode(data []byte) (Saved, error) {
	size, n := binary.Uvarint(data)
	if n <= 0 || size >= uint64(len(data)-n) {
		return Saved{}, errState
	}
	key, data := data[n:n+int(size)], data[n+int(size):]
	flags := flag(data[0])
	values, data, err := varints(data[1:], 7)
	if err != nil {
		return Saved{}, err
	}
	return Saved{
		Key: key, flags: flags, Start: values[0], End: values[1], until: values[2], offset: values[3],
		Rows: values[4], input: int32(values[5]), rev: int32(values[6]), Accumulators: data,
	}, nil
}

func varints(data []byte, count int) (values []int64, rest []byte, err error) {
	for range count {
		v, n := binary.Varint(data)
		if n <= 0 {
			return nil, nil, errState
		}
		values, data = append(values, v), data[n:]
	}
	return values, data, nil
}
