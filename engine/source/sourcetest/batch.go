package sourcetest

import (
	"slices"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

// Batch returns a batch of values with consecutive offsets from first on, without keys and times.
func Batch(partition record.Partition, first int64, values ...string) *record.Batch {
	batch := &record.Batch{Partition: partition}
	for i, value := range values {
		batch.Offsets = append(batch.Offsets, first+int64(i))
		batch.Times = append(batch.Times, -1)
		batch.Keys.Append(nil)
		batch.Values.Append([]byte(value))
	}
	return batch
}

// of tells whether an event is what a partition gives.
func of(e source.Event, p record.Partition) bool {
	return e.Records != nil && e.Records.Partition == p || slices.Contains(e.Ended, p) || slices.Contains(e.CaughtUp, p)
}

// concerns tells whether an event names a partition.
func concerns(e source.Event, p record.Partition) bool {
	return of(e, p) || slices.Contains(e.Assigned, p) || slices.Contains(e.Revoked, p) || slices.Contains(e.Lost, p)
}

// since returns events of a partition without the records before an offset; below 0: all of them. It also returns the offset
// that they begin at.
func since(events []source.Event, from int64) (kept []source.Event, at int64) {
	for _, event := range events {
		if event.Records != nil {
			if from < 0 && event.Records.Len() > 0 {
				from = event.Records.Offsets[0]
			}
			if event.Records = tail(event.Records, from); event.Records == nil {
				continue
			}
		}
		kept = append(kept, event)
	}
	return kept, max(from, 0)
}

// tail returns the records of a batch from an offset on, nil if there are none.
func tail(b *record.Batch, from int64) *record.Batch {
	skip, _ := slices.BinarySearch(b.Offsets, from)
	if skip == 0 {
		return b
	}
	if skip == b.Len() {
		return nil
	}
	rows := make([]int32, 0, b.Len()-skip)
	for row := skip; row < b.Len(); row++ {
		rows = append(rows, int32(row)) //nolint:gosec // batches are small
	}
	out := &record.Batch{Partition: b.Partition, Offsets: b.Offsets[skip:], Times: b.Times[skip:], Keys: b.Keys.Take(rows), Values: b.Values.Take(rows)}
	if b.Headers != nil {
		out.Headers = b.Headers[skip:]
	}
	return out
}
