// Package key owns how the key of a record is written inside the engine: a byte that says what it is, then its text. Keys
// are equal if their bytes are, and sort as their texts do.
//
// It knows neither records nor windows. Package step makes keys, and everything that groups by them hands them on.
package key

import (
	"github.com/pyudf/pyudf/engine/codec"
)

// What a key is.
const (
	// raw is the record's own key, bytes that nothing is known of.
	raw = 'b'
	// text is a string's characters.
	text = 's'
	// json is any other JSON value.
	json = 'j'
)

// AppendRaw appends the key of a record as it came.
func AppendRaw(dst, key []byte) []byte { return append(append(dst, raw), key...) }

// AppendText appends a key that is a string.
func AppendText(dst, characters []byte) []byte { return append(append(dst, text), characters...) }

// AppendJSON appends a key that is a JSON value.
func AppendJSON(dst, value []byte) ([]byte, error) {
	if value[0] != '"' {
		return append(append(dst, json), value...), nil
	}
	return codec.AppendUnquoted(append(dst, text), value)
}

// Bytes returns a key as Kafka has it: a string's characters, any other value's JSON.
func Bytes(key []byte) []byte { return key[1:] }

// AppendValue appends a key as JSON. Raw bytes become a string.
func AppendValue(dst, key []byte) []byte {
	if key[0] == json {
		return append(dst, key[1:]...)
	}
	return codec.AppendString(dst, key[1:])
}
