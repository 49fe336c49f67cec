package stored

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/state"
)

// Imported marks a store that was imported: its changelog knows nothing of what is in it. The engine writes such a store to
// the changelog as it is, and takes the mark away.
const Imported = "aimport"

// File is an exported file.
type File struct {
	Origin

	file *parquet.File
}

// OpenFile opens a file that an export wrote, or a table with its columns.
func OpenFile(in io.ReaderAt, size int64) (*File, error) {
	file, err := parquet.OpenFile(in, size)
	if err != nil {
		return nil, fmt.Errorf("it is no Parquet file: %w", err)
	}
	for _, name := range []string{"store", "store_key", "store_value"} {
		if _, ok := file.Schema().Lookup(name); !ok {
			return nil, fmt.Errorf("it has no column %s: take a file that `pyudf state export` wrote", name)
		}
	}
	if version, ok := file.Lookup(metaLayout); ok && version != layout {
		return nil, fmt.Errorf("it was written by another version of pyudf (%s): use that version", version)
	}
	f := &File{file: file}
	f.Cluster, _ = file.Lookup(metaCluster)
	f.Group, _ = file.Lookup(metaGroup)
	return f, nil
}

// applyBytes is how much is applied to a store at once.
const applyBytes = 4 << 20

// building is a store in the making.
type building struct {
	store   state.Store
	changes state.Changes
}

func (b *building) put(at, value []byte) error {
	b.changes.Set(at, value)
	if b.changes.Bytes() < applyBytes {
		return nil
	}
	return b.apply()
}

func (b *building) apply() error {
	err := b.store.Apply(&b.changes)
	b.changes.Reset()
	return err
}

// Import is stores that were made of a file and are not yet in place.
type Import struct {
	stores map[string]*building
}

// Build makes the stores of a file below a root of their own, each with the mark of an import.
func (f *File) Build(scratch state.Root) (*Import, error) {
	im := &Import{stores: map[string]*building{}}
	if err := im.read(f.file, scratch); err != nil {
		return nil, errors.Join(err, im.Close())
	}
	for _, name := range im.Names() {
		b := im.stores[name]
		if err := b.finish(); err != nil {
			return nil, errors.Join(fmt.Errorf("the store %s: %w", name, err), im.Close())
		}
	}
	return im, nil
}

func (im *Import) read(file *parquet.File, scratch state.Root) error {
	rows := parquet.NewGenericReader[Row](file)
	defer func() { _ = rows.Close() }() // it was only read
	some := make([]Row, writeRows)
	for {
		n, err := rows.Read(some)
		for i := range some[:n] {
			if err := im.put(scratch, &some[i]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read its rows: %w", err)
		}
		clear(some)
	}
}

func (im *Import) put(scratch state.Root, row *Row) error {
	if own(row.StoreKey) {
		return nil
	}
	b := im.stores[row.Store]
	if b == nil {
		store, err := scratch.Open(row.Store)
		if err != nil {
			return err
		}
		b = &building{store: store}
		im.stores[row.Store] = b
	}
	return b.put(row.StoreKey, row.StoreValue)
}

// finish applies the rest, and makes sure that it is the state of a task.
func (b *building) finish() error {
	b.changes.Set([]byte(Imported), nil)
	if err := b.apply(); err != nil {
		return err
	}
	saved, err := keyed.Saved(b.store)
	if err == nil && !saved {
		err = errors.New("the file lacks rows that every store has, such as the one of the watermark: leave no row out")
	}
	return err
}

// Names are those of the stores, in their order.
func (im *Import) Names() []string {
	names := make([]string, 0, len(im.stores))
	for name := range im.stores {
		names = append(names, name)
	}
	slices.SortFunc(names, compareNames)
	return names
}

// Position returns the position of the input that the state of a store reflects.
func (im *Import) Position(name string) (int64, error) { return keyed.Position(im.stores[name].store) }

// Check makes sure that a store that is there is of the same steps as the one that replaces it.
func (im *Import) Check(name string, present state.Store) error {
	now, err := keyed.Inspect(present)
	if err != nil {
		return fmt.Errorf("read the store %s: %w", name, err)
	}
	next, err := keyed.Inspect(im.stores[name].store)
	if err != nil {
		return fmt.Errorf("read the store %s of the file: %w", name, err)
	}
	for _, is := range now.Steps {
		for _, comes := range next.Steps {
			if is.Step == comes.Step && is.Shape != comes.Shape {
				return fmt.Errorf("%w: %s is\n  %s\nand the file has\n  %s\nexport it from the same app, or import it into another group",
					keyed.ErrOtherShape, name, is.Shape, comes.Shape)
			}
		}
	}
	if now.Spread != 0 && next.Spread != 0 && now.Spread != next.Spread {
		return fmt.Errorf("%w: the keys of %s are spread over %d partitions, and those of the file over %d",
			keyed.ErrOtherSpread, name, now.Spread, next.Spread)
	}
	return nil
}

// Install puts a store in place of the one that is there. scratch is a directory of the caller's on the disk of the root.
func (im *Import) Install(into state.Installer, name, scratch string) error {
	from, ok := im.stores[name].store.(state.Checkpointer)
	if !ok {
		return fmt.Errorf("the store %s cannot be copied", name)
	}
	return into.Install(name, func(dir string) error {
		made := filepath.Join(scratch, "checkpoint-"+name)
		if err := from.Checkpoint(made); err != nil {
			return err
		}
		return move(made, dir)
	})
}

// move moves the files of a directory into another.
func move(from, to string) error {
	files, err := os.ReadDir(from)
	for _, file := range files {
		if err == nil {
			err = os.Rename(filepath.Join(from, file.Name()), filepath.Join(to, file.Name()))
		}
	}
	return err
}

// Close closes the stores that were made.
func (im *Import) Close() error {
	var errs []error
	for _, b := range im.stores {
		errs = append(errs, b.store.Close())
	}
	return errors.Join(errs...)
}
