// Package replay owns a run over data that lies still: what a notebook has in memory, files, slices of topics. The engine
// is the real one; what it reads comes in one partition for each source, in the order of arrival, and what it writes goes
// to files of chunks, of which the SDK makes frames. It is what app.replay drives, and serves one run.
//
// The result is a function of the input alone: there is no clock, a commit closes the one epoch at the end, and hops are in
// memory with one partition.
//
// It knows no Python; workers come through dispatch.Start, topics through Config.OpenSlice.
package replay
