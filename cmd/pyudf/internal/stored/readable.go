package stored

import (
	"errors"
	"strconv"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/pyudf/pyudf/engine/codec"
)

// readable returns a value of a state as JSON. Most are msgpack; a class with an encoding of its own may write JSON. What
// is neither stays as it is.
func readable(data []byte) []byte {
	text, rest, err := appendPacked(nil, data)
	if err == nil && len(rest) == 0 {
		return text
	}
	return data
}

var errPacked = errors.New("the value is none that JSON has")

// appendPacked appends the msgpack value at the front of data as JSON, and returns what follows it.
func appendPacked(dst, data []byte) (text, rest []byte, err error) {
	switch msgp.NextType(data) {
	case msgp.NilType:
		rest, err = msgp.ReadNilBytes(data)
		return append(dst, "null"...), rest, err
	case msgp.BoolType:
		v, rest, err := msgp.ReadBoolBytes(data)
		return strconv.AppendBool(dst, v), rest, err
	case msgp.IntType:
		v, rest, err := msgp.ReadInt64Bytes(data)
		return strconv.AppendInt(dst, v, 10), rest, err
	case msgp.UintType:
		v, rest, err := msgp.ReadUint64Bytes(data)
		return strconv.AppendUint(dst, v, 10), rest, err
	case msgp.Float32Type, msgp.Float64Type:
		v, rest, err := msgp.ReadFloat64Bytes(data)
		return codec.AppendFloat(dst, v), rest, err
	case msgp.StrType:
		v, rest, err := msgp.ReadStringZC(data)
		return codec.AppendString(dst, v), rest, err
	case msgp.BinType:
		v, rest, err := msgp.ReadBytesZC(data)
		return appendBytes(dst, v), rest, err
	case msgp.TimeType, msgp.ExtensionType: // a short time at the end is not known as one before it is read
		v, rest, err := msgp.ReadTimeBytes(data)
		return codec.AppendString(dst, []byte(v.UTC().Format(time.RFC3339Nano))), rest, err
	case msgp.ArrayType:
		return appendArray(dst, data)
	case msgp.MapType:
		return appendMap(dst, data)
	default:
		return dst, data, errPacked
	}
}

func appendArray(dst, data []byte) ([]byte, []byte, error) {
	size, rest, err := msgp.ReadArrayHeaderBytes(data)
	dst = append(dst, '[')
	for i := uint32(0); i < size && err == nil; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst, rest, err = appendPacked(dst, rest)
	}
	return append(dst, ']'), rest, err
}

// appendMap writes keys that are no strings as strings of their JSON, as Python's json does with numbers.
func appendMap(dst, data []byte) ([]byte, []byte, error) {
	size, rest, err := msgp.ReadMapHeaderBytes(data)
	dst = append(dst, '{')
	for i := uint32(0); i < size && err == nil; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		var name []byte
		if name, rest, err = appendPacked(nil, rest); err != nil {
			break
		}
		if name[0] != '"' {
			name = codec.AppendString(nil, name)
		}
		dst, rest, err = appendPacked(append(append(dst, name...), ':'), rest)
	}
	return append(dst, '}'), rest, err
}
