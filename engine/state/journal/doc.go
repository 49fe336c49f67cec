// Package journal makes the changes of several stores durable together. It is a state.Root around another: what is applied
// to its stores waits, until Commit writes all of it as one batch into a store of its own, then makes the changes and
// forgets the batch. After a crash in between, Recover makes them again: that changes nothing where they were made.
//
// The stores lie in the root as they would without it. It must not know what is in them. Package engine calls it, for runs
// whose tasks commit together.
package journal
