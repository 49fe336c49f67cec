package kafka

import (
	"sync"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

var _ source.Noter = (*Source)(nil)

// notes are what is stored with offsets, as their metadata.
type notes struct {
	mu     sync.Mutex // guards what follows
	note   string
	stored map[int32]string
}

// Note implements source.Noter.
func (s *Source) Note(note string) {
	s.notes.mu.Lock()
	defer s.notes.mu.Unlock()
	s.notes.note = note
}

// Noted implements source.Noter.
func (s *Source) Noted(partition record.Partition) string {
	s.notes.mu.Lock()
	defer s.notes.mu.Unlock()
	return s.notes.stored[partition.Index]
}

// own returns what is stored from now on.
func (n *notes) own() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.note
}

// found remembers what was stored.
func (n *notes) found(index int32, note string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stored == nil {
		n.stored = map[int32]string{}
	}
	n.stored[index] = note
}

// noted returns offsets with their note.
func (s *Source) noted(offsets []kafka.TopicPartition) []kafka.TopicPartition {
	if note := s.notes.own(); note != "" {
		for i := range offsets {
			offsets[i].Metadata = &note
		}
	}
	return offsets
}
