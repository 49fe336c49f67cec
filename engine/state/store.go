package state

// Root is where the stores of one process lie, each under its name. Any goroutine may call it.
type Root interface {
	// Open opens a store, which is created if need be. A name is that of a directory. A store is open once at a time.
	Open(name string) (Store, error)
	// Has tells whether a store was ever opened under a name.
	Has(name string) (bool, error)
	// Close frees the root. REQUIRES: its stores are closed.
	Close() error
}

// Lister is a root that knows all its stores.
type Lister interface {
	// Names returns the names of all stores, in their order.
	Names() ([]string, error)
}

// Store keeps the committed state of one task, ordered by key (bytes.Compare). Keys and values may be any bytes, also
// none. One goroutine calls it.
type Store interface {
	// Get returns a key's value; ok is false if there is none. The value is the caller's.
	Get(key []byte) (value []byte, ok bool, err error)
	// Scan visits what begins with prefix, in the order of the keys. The slices are valid during the visit only. An error of
	// the visit ends the scan and is returned. The visit must not write to the store.
	Scan(prefix []byte, visit func(key, value []byte) error) error
	// Apply makes all the changes, in their order, or, after a crash, none of them. An error means that nothing more can
	// be written: close the store. The changes are copied.
	Apply(changes *Changes) error
	// Size returns the bytes that the store takes on disk or in memory, roughly.
	Size() int64
	// Compact gives the space of deleted and replaced keys back. It may take seconds.
	Compact() error
	// Close frees everything; what was applied stays. Closing twice is fine.
	Close() error
}

// Checkpointer is a store that can be copied while it is used.
type Checkpointer interface {
	// Checkpoint puts what was applied before the call into a directory that must not be there, as files that are never
	// written again. It may have later batches too, each whole. It is quick if the directory is on the disk of the store.
	// Any goroutine may call it. REQUIRES: the store is not closed meanwhile.
	Checkpoint(dir string) error
}

// Installer is a root that takes over copies of stores.
type Installer interface {
	// Install replaces a store by what fill puts into an empty directory: the files of a checkpoint. After an error, or a crash
	// before it returns, the store is as it was. REQUIRES: the store is closed.
	Install(name string, fill func(dir string) error) error
}

// After returns the first key behind everything that begins with prefix, nil if there is none: the end of a DeleteRange.
func After(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			end := append([]byte(nil), prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}
