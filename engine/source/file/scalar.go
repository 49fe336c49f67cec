package file

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/pyudf/pyudf/engine/codec"
)

// leaf returns the shape of a column of scalars: numbers with all their digits, text, moments as ISO 8601 in UTC,
// and binary as base64.
func (s shaper) leaf(column *parquet.Column) (leaf, error) {
	logical := logicalOf(column)
	if _, null := logical.(*format.NullType); null {
		return leaf{func(dst []byte, _ parquet.Value) []byte { return append(dst, "null"...) }}, nil
	}
	if s.halves[column.Index()] {
		return leaf{appendHalf}, nil
	}
	if l, ok := logicalLeaf(column.Type().Kind(), logical); ok {
		return l, nil
	}
	switch kind := column.Type().Kind(); kind {
	case parquet.Boolean:
		return leaf{func(dst []byte, v parquet.Value) []byte { return strconv.AppendBool(dst, v.Boolean()) }}, nil
	case parquet.Int32:
		return leaf{func(dst []byte, v parquet.Value) []byte { return strconv.AppendInt(dst, int64(v.Int32()), 10) }}, nil
	case parquet.Int64:
		return leaf{func(dst []byte, v parquet.Value) []byte { return strconv.AppendInt(dst, v.Int64(), 10) }}, nil
	case parquet.Int96:
		return leaf{appendInt96}, nil
	case parquet.Float:
		return leaf{func(dst []byte, v parquet.Value) []byte { return codec.AppendFloat(dst, float64(v.Float())) }}, nil
	case parquet.Double:
		return leaf{func(dst []byte, v parquet.Value) []byte { return codec.AppendFloat(dst, v.Double()) }}, nil
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return leaf{appendBinary}, nil
	default:
		return leaf{}, fmt.Errorf("its type %v is none that this version reads", column.Type())
	}
}

// logicalLeaf returns the shape of what a physical type stands for; not ok: for itself.
func logicalLeaf(kind parquet.Kind, logical format.LogicalTypeValue) (l leaf, ok bool) {
	switch logical := logical.(type) {
	case *format.StringType, *format.EnumType:
		return leaf{appendText}, true
	case *format.JsonType:
		return leaf{appendJSON}, true
	case *format.UUIDType:
		return leaf{appendUUID}, true
	case *format.IntType:
		return unsigned(kind, logical)
	case *format.DateType:
		return leaf{func(dst []byte, v parquet.Value) []byte {
			return appendMoment(dst, time.Unix(int64(v.Int32())*24*60*60, 0), time.DateOnly)
		}}, true
	case *format.TimestampType:
		unit := unitOf(logical.Unit)
		return leaf{func(dst []byte, v parquet.Value) []byte {
			return appendMoment(dst, moment(v.Int64(), unit), time.RFC3339Nano)
		}}, true
	case *format.TimeType:
		unit := unitOf(logical.Unit)
		return leaf{func(dst []byte, v parquet.Value) []byte {
			return appendMoment(dst, moment(integer(kind, v), unit), "15:04:05.999999999")
		}}, true
	case *format.DecimalType:
		scale := int(logical.Scale)
		return leaf{func(dst []byte, v parquet.Value) []byte { return appendDecimal(dst, kind, v, scale) }}, true
	default:
		return leaf{}, false
	}
}

func unsigned(kind parquet.Kind, logical *format.IntType) (l leaf, ok bool) {
	if logical.IsSigned {
		return leaf{}, false
	}
	if kind == parquet.Int32 {
		return leaf{func(dst []byte, v parquet.Value) []byte { return strconv.AppendUint(dst, uint64(v.Uint32()), 10) }}, true
	}
	return leaf{func(dst []byte, v parquet.Value) []byte { return strconv.AppendUint(dst, v.Uint64(), 10) }}, true
}

func integer(kind parquet.Kind, v parquet.Value) int64 {
	if kind == parquet.Int32 {
		return int64(v.Int32())
	}
	return v.Int64()
}

// unitOf returns how many of the unit make a second.
func unitOf(unit format.TimeUnit) int64 {
	switch unit.Value.(type) {
	case *format.MilliSeconds:
		return 1e3
	case *format.MicroSeconds:
		return 1e6
	default:
		return 1e9
	}
}

func moment(count, perSecond int64) time.Time {
	seconds := count / perSecond
	return time.Unix(seconds, (count-seconds*perSecond)*(1e9/perSecond))
}

func appendMoment(dst []byte, at time.Time, layout string) []byte {
	return append(at.UTC().AppendFormat(append(dst, '"'), layout), '"')
}

// appendInt96 writes the timestamp of Impala and old Spark: nanoseconds of the day, then the Julian day.
func appendInt96(dst []byte, v parquet.Value) []byte {
	const epoch = 2440588 // the Julian day of 1970-01-01
	words := v.Int96()
	nanos := int64(uint64(words[1])<<32 | uint64(words[0]))
	return appendMoment(dst, time.Unix((int64(words[2])-epoch)*24*60*60, nanos), time.RFC3339Nano)
}

// appendText writes a string. Bytes that are not UTF-8, which the format forbids, become U+FFFD.
func appendText(dst []byte, v parquet.Value) []byte { return codec.AppendString(dst, v.ByteArray()) }

func appendJSON(dst []byte, v parquet.Value) []byte {
	if text := v.ByteArray(); utf8.Valid(text) && json.Valid(text) {
		return append(dst, text...)
	}
	return appendText(dst, v)
}

// appendHalf writes a 16-bit float: a sign, 5 bits of exponent and 10 of fraction.
func appendHalf(dst []byte, v parquet.Value) []byte {
	bits := binary.LittleEndian.Uint16(v.ByteArray())
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	var value float64
	switch exponent {
	case 0:
		value = math.Ldexp(fraction, -24)
	case 0x1f:
		value = math.NaN() // or an infinity: both are null
	default:
		value = math.Ldexp(1024+fraction, exponent-25)
	}
	if bits>>15 == 1 {
		value = -value
	}
	return codec.AppendFloat(dst, value)
}

func appendBinary(dst []byte, v parquet.Value) []byte {
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), v.ByteArray()), '"')
}

func appendUUID(dst []byte, v parquet.Value) []byte {
	dst, id := append(dst, '"'), v.ByteArray()
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return append(dst, '"')
}

// appendDecimal writes unscaled * 10^-scale, with scale digits after the point.
func appendDecimal(dst []byte, kind parquet.Kind, v parquet.Value, scale int) []byte {
	var digits []byte
	if kind == parquet.ByteArray || kind == parquet.FixedLenByteArray {
		digits = twosComplement(v.ByteArray()).Append(nil, 10)
	} else {
		digits = strconv.AppendInt(nil, integer(kind, v), 10)
	}
	if digits[0] == '-' {
		dst, digits = append(dst, '-'), digits[1:]
	}
	for len(digits) <= scale {
		digits = append([]byte{'0'}, digits...)
	}
	point := len(digits) - scale
	dst = append(dst, digits[:point]...)
	if scale > 0 {
		dst = append(append(dst, '.'), digits[point:]...)
	}
	return dst
}

func twosComplement(bytes []byte) *big.Int {
	n := new(big.Int).SetBytes(bytes)
	if len(bytes) > 0 && bytes[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(bytes))*8))
	}
	return n
}
