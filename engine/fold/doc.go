// Package fold owns what windows keep for a user's function or aggregator: the rows themselves, and the states that the
// aggregator made of earlier ones. It decides which rows go to the aggregator together, so that the answer never depends
// on how the stream was cut into batches.
//
// It calls no user code: package step does, with the work that a Column names.
package fold
