package changelog

import (
	"context"

	"github.com/pyudf/pyudf/engine/record"
)

// Log is where changelogs are read: each is a topic with a partition for each task of a source. Any goroutine may call it.
type Log interface {
	// Bounds returns the offset of the first record that is there, and that behind the last: both are 0 if there never was
	// one, or no such topic.
	Bounds(ctx context.Context, partition record.Partition) (low, end int64, err error)
	// Read gives the values of a partition, from an offset on, up to what is its end at the time of the call. While a
	// transaction is open that wrote there, it waits; what was aborted is left out. next is the offset behind the value,
	// and at the end behind everything that was read. The value is valid during the call only. If the first records that
	// are wanted were deleted meanwhile, the error wraps ErrGap.
	Read(ctx context.Context, partition record.Partition, from int64, take func(next int64, value []byte) error) (next int64, err error)
}
