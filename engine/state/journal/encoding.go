package journal

import (
	"encoding/binary"
	"errors"

	"github.com/pyudf/pyudf/engine/state"
)

var errDamaged = errors.New("the journal of the state is damaged")

// openRange is the kind of a range without an end. The others are those of package state.
const openRange = state.DeleteRange + 1

// encode writes changes one after the other: the kind, the key and, where there is one, the value, each with its length.
func encode(changes *state.Changes) []byte {
	out := make([]byte, 0, changes.Bytes()+8*changes.Len())
	for change := range changes.All() {
		kind := change.Kind
		if kind == state.DeleteRange && change.Value == nil {
			kind = openRange
		}
		out = appendText(append(out, byte(kind)), change.Key)
		if kind == state.Set || kind == state.DeleteRange {
			out = appendText(out, change.Value)
		}
	}
	return out
}

func appendText(dst, text []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// decode adds encoded changes.
func decode(data []byte, to *state.Changes) error {
	for len(data) > 0 {
		kind := state.Kind(data[0])
		var key, value []byte
		var ok bool
		if key, data, ok = text(data[1:]); !ok {
			return errDamaged
		}
		if kind == state.Set || kind == state.DeleteRange {
			if value, data, ok = text(data); !ok {
				return errDamaged
			}
		}
		switch kind {
		case state.Set:
			to.Set(key, value)
		case state.Delete:
			to.Delete(key)
		case state.DeleteRange:
			to.DeleteRange(key, value)
		case openRange:
			to.DeleteRange(key, nil)
		default:
			return errDamaged
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
