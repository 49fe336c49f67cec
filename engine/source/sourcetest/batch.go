package sourcetest

import "github.com/pyudf/pyudf/engine/record"

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
