package kafka

import (
	"fmt"
	"sync"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/engine/kafka/rdkafka"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/source"
)

// rebalance is called by the client in pollClient's goroutine. New partitions are accepted at once and without records, so
// that the group goes on; Begin adds them to what the client reads. For revoked ones it waits until the engine has released
// them: only then the client goes on, so that no other process gets a partition before this one is done with it. Lost ones
// are another process's already, and the client joins the group again meanwhile: until it does, its heartbeats fence it.
//
// Nothing else may take partitions away from the client: while a revocation waits, it takes any call for the engine's answer.
func (s *Source) rebalance(_ *kafka.Consumer, event kafka.Event) error {
	switch e := event.(type) {
	case kafka.AssignedPartitions:
		err := s.consumer.IncrementalAssign(nil)
		s.send(&handover{assigned: s.allNamed(e.Partitions)})
		s.mendLater()
		return err
	case kafka.RevokedPartitions:
		h := &handover{revoked: s.allNamed(e.Partitions), lost: s.consumer.AssignmentLost(), released: make(chan struct{})}
		if h.lost {
			s.lost.Store(s.lost.Load() || len(h.revoked) > 0)
			err := s.unassign(e.Partitions)
			s.giveUp(h)
			return err
		}
		s.giveUp(h)
		return s.unassign(e.Partitions)
	}
	return nil
}

// giveUp hands partitions that go to the engine, and waits until it is done with them.
func (s *Source) giveUp(h *handover) {
	if len(h.revoked) > 0 && s.send(h) {
		s.awaitRelease(h)
	}
}

// progress returns positions for a transaction to store. Once partitions were lost it returns an error: the client may be in
// the group again, in a generation that brokers take positions from, while the engine has not heard of the loss.
func (s *Source) progress(positions []record.Position) (*rdkafka.Progress, error) {
	progress, err := s.fast.Progress(positions, s.notes.own()) // before the look: a generation that is younger than the loss comes after it
	if err == nil && s.lost.Load() {
		progress.Close()
		err = s.lostError()
	}
	return progress, err
}

func (s *Source) lostError() error {
	return fmt.Errorf("%w: partitions of topic %q were lost to another process", sink.ErrAborted, s.config.Topic)
}

func (s *Source) unassign(partitions []kafka.TopicPartition) error {
	return s.consumer.IncrementalUnassign(s.reading.take(partitions))
}

// awaitRelease waits until the engine is done with partitions, or the source is closed.
func (s *Source) awaitRelease(h *handover) {
	for {
		select {
		case <-h.released:
			return
		case <-s.closing:
			return
		case call := <-s.calls:
			call()
		}
	}
}

// reading are the partitions that the client reads: those that began. Asking the client itself may wait for its own callback.
type reading struct {
	mu  sync.Mutex // guards all
	all map[int32]bool
}

func (r *reading) add(index int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[int32]bool{}
	}
	r.all[index] = true
}

// take removes those of revoked partitions that the client reads, and returns them.
func (r *reading) take(revoked []kafka.TopicPartition) []kafka.TopicPartition {
	r.mu.Lock()
	defer r.mu.Unlock()
	var read []kafka.TopicPartition
	for _, p := range revoked {
		if r.all[p.Partition] {
			read = append(read, p)
			delete(r.all, p.Partition)
		}
	}
	return read
}

func (s *Source) allNamed(partitions []kafka.TopicPartition) []record.Partition {
	named := []record.Partition{}
	for _, p := range partitions {
		named = append(named, s.named(p.Partition))
	}
	return named
}

// handOver takes a rebalance in Poll's goroutine.
func (s *Source) handOver(h *handover) {
	s.closeBatches()
	switch {
	case h.assigned != nil:
		s.given = true
		for _, p := range h.assigned {
			s.owned[p.Index] = &partition{next: -1, end: -1}
		}
		s.ready = append(s.ready, source.Event{Assigned: h.assigned})
	case h.lost:
		s.handing = h
		s.ready = append(s.ready, source.Event{Lost: h.revoked})
	default:
		s.handing = h
		s.ready = append(s.ready, source.Event{Revoked: h.revoked})
	}
}
