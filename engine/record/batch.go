package record

// Partition is one partition of a topic. A file is a topic of one partition, named by its path.
type Partition struct {
	Topic string
	Index int32
}

// Header is a record header, as Kafka has them.
type Header struct {
	Key   string
	Value []byte
}

// Batch is consecutive records of one partition, oldest first. It is immutable once the source handed it over.
type Batch struct {
	Partition Partition
	Offsets   []int64
	// Times are the records' timestamps in ms since the epoch; -1 where there is none.
	Times  []int64
	Keys   Arena
	Values Arena
	// Headers is nil if no record has any.
	Headers [][]Header
	// Known are fields that the source has decoded already. The values do not have them.
	Known []Known
	// Bare tells that the values are all {}. Sinks then get what was made of them as fields where that can be.
	Bare bool
}

// Known is a field of all records of a batch, or of messages.
type Known struct {
	Name   string
	Column Column
}

// Len returns the number of records.
func (b *Batch) Len() int { return len(b.Offsets) }

// Next returns the offset after the last record. REQUIRES: Len() > 0.
func (b *Batch) Next() int64 { return b.Offsets[len(b.Offsets)-1] + 1 }

// Size returns the bytes that keys and values take.
func (b *Batch) Size() int { return len(b.Keys.Data) + len(b.Values.Data) }

// Position is a place in a partition: everything before Offset is done.
type Position struct {
	Partition Partition
	Offset    int64
}

// Messages are records on their way to one topic, in order.
type Messages struct {
	Keys   Arena
	Values Arena
	// Times are in ms since the epoch; -1: the broker's or client's own time.
	Times []int64
	// Headers is nil if no message has any.
	Headers [][]Header
	// Partitions are the partitions that the messages go to; -1: that of the key. Nil if each goes to its key's.
	Partitions []int32
	// Known are the messages' fields if their batch was bare: then the values are empty. Nil: the values have them.
	Known []Known
}

// Len returns the number of messages.
func (m *Messages) Len() int { return len(m.Values.Ends) }
