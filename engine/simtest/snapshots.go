package simtest

import (
	"context"
	"os"
	"path/filepath"
	"sync"

	"github.com/pyudf/pyudf/engine"
)

// Shelf keeps snapshots in memory. Its calls take effect at once, as the engine makes them with locks held.
type Shelf struct {
	mu     sync.Mutex // guards copies
	copies map[string]snapshot
}

// snapshot is the newest one of a store.
type snapshot struct {
	offset int64
	files  map[string][]byte
}

// NewShelf returns a shelf without snapshots.
func NewShelf() *Shelf { return &Shelf{copies: map[string]snapshot{}} }

// offset returns up to where the snapshot of a store is complete; 0: there is none.
func (s *Shelf) offset(store string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copies[store].offset
}

// Of returns the snapshots as a process sees them.
func (s *Shelf) Of(client *Client) engine.Snapshots { return &reach{s, client} }

type reach struct {
	*Shelf
	client *Client
}

// Take implements engine.Snapshots. An older snapshot than there is does no harm: it is forgotten.
func (r *reach) Take(_ context.Context, store string, offset int64, dir string) error {
	if r.client.dead.Load() {
		return ErrDead
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	taken := snapshot{offset: offset, files: map[string][]byte{}}
	for _, name := range names {
		if taken.files[name.Name()], err = os.ReadFile(filepath.Join(dir, name.Name())); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if offset >= r.copies[store].offset {
		r.copies[store] = taken
	}
	return nil
}

// Restore implements engine.Snapshots.
func (r *reach) Restore(_ context.Context, store string, offset int64, dir string, _ func(done, total int64)) (found bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken, found := r.copies[store]
	if !found || taken.offset < offset {
		return false, nil
	}
	for name, data := range taken.files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return false, err
		}
	}
	return true, nil
}
