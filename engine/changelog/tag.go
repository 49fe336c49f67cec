package changelog

import (
	"encoding/binary"
	"errors"

	"github.com/pyudf/pyudf/engine/state"
)

// Tag is the key of a store below which stands how far it is complete. The engine's other keys begin with other letters.
const Tag = "achangelog"

// Own tells whether a key of a store is the changelog's own.
func Own(key []byte) bool { return string(key) == Tag }

// At returns the offset of the changelog up to which a store is complete, -1 if the store has no tag.
func At(store state.Store) (int64, error) {
	value, ok, err := store.Get([]byte(Tag))
	if err != nil || !ok {
		return -1, err
	}
	next, n := binary.Varint(value)
	if n <= 0 || n != len(value) || next < 0 {
		return -1, errors.New("the tag that says how far a state store is complete is damaged: remove the store, and it is restored from the changelog")
	}
	return next, nil
}

// Mark has changes say that the store is complete, with them, up to an offset of the changelog. REQUIRES: no range that is
// deleted behind it has the tag.
func Mark(changes *state.Changes, next int64) { changes.Set([]byte(Tag), encodeTag(next)) }

func encodeTag(next int64) []byte { return binary.AppendVarint(nil, next) }
