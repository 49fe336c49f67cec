package pebblestate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/pyudf/pyudf/engine/state"
)

// Keys of the database begin with what they are.
const (
	layoutKey = 'a' // alone: the version of the layout
	dataKey   = 'd' // with a key of the store behind it
	dataEnd   = 'e'
)

// layout is the version of what a database's keys look like. A store of another version is refused.
const layout = "pyudf state 1"

// store is one database.
type store struct {
	db *pebble.DB
	// lock is held until the database is closed.
	lock *pebble.Lock
	root *Root
	dir  string
	// key and end are room for keys of the database.
	key, end []byte
	// broken is why nothing can be written any more. Such a database is not closed. It is set once.
	broken atomic.Pointer[string]
	closed bool
}

func newStore(db *pebble.DB, root *Root, dir string) *store {
	return &store{db: db, root: root, dir: dir, key: []byte{dataKey}, end: []byte{dataKey}}
}

// checkLayout makes sure that the keys look as this version writes them; a new store is marked so.
func (s *store) checkLayout() error {
	found, closer, err := s.db.Get([]byte{layoutKey})
	if err == nil {
		same := string(found) == layout
		text := fmt.Sprintf("%.40q", found)
		if err := closer.Close(); err != nil || same {
			return err
		}
		return s.foreign("is of the version " + text)
	}
	if !errors.Is(err, pebble.ErrNotFound) {
		return err
	}
	if empty, err := s.empty(); err != nil || !empty {
		return errors.Join(err, s.foreign("holds something else"))
	}
	return s.db.Set([]byte{layoutKey}, []byte(layout), pebble.Sync)
}

func (s *store) foreign(what string) error {
	return fmt.Errorf("the state store %s %s, and this pyudf needs %q: run the version that wrote it, or remove the directory, "+
		"and the app begins without its state", s.dir, what, layout)
}

func (s *store) empty() (bool, error) {
	all, err := s.db.NewIter(nil)
	if err != nil {
		return false, err
	}
	empty := !all.First()
	return empty, all.Close()
}

// Get implements state.Store.
func (s *store) Get(key []byte) (value []byte, ok bool, err error) {
	s.key = append(s.key[:1], key...)
	found, closer, err := s.db.Get(s.key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, s.failed("read", err)
	}
	return bytes.Clone(found), true, closer.Close()
}

// Scan implements state.Store.
func (s *store) Scan(prefix []byte, visit func(key, value []byte) error) error {
	bounds := &pebble.IterOptions{LowerBound: append([]byte{dataKey}, prefix...)}
	bounds.UpperBound = state.After(bounds.LowerBound)
	found, err := s.db.NewIter(bounds)
	if err != nil {
		return s.failed("read", err)
	}
	for ok := found.First(); ok; ok = found.Next() {
		value, err := found.ValueAndErr()
		if err == nil {
			err = visit(found.Key()[1:], value)
		}
		if err != nil {
			return errors.Join(err, found.Close())
		}
	}
	return found.Close()
}

// Apply implements state.Store.
func (s *store) Apply(changes *state.Changes) (err error) {
	if err := s.brokenBy(); err != nil || changes.Len() == 0 {
		return err
	}
	if err := s.root.room(changes.Bytes()); err != nil {
		return err
	}
	defer s.rescue(&err)
	batch := s.db.NewBatchWithSize(changes.Bytes() + 16*changes.Len())
	for change := range changes.All() {
		if err := s.put(batch, change); err != nil {
			return errors.Join(s.failed("write", err), batch.Close())
		}
	}
	if err := batch.Commit(pebble.Sync); err != nil {
		return errors.Join(s.failed("write", err), batch.Close())
	}
	return batch.Close()
}

func (s *store) put(batch *pebble.Batch, change state.Change) error {
	s.key = append(s.key[:1], change.Key...)
	switch change.Kind {
	case state.Set:
		return batch.Set(s.key, change.Value, nil)
	case state.Delete:
		return batch.Delete(s.key, nil)
	default:
		s.end = append(s.end[:1], change.Value...)
		if change.Value == nil {
			return batch.DeleteRange(s.key, []byte{dataEnd}, nil)
		}
		if bytes.Compare(s.key, s.end) >= 0 {
			return nil
		}
		return batch.DeleteRange(s.key, s.end, nil)
	}
}

// rescue makes an error of a panic by which Pebble says that it cannot write. The database is not touched any more: it may
// hold its locks, and on the disk it is as after a crash.
func (s *store) rescue(err *error) {
	what := recover()
	if what == nil {
		return
	}
	reason, ok := what.(error)
	if _, bug := what.(runtime.Error); bug || !ok {
		panic(what)
	}
	why := s.failed("write", reason).Error() + "; make sure that the disk works and has room, and start again: what was committed is safe"
	s.broken.CompareAndSwap(nil, &why)
	*err = s.brokenBy()
}

// brokenBy returns why nothing can be written any more, nil if it can.
func (s *store) brokenBy() error {
	if why := s.broken.Load(); why != nil {
		return fatal{*why}
	}
	return nil
}

func (s *store) failed(what string, err error) error {
	return fmt.Errorf("%s the state store %s: %w", what, s.dir, err)
}

// Size implements state.Store. Files that wait for their removal are not counted, up to three logs among them.
func (s *store) Size() int64 {
	if s.brokenBy() != nil {
		return 0
	}
	metrics := s.db.Metrics()
	return int64(metrics.Table.Local.LiveSize + metrics.WAL.Size)
}

// Compact implements state.Store.
func (s *store) Compact() (err error) {
	if err := s.brokenBy(); err != nil {
		return err
	}
	defer s.rescue(&err)
	if err := s.db.Compact(context.Background(), []byte{dataKey}, []byte{dataEnd}, false); err != nil {
		return s.failed("compact", err)
	}
	if err := s.db.Flush(); err != nil { // begins a new log
		return s.failed("compact", err)
	}
	return nil
}

// Close implements state.Store.
func (s *store) Close() error {
	if s.closed || s.broken.Load() != nil {
		return nil
	}
	s.closed = true
	if err := errors.Join(s.db.Close(), s.lock.Close()); err != nil {
		return s.failed("close", err)
	}
	return nil
}
