package harness

import (
	"sync"
	"sync/atomic"

	"github.com/pyudf/pyudf/engine/partition"
	"github.com/pyudf/pyudf/engine/record"
)

// broker is the topics of a session. Any goroutine may use it.
type broker struct {
	partitions int
	// crashing lets nothing more be delivered, so that the engine ends without a commit.
	crashing atomic.Bool

	mu     sync.Mutex // guards topics
	topics map[string]*topic
}

func (b *broker) topic(name string) *topic {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.topics[name] == nil {
		t := &topic{name: name, logs: make([][]Record, b.partitions), committed: make([]int64, b.partitions)}
		for i := range t.committed {
			t.committed[i] = -1
		}
		b.topics[name] = t
	}
	return b.topics[name]
}

// topic is a log of records for each partition, and how far the app's group has read them.
type topic struct {
	name string

	mu   sync.Mutex // guards what follows
	logs [][]Record
	// committed are the group's offsets; -1: none.
	committed []int64
	// unseen are the records that the app wrote since take.
	unseen []Record
}

// add appends a record to its partition.
func (t *topic) add(r Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.append(r)
}

// append does what add does. REQUIRES: mu is held.
func (t *topic) append(r Record) {
	at := int32(0)
	switch {
	case r.Partition != nil:
		at = *r.Partition
	case r.Key != nil:
		at = partition.Of(r.Key, len(t.logs))
	}
	t.logs[at] = append(t.logs[at], r)
}

// take returns the records that the app wrote since the last call.
func (t *topic) take() []Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	unseen := t.unseen
	t.unseen = nil
	return unseen
}

// end returns the offset behind the last record of a partition.
func (t *topic) end(index int) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return int64(len(t.logs[index]))
}

// batch returns the records of a partition from an offset to another, which is behind it.
func (t *topic) batch(index int, from, to int64) *record.Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := &record.Batch{Partition: record.Partition{Topic: t.name, Index: int32(index)}} //nolint:gosec // few partitions
	for offset := from; offset < to; offset++ {
		r := &t.logs[index][offset]
		b.Offsets = append(b.Offsets, offset)
		b.Times = append(b.Times, *r.Time)
		b.Keys.Append(r.Key)
		b.Values.Append(r.Value)
		b.Headers = append(b.Headers, r.headers())
	}
	return b
}
