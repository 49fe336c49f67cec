package state

import (
	"bytes"
	"iter"
	"maps"
	"slices"

	"github.com/tidwall/btree"
)

// Overlay is a store as it will be when the open epoch is committed: the writes of the epoch, coalesced by key, lie over it.
// One goroutine calls it, and nobody else writes to the store meanwhile.
type Overlay struct {
	store  Store
	writes map[string]pending
	// order holds the keys of writes in their order. It is nil until an epoch scans: most never do.
	order *btree.Set[string]
	// gone are ranges deleted in this epoch. A key of writes was written after the range that it lies in.
	gone    ranges
	bytes   int
	changes Changes
}

// pending is a value that is not committed yet. It is never changed once it is there.
type pending struct {
	value   []byte
	deleted bool
}

// NewOverlay returns an overlay without writes.
func NewOverlay(store Store) *Overlay {
	return &Overlay{store: store, writes: map[string]pending{}}
}

// Get returns a key's value, which must not be changed; ok is false if there is none.
func (o *Overlay) Get(key []byte) (value []byte, ok bool, err error) {
	if w, ok := o.writes[string(key)]; ok {
		return w.value, !w.deleted, nil
	}
	if o.gone.has(key) {
		return nil, false, nil
	}
	return o.store.Get(key)
}

// Set gives a key a value. Both are copied.
func (o *Overlay) Set(key, value []byte) {
	o.write(key, pending{value: append(make([]byte, 0, len(value)), value...)})
}

// Delete removes a key; it need not be there.
func (o *Overlay) Delete(key []byte) { o.write(key, pending{deleted: true}) }

func (o *Overlay) write(key []byte, w pending) {
	if old, ok := o.writes[string(key)]; ok {
		o.bytes -= len(old.value)
	} else {
		o.bytes += len(key)
		if o.order != nil {
			o.order.Insert(string(key))
		}
	}
	o.bytes += len(w.value)
	o.writes[string(key)] = w
}

// DeleteRange removes all keys from the first up to, without, the last; a nil to is the end of all keys.
func (o *Overlay) DeleteRange(from, to []byte) {
	if to != nil && bytes.Compare(from, to) >= 0 {
		return
	}
	for _, key := range o.within(from, to) {
		o.bytes -= len(key) + len(o.writes[key].value)
		delete(o.writes, key)
		o.order.Delete(key)
	}
	o.gone.add(from, to)
}

// within returns the written keys from the first up to, without, the last.
func (o *Overlay) within(from, to []byte) []string {
	var keys []string
	o.sort()
	o.order.Ascend(string(from), func(key string) bool {
		if to != nil && key >= string(to) {
			return false
		}
		keys = append(keys, key)
		return true
	})
	return keys
}

// sort makes sure that the written keys are there in their order.
func (o *Overlay) sort() {
	if o.order != nil {
		return
	}
	o.order = &btree.Set[string]{}
	for key := range o.writes {
		o.order.Insert(key)
	}
}

// Commit applies the writes to the store as one batch. After an error nothing is forgotten.
func (o *Overlay) Commit() error {
	if o.Len() == 0 {
		return nil
	}
	o.Gather(nil)
	return o.Apply()
}

// Gather returns the writes, and those that write adds of keys that the overlay does not have: these need not be coalesced,
// so that they cost less. What it returns is valid until Apply, and more may be added to it.
func (o *Overlay) Gather(write func(*Changes)) *Changes {
	o.changes.Reset()
	if write != nil {
		write(&o.changes)
	}
	o.changes.grow(o.Len(), o.bytes)
	o.gone.each(o.changes.DeleteRange)
	for key := range o.keys() {
		if w := o.writes[key]; w.deleted {
			o.changes.Delete([]byte(key))
		} else {
			o.changes.Set([]byte(key), w.value)
		}
	}
	return &o.changes
}

// Apply applies what Gather returned to the store as one batch, and forgets the writes. After an error nothing is
// forgotten. REQUIRES: nothing was written since Gather.
func (o *Overlay) Apply() error {
	if err := o.store.Apply(&o.changes); err != nil {
		return err
	}
	o.changes.Reset()
	o.Discard()
	return nil
}

// many is from how many keys on it is worth to sort them: a store takes keys in their order several times as fast.
const many = 1 << 10

// keys returns the written keys, in their order if they are many.
func (o *Overlay) keys() iter.Seq[string] {
	if len(o.writes) < many {
		return maps.Keys(o.writes)
	}
	return slices.Values(slices.Sorted(maps.Keys(o.writes)))
}

// Discard forgets the writes.
func (o *Overlay) Discard() {
	clear(o.writes)
	o.order, o.gone, o.bytes = nil, ranges{}, 0
}

// Len returns the number of writes that a commit would apply.
func (o *Overlay) Len() int { return len(o.writes) + o.gone.len() }

// Bytes returns the bytes that the written keys and values take, without what it costs to hold them.
func (o *Overlay) Bytes() int { return o.bytes }
