package pebblestate

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"

	"github.com/pyudf/pyudf/engine/state"
)

var (
	_ state.Installer    = (*Root)(nil)
	_ state.Checkpointer = (*store)(nil)
)

// Checkpoint implements state.Checkpointer. The memtable is written first, so that a checkpoint is tables and no log.
func (s *store) Checkpoint(dir string) (err error) {
	if err := s.brokenBy(); err != nil {
		return err
	}
	if err := s.root.room(0); err != nil {
		return err
	}
	defer s.rescue(&err)
	if err := s.db.Flush(); err != nil {
		return s.failed("write", err)
	}
	if err := s.db.Checkpoint(dir); err != nil {
		return fmt.Errorf("make a checkpoint of the state store %s: %w", s.dir, err)
	}
	return nil
}

// What begins the names of directories that lie beside that of a store for a while.
const (
	installing = ".installing-"
	replaced   = ".replaced-"
)

// Install implements state.Installer. What it makes is on the disk before it takes the place of what was there.
func (r *Root) Install(name string, fill func(dir string) error) (err error) {
	if err := checkName(name); err != nil {
		return err
	}
	there, err := r.Has(name)
	if err != nil {
		return err
	}
	lock, err := r.take(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	err = r.fill(name, fill)
	if err == nil {
		err = r.replace(name)
	}
	err = errors.Join(err, r.sweep(name))
	if err != nil && !there {
		err = errors.Join(err, r.config.disk.RemoveAll(filepath.Join(r.dir, name)))
	}
	return err
}

// fill makes the directory that is to be a store.
func (r *Root) fill(name string, fill func(dir string) error) error {
	dir := r.beside(name, installing)
	if err := r.config.disk.MkdirAll(dir, 0o750); err != nil {
		return unwritable(dir, err)
	}
	if err := fill(dir); err != nil {
		return err
	}
	if err := r.sync(dir); err != nil {
		return unwritable(dir, err)
	}
	return nil
}

// replace gives a store's place to the directory that was filled, which is locked meanwhile: nobody opens it before the old
// one is gone.
func (r *Root) replace(name string) error {
	dir, fresh, old := filepath.Join(r.dir, name), r.beside(name, installing), r.beside(name, replaced)
	lock, err := r.lock(fresh)
	if err != nil {
		return err
	}
	if err = r.config.disk.Rename(dir, old); err == nil {
		if err = r.config.disk.Rename(fresh, dir); err != nil {
			err = errors.Join(err, r.config.disk.Rename(old, dir))
		}
	}
	if err == nil {
		err = r.syncFile(r.dir)
	}
	if err != nil {
		err = unwritable(dir, err)
	}
	return errors.Join(err, lock.Close())
}

// take locks a store for this process, and undoes what a crash left half done: a store that was being replaced is back.
func (r *Root) take(name string) (*pebble.Lock, error) {
	dir := filepath.Join(r.dir, name)
	if _, err := r.config.disk.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := r.config.disk.Rename(r.beside(name, replaced), dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, unwritable(dir, err)
		}
	}
	lock, err := r.lock(dir)
	if err != nil {
		return nil, err
	}
	if err := r.sweep(name); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// sweep removes what lies beside a store. REQUIRES: the store is locked.
func (r *Root) sweep(name string) error {
	for _, what := range []string{installing, replaced} {
		dir := r.beside(name, what)
		if err := r.config.disk.RemoveAll(dir); err != nil {
			return unwritable(dir, err)
		}
	}
	return nil
}

func (r *Root) beside(name, what string) string { return filepath.Join(r.dir, what+name) }

// sync makes sure that a directory and its files are on the disk.
func (r *Root) sync(dir string) error {
	names, err := r.config.disk.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := r.syncFile(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return r.syncFile(dir)
}

func (r *Root) syncFile(path string) error {
	file, err := r.config.disk.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
