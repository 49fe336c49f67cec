package pebblestate

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pyudf/pyudf/engine/state"
)

// Config says how much memory the stores of a process may take. The zero value is good.
type Config struct {
	// CacheBytes is what all stores together keep of their files. Default: 64 MB.
	CacheBytes int64
	// MemtableBytes is what one store gathers before it writes a file; it may have two such at a time. Default: 4 MB.
	MemtableBytes uint64
	// Log gets what the stores have to say. Default: nobody.
	Log *slog.Logger
	// disk replaces the real one in tests.
	disk vfs.FS
}

func (c *Config) ensureDefaults() {
	if c.CacheBytes == 0 {
		c.CacheBytes = 64 << 20
	}
	if c.MemtableBytes == 0 {
		c.MemtableBytes = 4 << 20
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.disk == nil {
		c.disk = vfs.Default
	}
}

// Root is a directory with stores, each in a directory of its name. Several processes may share it: each store has a lock
// of its own, which falls with the process.
type Root struct {
	dir    string
	config Config
	cache  *pebble.Cache
	files  *pebble.FileCache
}

var (
	_ state.Root   = (*Root)(nil)
	_ state.Lister = (*Root)(nil)
)

// Open opens a state directory, which is created if need be.
func Open(dir string, config Config) (*Root, error) {
	config.ensureDefaults()
	if err := config.disk.MkdirAll(dir, 0o750); err != nil {
		return nil, unwritable(dir, err)
	}
	return &Root{
		dir: dir, config: config,
		cache: pebble.NewCache(config.CacheBytes),
		files: pebble.NewFileCache(2, 512),
	}, nil
}

func unwritable(dir string, err error) error {
	return fmt.Errorf("the state directory %s cannot be written: %w; choose another, or let this user write there", dir, err)
}

// Open implements state.Root.
func (r *Root) Open(name string) (state.Store, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if err := r.room(0); err != nil {
		return nil, err
	}
	dir := filepath.Join(r.dir, name)
	lock, err := r.take(name)
	if err != nil {
		return nil, err
	}
	options := r.options(dir)
	options.Lock = lock
	db, err := pebble.Open(dir, options)
	if err != nil {
		err = fmt.Errorf("open the state store %s: %w; make sure that the disk works; if the store is damaged, remove the directory, "+
			"and the app begins without its state", dir, err)
		return nil, errors.Join(err, lock.Close())
	}
	s := newStore(db, r, dir)
	s.lock = lock
	if err := s.checkLayout(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// checkName makes sure that a name is that of a directory, and of none of ours, which begin with a dot.
func checkName(name string) error {
	if !regexp.MustCompile(`^[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,249}$`).MatchString(name) {
		return fmt.Errorf("%q cannot be the name of a state store: use letters, digits, '.', '_' and '-'", name)
	}
	return nil
}

// Has implements state.Root.
func (r *Root) Has(name string) (bool, error) {
	names, err := r.config.disk.List(r.dir)
	if err != nil {
		return false, fmt.Errorf("look for stores in the state directory %s: %w", r.dir, err)
	}
	return slices.Contains(names, name) || slices.Contains(names, replaced+name), nil
}

// Names implements state.Lister.
func (r *Root) Names() ([]string, error) {
	all, err := r.config.disk.List(r.dir)
	if err != nil {
		return nil, fmt.Errorf("look for stores in the state directory %s: %w", r.dir, err)
	}
	for i, name := range all {
		all[i] = strings.TrimPrefix(name, replaced)
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(name string) bool { return checkName(name) != nil }), nil
}

// lock keeps other processes away from a store, whose directory is created if need be.
func (r *Root) lock(dir string) (*pebble.Lock, error) {
	if err := r.config.disk.MkdirAll(dir, 0o750); err != nil {
		return nil, unwritable(dir, err)
	}
	lock, err := pebble.LockDirectory(dir, r.config.disk)
	if _, path := errors.AsType[*fs.PathError](err); path {
		return nil, unwritable(dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w in %s: stop it, or give one of them a group or a state directory of its own (%w)", state.ErrHeld, dir, err)
	}
	return lock, nil
}

// Forget removes all stores; none if another process has one of them.
func (r *Root) Forget() (err error) {
	names, err := r.config.disk.List(r.dir)
	if err != nil {
		return fmt.Errorf("look for stores in the state directory %s: %w", r.dir, err)
	}
	for _, name := range names {
		lock, err := r.lock(filepath.Join(r.dir, name))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, lock.Close()) }() // held until all are locked and removed
	}
	for _, name := range names {
		dir := filepath.Join(r.dir, name)
		if err := r.config.disk.RemoveAll(dir); err != nil {
			return unwritable(dir, err)
		}
	}
	return nil
}

// Close implements state.Root.
func (r *Root) Close() error {
	r.files.Unref()
	r.cache.Unref()
	return nil
}

// reserve is the room on the disk without which nothing is written: files are rewritten before old ones are removed, and
// Pebble takes a full disk for the end.
const reserve = 64 << 20

// room makes sure that the disk has some.
func (r *Root) room(size int) error {
	usage, err := r.config.disk.GetDiskUsage(r.dir)
	if err != nil {
		return fmt.Errorf("look at the disk of the state directory %s: %w", r.dir, err)
	}
	if need := uint64(size) + reserve; usage.AvailBytes < need {
		return fmt.Errorf("the disk of the state directory %s is full: %d MB are left and %d MB are needed; make room, or move the directory; "+
			"what was committed is safe", r.dir, usage.AvailBytes>>20, need>>20)
	}
	return nil
}
