// Package node owns who a process is among those that run a group on a machine: a slot, which it has to itself while it
// lives, with an id that the next process in the slot has too.
//
// It knows nothing of Kafka and of what the id is used for. cmd claims a node for a run and looks for the others.
package node
