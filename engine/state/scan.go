package state

import (
	"strings"

	"github.com/tidwall/btree"
)

// Scan visits what begins with prefix, in the order of the keys, as Store.Scan does. The visit must not write.
func (o *Overlay) Scan(prefix []byte, visit func(key, value []byte) error) error {
	if o.Len() == 0 {
		return o.store.Scan(prefix, visit)
	}
	o.sort()
	m := &merge{overlay: o, prefix: string(prefix), visit: visit, written: o.order.Iter()}
	m.more = m.written.Seek(m.prefix)
	if err := o.store.Scan(prefix, m.stored); err != nil {
		return err
	}
	for m.reads() {
		if err := m.next(); err != nil {
			return err
		}
	}
	return nil
}

// merge is a scan of what was written and what is stored, side by side.
type merge struct {
	overlay *Overlay
	prefix  string
	visit   func(key, value []byte) error
	written btree.SetIter[string]
	more    bool
	// key is room for the key that is visited.
	key []byte
}

// reads tells whether written stands on a key of the scan.
func (m *merge) reads() bool { return m.more && strings.HasPrefix(m.written.Key(), m.prefix) }

// next visits the written key, unless that is a deletion, and goes on to the one after.
func (m *merge) next() error {
	key := m.written.Key()
	m.more = m.written.Next()
	if w := m.overlay.writes[key]; !w.deleted {
		m.key = append(m.key[:0], key...)
		return m.visit(m.key, w.value)
	}
	return nil
}

// stored takes a key of the store: written keys before it come first, and one that is the same comes instead.
func (m *merge) stored(key, value []byte) error {
	for m.reads() && m.written.Key() <= string(key) {
		same := m.written.Key() == string(key)
		if err := m.next(); err != nil || same {
			return err
		}
	}
	if m.overlay.gone.has(key) {
		return nil
	}
	return m.visit(key, value)
}
