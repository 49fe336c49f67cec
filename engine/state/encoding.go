package state

import (
	"encoding/binary"
	"errors"
)

// Writer takes writes in their order: Changes list them, an Overlay holds them over a store.
type Writer interface {
	Set(key, value []byte)
	Delete(key []byte)
	DeleteRange(from, to []byte)
}

var (
	_ Writer = (*Changes)(nil)
	_ Writer = (*Overlay)(nil)
)

// ErrDamaged says that bytes are not what Append wrote.
var ErrDamaged = errors.New("these are no encoded changes")

// openRange is the kind of a range without an end, where changes are encoded.
const openRange = DeleteRange + 1

// Append appends the changes one after the other: the kind, the key and, where there is one, the value, each with its length.
func (c *Changes) Append(dst []byte) []byte {
	for change := range c.All() {
		kind := change.Kind
		if kind == DeleteRange && change.Value == nil {
			kind = openRange
		}
		dst = appendText(append(dst, byte(kind)), change.Key)
		if kind == Set || kind == DeleteRange {
			dst = appendText(dst, change.Value)
		}
	}
	return dst
}

func appendText(dst, text []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// Decode gives the changes that Append wrote to a writer, which must copy them. After an error it has those before the damage.
func Decode(data []byte, to Writer) error {
	for len(data) > 0 {
		kind := Kind(data[0])
		var key, value []byte
		var ok bool
		if key, data, ok = text(data[1:]); !ok {
			return ErrDamaged
		}
		if kind == Set || kind == DeleteRange {
			if value, data, ok = text(data); !ok {
				return ErrDamaged
			}
		}
		switch kind {
		case Set:
			to.Set(key, value)
		case Delete:
			to.Delete(key)
		case DeleteRange:
			to.DeleteRange(key, value)
		case openRange:
			to.DeleteRange(key, nil)
		default:
			return ErrDamaged
		}
	}
	return nil
}

// text returns the text that data begins with, which is never nil, and what is behind it.
func text(data []byte) (first, rest []byte, ok bool) {
	size, n := binary.Uvarint(data)
	if n <= 0 || size > uint64(len(data)-n) {
		return nil, nil, false
	}
	end := n + int(size) //nolint:gosec // no more than there is
	return data[n:end:end], data[end:], true
}
