// Package step runs the steps of a plan on one batch: a batch in, messages for sinks and dead letters out. What the
// result is depends on the batch's records alone, never on how the stream was cut into batches.
//
// It is pure but for one port: calls of user functions go through Caller. The task of a partition runs it.
package step
