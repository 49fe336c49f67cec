package kafka

import (
	"strconv"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/kafka/rdkafka"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

// add takes a message or event of a partition. Those of partitions that do not flow are left over from before a
// rebalance and dropped: whoever begins the partition next reads them.
func (s *Source) add(m *rdkafka.Message) {
	p := s.owned[m.Partition]
	if p == nil || p.done || !p.flows {
		return
	}
	switch kafka.ErrorCode(m.Err) {
	case kafka.ErrNoError:
	case kafka.ErrPartitionEOF:
		// Records before the end may be gone (compaction, aborted transactions, markers): then only this tells.
		p.next = max(p.next, m.Offset)
		if p.end >= 0 && m.Offset >= p.end {
			s.finish(m.Partition, p)
		} else if p.end < 0 {
			s.closeBatch(m.Partition)
			s.ready = append(s.ready, source.Event{CaughtUp: []record.Partition{s.named(m.Partition)}})
		}
		return
	default:
		s.logger.Warn("kafka: partition error", "topic", s.config.Topic, "partition", m.Partition, "error", rdkafka.ErrorText(m.Err))
		return
	}
	if p.end >= 0 && m.Offset >= p.end {
		s.finish(m.Partition, p)
		return
	}
	s.append(m)
	p.next = m.Offset + 1
	if p.end >= 0 && p.next >= p.end {
		s.finish(m.Partition, p)
	}
}

func (s *Source) append(m *rdkafka.Message) {
	b := s.open[m.Partition]
	if b == nil {
		b = s.newBatch(m.Partition)
		s.open[m.Partition] = b
		s.order = append(s.order, m.Partition)
	}
	b.Offsets = append(b.Offsets, m.Offset)
	b.Times = append(b.Times, m.Time)
	b.Keys.Append(m.Key)
	b.Values.Append(m.Value)
	if m.Headers != nil && b.Headers == nil {
		b.Headers = make([][]record.Header, b.Len()-1)
	}
	if b.Headers != nil {
		b.Headers = append(b.Headers, m.Headers)
	}
	if b.Len() >= maxRecords || b.Size() >= maxBytes {
		s.closeBatch(m.Partition)
	}
}

// newBatch returns an empty batch with room for as much as the partition's last one held.
func (s *Source) newBatch(index int32) *record.Batch {
	b := &record.Batch{Partition: s.named(index)}
	if p := s.owned[index]; p != nil {
		b.Offsets = make([]int64, 0, p.records)
		b.Times = make([]int64, 0, p.records)
		b.Keys.Grow(p.records, p.keyBytes)
		b.Values.Grow(p.records, p.valueBytes)
	}
	return b
}

func (s *Source) closeBatch(index int32) {
	if b := s.open[index]; b != nil {
		if p := s.owned[index]; p != nil {
			p.records, p.keyBytes, p.valueBytes = b.Len(), len(b.Keys.Data), len(b.Values.Data)
		}
		delete(s.open, index)
		s.ready = append(s.ready, source.Event{Records: b})
	}
}

// closeBatches hands out what has been gathered: nothing waits for more.
func (s *Source) closeBatches() {
	for _, index := range s.order {
		s.closeBatch(index)
	}
	s.order = s.order[:0]
}

// finish ends a partition of a bounded run, after the records that it gave.
func (s *Source) finish(index int32, p *partition) {
	if p.done {
		return
	}
	p.done = true
	s.closeBatch(index)
	s.ready = append(s.ready, source.Event{Ended: []record.Partition{s.named(index)}})
}

func (s *Source) named(index int32) record.Partition {
	return record.Partition{Topic: s.config.Topic, Index: index}
}

// reportLag sets the lag of the owned partitions, about once a second.
func (s *Source) reportLag() {
	now := time.Now()
	if s.config.Metrics == nil || now.Sub(s.lagAt) < time.Second {
		return
	}
	s.lagAt = now
	for index, p := range s.owned {
		_, high, err := s.consumer.GetWatermarkOffsets(s.config.Topic, index)
		if err == nil && high >= 0 && p.flows {
			s.config.Metrics.Lag.WithLabelValues(s.config.Topic, strconv.Itoa(int(index))).Set(float64(max(high-p.next, 0)))
		}
	}
}
