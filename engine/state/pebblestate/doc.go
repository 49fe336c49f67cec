// Package pebblestate keeps state on disk, in one Pebble database a task below one directory. It is the only package that
// knows Pebble. It passes the suite of statetest.
//
// A batch that was applied survives the end of the process, however that ends: it is written to the database's log before
// Apply returns. It is not synced, so the end of the machine may cost the last batches, but never tears one.
//
// Several processes may share the directory. A database is open in one process at a time, and its lock falls with that.
//
// It knows the port and nothing of what is stored. cmd opens the root; the engine opens a store for each task.
package pebblestate
