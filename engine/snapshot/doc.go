// Package snapshot keeps copies of state stores in a directory or in a bucket of an object store, where any machine finds
// them. A snapshot is the files of a checkpoint and a manifest that names them. The manifest is written last, so a snapshot is
// there or not; files that are there already are not copied again.
//
// Below the place, a store has
//
//	<store>/files/<sha256 of the content>, and more letters if one of that name was no longer to be relied on
//	<store>/manifests/<offset, 20 digits>-<beginning of the sha256 of the content>.json
//
// Two processes may write snapshots of one store at the same time, as one that was cut off does not know it yet. What one of
// them still needs is not removed by the other, as long as both are done within half the grace.
//
// It knows neither what is in the files, nor the changelog whose offsets it is given. It is the only package that knows
// gocloud.dev, and so the object stores. The engine calls it for each task, in the background; cmd opens it.
package snapshot
