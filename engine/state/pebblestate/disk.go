package pebblestate

import (
	"errors"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// logDisk leaves it to the operating system when to sync the logs. Pebble's own way not to sync keeps what was written in the
// process' memory for a while; here each commit is handed to the system, which keeps it if the process dies.
type logDisk struct {
	vfs.FS
}

// Create implements vfs.FS.
func (d logDisk) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := d.FS.Create(name, category)
	if err != nil || filepath.Ext(name) != ".log" {
		return file, err
	}
	return logFile{file}, nil
}

// ReuseForWrite implements vfs.FS. To write over an old log spares syncs, of which there are none, and keeps its size.
func (d logDisk) ReuseForWrite(old, name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := d.Remove(old); err != nil {
		return nil, err
	}
	return d.Create(name, category)
}

// logFile is synced when it is closed, so that after the end of the machine only the last log may be incomplete.
type logFile struct {
	vfs.File
}

// Sync implements vfs.File.
func (logFile) Sync() error { return nil }

// SyncData implements vfs.File.
func (logFile) SyncData() error { return nil }

// SyncTo implements vfs.File.
func (logFile) SyncTo(int64) (fullSync bool, err error) { return false, nil }

// Close implements vfs.File.
func (f logFile) Close() error { return errors.Join(f.File.SyncData(), f.File.Close()) }
