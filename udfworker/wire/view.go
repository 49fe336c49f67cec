package wire

import (
	"encoding/binary"
	"unsafe"
)

// number is what travels in a buffer of fixed-width values.
type number interface{ int32 | int64 | float64 }

// viewOf returns little-endian bytes as values. Where the host allows it, the values are the bytes: they live and
// change with them, so the caller must own both. Bytes after the last whole value are left out.
func viewOf[T number](encoded []byte) []T {
	var zero T
	n := len(encoded) / int(unsafe.Sizeof(zero))
	if n == 0 {
		return nil
	}
	first := unsafe.Pointer(unsafe.SliceData(encoded))
	if littleEndian() && uintptr(first)%unsafe.Alignof(zero) == 0 {
		return unsafe.Slice((*T)(first), n)
	}
	return decode[T](encoded, n)
}

// bytesOf returns values as little-endian bytes, under the same terms as viewOf.
func bytesOf[T number](values []T) []byte {
	if len(values) == 0 {
		return nil
	}
	if littleEndian() {
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(values[0])))
	}
	return encode(values)
}

func decode[T number](encoded []byte, n int) []T {
	values := make([]T, n)
	if _, err := binary.Decode(encoded, binary.LittleEndian, values); err != nil {
		panic(err) // n values of fixed width always fit
	}
	return values
}

func encode[T number](values []T) []byte {
	encoded, err := binary.Append(nil, binary.LittleEndian, values)
	if err != nil {
		panic(err) // numbers of fixed width always encode
	}
	return encoded
}

func littleEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) == 1 }
