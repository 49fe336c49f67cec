package status

import "time"

// What a second of a restore moves, if nothing better is known: bytes of a snapshot's files, and bytes of a changelog.
// Both are what a node with one slow disk does; most are faster.
const (
	copyRate = 100 << 20
	tailRate = 20 << 20
)

// Load is what a restore on an empty disk has to move.
type Load struct {
	// StateBytes are copied, if there is a snapshot.
	StateBytes int64
	// TailBytes of the changelog are read and applied behind the snapshot, or from the changelog's start without one.
	TailBytes int64
	// TailRate is how many bytes of a changelog a second were applied by this process when it restored; 0: it did not.
	TailRate int64
}

// Estimate returns how long a restore takes on a node with an empty disk: the time to copy the snapshot, then the time to
// apply the changelog's tail. The connection of the node is not known, so it is a guess to plan with, not a promise.
func Estimate(load Load) time.Duration {
	rate := load.TailRate
	if rate <= 0 {
		rate = tailRate
	}
	return at(load.StateBytes, copyRate) + at(load.TailBytes, rate)
}

// at returns how long bytes take at a rate.
func at(bytes, rate int64) time.Duration {
	return time.Duration(float64(bytes) / float64(rate) * float64(time.Second))
}
