package kafka

import (
	"fmt"
	"strconv"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

// requestTimeout is for requests to the broker in the course of a rebalance.
const requestTimeout = 30 * time.Second

// rebalance is called by the client in pollClient's goroutine. It hands the change to the engine and waits: for new
// partitions until the engine knows of them, for revoked ones until the engine has released them. Only then the
// client goes on, so that no other process gets a partition before this one is done with it.
func (s *Source) rebalance(_ *kafka.Consumer, event kafka.Event) error {
	select {
	case <-s.closing:
		return s.accept(event)
	default:
	}
	switch e := event.(type) {
	case kafka.AssignedPartitions:
		h, err := s.placed(e.Partitions)
		if err != nil {
			s.send(kafka.NewError(kafka.ErrFatal, err.Error(), true))
			return s.accept(event)
		}
		if !s.send(h) {
			return s.accept(event)
		}
		return s.assign(h, s.consumer.IncrementalAssign)
	case kafka.RevokedPartitions:
		h := &handover{lost: s.consumer.AssignmentLost(), released: make(chan struct{})}
		for _, p := range e.Partitions {
			h.revoked = append(h.revoked, s.named(p.Partition))
		}
		if len(h.revoked) > 0 && s.send(h) {
			<-h.released
		}
		return s.consumer.IncrementalUnassign(e.Partitions)
	}
	return nil
}

// accept follows the client without the engine, as the source is closing.
func (s *Source) accept(event kafka.Event) error {
	switch e := event.(type) {
	case kafka.AssignedPartitions:
		return s.consumer.IncrementalAssign(e.Partitions)
	case kafka.RevokedPartitions:
		return s.consumer.IncrementalUnassign(e.Partitions)
	}
	return nil
}

// placed finds where new partitions begin: at the committed offset, else where config.Start says.
func (s *Source) placed(partitions []kafka.TopicPartition) (*handover, error) {
	h := &handover{}
	if len(partitions) == 0 {
		return h, nil
	}
	timeout := int(requestTimeout.Milliseconds())
	committed, err := s.consumer.Committed(partitions, timeout)
	if err != nil {
		return nil, fmt.Errorf("ask for committed offsets: %w", err)
	}
	var fresh []kafka.TopicPartition
	for _, p := range committed {
		if p, err = s.resumed(p); err != nil {
			return nil, err
		}
		if p.Offset >= 0 {
			h.assigned = append(h.assigned, record.Position{Partition: s.named(p.Partition), Offset: int64(p.Offset)})
			continue
		}
		p.Offset = kafka.Offset(s.config.Start.Time.UnixMilli())
		fresh = append(fresh, p)
	}
	if s.config.Start.Kind == At && len(fresh) > 0 {
		if fresh, err = s.consumer.OffsetsForTimes(fresh, timeout); err != nil {
			return nil, fmt.Errorf("ask for offsets by time: %w", err)
		}
	}
	for _, p := range fresh {
		position, err := s.startOf(p)
		if err != nil {
			return nil, err
		}
		h.assigned = append(h.assigned, position)
	}
	return h, s.findEnds(h)
}

// resumed returns a partition with the offset at which its state goes on.
func (s *Source) resumed(p kafka.TopicPartition) (kafka.TopicPartition, error) {
	if s.config.Resume == nil {
		return p, nil
	}
	committed := max(int64(p.Offset), -1)
	offset, err := s.config.Resume(s.named(p.Partition), committed)
	if err != nil || offset < 0 || offset == committed {
		return p, err
	}
	low, high, err := s.watermarks(p.Partition)
	switch {
	case err != nil:
		return p, err
	case offset > high:
		return p, fmt.Errorf("%s [%d] ends at offset %d, but the state that is here has read up to %d: the topic was made anew; use --reset-state", s.config.Topic, p.Partition, high, offset)
	case offset < low:
		s.logger.Warn("records were deleted from the topic before they were read", "topic", s.config.Topic, "partition", p.Partition, "from", offset, "to", low)
		offset = low
	}
	p.Offset = kafka.Offset(offset)
	return p, nil
}

// startOf returns where a partition without a committed offset begins. For At its offset was looked up by time.
func (s *Source) startOf(p kafka.TopicPartition) (record.Position, error) {
	position := record.Position{Partition: s.named(p.Partition), Offset: int64(p.Offset)}
	if s.config.Start.Kind == At && p.Offset >= 0 {
		return position, nil
	}
	low, high, err := s.watermarks(p.Partition)
	position.Offset = low
	if s.config.Start.Kind != Earliest {
		position.Offset = high
	}
	return position, err
}

// findEnds looks up where a bounded run ends.
func (s *Source) findEnds(h *handover) error {
	h.ends = map[int32]int64{}
	if !s.config.UntilEnd && !s.finishing.Load() {
		return nil
	}
	for _, p := range h.assigned {
		_, high, err := s.watermarks(p.Partition.Index)
		if err != nil {
			return err
		}
		h.ends[p.Partition.Index] = high
	}
	return nil
}

func (s *Source) watermarks(index int32) (low, high int64, err error) {
	low, high, err = s.consumer.QueryWatermarkOffsets(s.config.Topic, index, int(requestTimeout.Milliseconds()))
	if err != nil {
		err = fmt.Errorf("ask for the offsets of %s [%d]: %w", s.config.Topic, index, err)
	}
	return low, high, err
}

// assign starts the flow of records.
func (s *Source) assign(h *handover, assign func([]kafka.TopicPartition) error) error {
	if s.queue != nil {
		for _, p := range h.assigned {
			s.queue.Forward(s.config.Topic, p.Partition.Index)
		}
	}
	return assign(s.offsets(h.assigned))
}

// handOver takes a rebalance in Poll's goroutine.
func (s *Source) handOver(h *handover) {
	s.closeBatches()
	if h.revoked == nil {
		s.take(h)
		return
	}
	s.handing = h
	if h.lost {
		s.ready = append(s.ready, source.Event{Lost: h.revoked})
	} else {
		s.ready = append(s.ready, source.Event{Revoked: h.revoked})
	}
}

// take makes partitions this process's own.
func (s *Source) take(h *handover) {
	event := source.Event{Assigned: []record.Position{}}
	var ended []source.Event
	for _, position := range h.assigned {
		index := position.Partition.Index
		p := &partition{next: position.Offset, end: -1}
		if end, bounded := h.ends[index]; bounded {
			p.end = end
			p.done = p.next >= end
		} else {
			s.bounded = false // it may have been on its way here when Finish was called
		}
		s.owned[index] = p
		event.Assigned = append(event.Assigned, position)
		if p.done {
			ended = append(ended, source.Event{Ended: []record.Partition{position.Partition}})
		}
	}
	s.ready = append(append(s.ready, event), ended...)
}

// Release implements source.Source.
func (s *Source) Release(partitions []record.Partition) error {
	gone := map[record.Partition]bool{}
	for _, p := range partitions {
		gone[p] = true
		delete(s.owned, p.Index)
		delete(s.open, p.Index)
		if s.config.Metrics != nil {
			s.config.Metrics.Lag.DeleteLabelValues(s.config.Topic, strconv.Itoa(int(p.Index)))
		}
	}
	kept := s.ready[:0]
	for _, event := range s.ready {
		if event.Records == nil || !gone[event.Records.Partition] {
			kept = append(kept, event)
		}
	}
	s.ready = kept
	if s.handing != nil {
		close(s.handing.released)
		s.handing = nil
	}
	return nil
}
