// Package changelog keeps what is applied to a state store in a topic, so that another process, or this one after a crash, can
// make the store what it was: it writes the changes of an epoch as records, and applies records to a store.
//
// It knows nothing of what is in a store, but that no key of it is the Tag: the engine's begin with m, s, t, w and x. The
// engine writes, in the transaction of the epoch, and restores before a task begins. The adapter that reads topics is in
// package kafka.
package changelog
