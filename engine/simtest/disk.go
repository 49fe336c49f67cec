package simtest

import (
	"context"
	"sync"

	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/memstate"
)

// Disk is the stores of a node, of which those that a process has open are there for the next one when it dies.
type Disk struct {
	gate   Gate
	client *Client
	root   *memstate.Root
	mu     sync.Mutex // guards open
	open   map[string]state.Store
}

var (
	_ state.Root      = (*Disk)(nil)
	_ state.Installer = (*Disk)(nil)
)

// Mount lets a process use the stores of a node.
func Mount(gate Gate, client *Client, root *memstate.Root) *Disk {
	return &Disk{gate: gate, client: client, root: root, open: map[string]state.Store{}}
}

// Unplug takes the stores away from a process that is dead. REQUIRES: nobody uses them.
func (d *Disk) Unplug() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, store := range d.open {
		if err := store.Close(); err != nil {
			return err
		}
	}
	return nil
}

// Open implements state.Root.
func (d *Disk) Open(name string) (state.Store, error) {
	if d.client.dead.Load() {
		return nil, ErrDead
	}
	store, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[name] = store
	return &file{Store: store, disk: d, name: name}, nil
}

// Install implements state.Installer.
func (d *Disk) Install(name string, fill func(dir string) error) error {
	if d.client.dead.Load() {
		return ErrDead
	}
	return d.root.Install(name, fill)
}

// Has implements state.Root.
func (d *Disk) Has(name string) (bool, error) { return d.root.Has(name) }

// Close implements state.Root.
func (d *Disk) Close() error { return nil }

// file is a store of a process.
type file struct {
	state.Store
	disk *Disk
	name string
}

// Get implements state.Store.
func (f *file) Get(key []byte) (value []byte, ok bool, err error) {
	if f.disk.client.dead.Load() {
		return nil, false, ErrDead
	}
	return f.Store.Get(key)
}

// Scan implements state.Store.
func (f *file) Scan(prefix []byte, visit func(key, value []byte) error) error {
	if f.disk.client.dead.Load() {
		return ErrDead
	}
	return f.Store.Scan(prefix, visit)
}

// Checkpoint implements state.Checkpointer.
func (f *file) Checkpoint(dir string) error {
	from, ok := f.Store.(state.Checkpointer)
	if !ok || f.disk.client.dead.Load() {
		return ErrDead
	}
	return from.Checkpoint(dir)
}

// Apply implements state.Store.
func (f *file) Apply(changes *state.Changes) error {
	return f.disk.gate.Call(context.Background(), Call{Client: f.disk.client, Name: "apply " + f.name, Do: func() error {
		return f.Store.Apply(changes)
	}})
}
