package state

import (
	"iter"
	"slices"
)

// Kind says what a change does.
type Kind uint8

// The kinds of a change.
const (
	Set Kind = iota
	Delete
	DeleteRange
)

// Change is one write. A DeleteRange deletes from Key up to, without, Value; a nil Value is the end of all keys.
type Change struct {
	Kind  Kind
	Key   []byte
	Value []byte
}

// Changes are writes in their order. The zero value is empty.
type Changes struct {
	data   []byte
	writes []write
}

// write is a change whose key is data[:key] from where the one before ended, and its value data[key:value].
type write struct {
	kind       Kind
	open       bool // a range without an end
	key, value int
}

// Set gives a key a value. Both are copied.
func (c *Changes) Set(key, value []byte) { c.add(write{kind: Set}, key, value) }

// Delete removes a key; it need not be there.
func (c *Changes) Delete(key []byte) { c.add(write{kind: Delete}, key, nil) }

// DeleteRange removes all keys from the first up to, without, the last; a nil to is the end of all keys.
func (c *Changes) DeleteRange(from, to []byte) {
	c.add(write{kind: DeleteRange, open: to == nil}, from, to)
}

func (c *Changes) add(w write, key, value []byte) {
	c.data = append(c.data, key...)
	w.key = len(c.data)
	c.data = append(c.data, value...)
	w.value = len(c.data)
	c.writes = append(c.writes, w)
}

// grow makes room for so many more changes whose keys and values take so many bytes.
func (c *Changes) grow(changes, size int) {
	c.data, c.writes = slices.Grow(c.data, size), slices.Grow(c.writes, changes)
}

// All returns the changes in order. Their slices are valid until the next call of another method.
func (c *Changes) All() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		start := 0
		for _, w := range c.writes {
			change := Change{Kind: w.kind, Key: c.data[start:w.key:w.key]}
			if w.kind != Delete && !w.open {
				change.Value = c.data[w.key:w.value:w.value]
			}
			if w.kind == DeleteRange && !w.open && change.Value == nil { // of no bytes: that is not the end of all keys
				change.Value = []byte{}
			}
			if start = w.value; !yield(change) {
				return
			}
		}
	}
}

// Len returns the number of changes.
func (c *Changes) Len() int { return len(c.writes) }

// Bytes returns the bytes that keys and values take.
func (c *Changes) Bytes() int { return len(c.data) }

// kept is the most room that Reset keeps, in bytes of keys and values.
const kept = 1 << 20

// Reset forgets the changes. It keeps their room for the next ones, but not that of many.
func (c *Changes) Reset() {
	if cap(c.data) > kept {
		*c = Changes{}
		return
	}
	c.data, c.writes = c.data[:0], c.writes[:0]
}
