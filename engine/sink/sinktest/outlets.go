package sinktest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/source"
)

// Broker is what transactional outlets write to, as their suite wants it.
type Broker struct {
	// Open opens an outlet of a transactional id, with a log of one partition.
	Open func(t *testing.T, id string) (sink.Outlet, sink.Log)
	// Delivered returns the values of the log that are not in a transaction which was aborted. It may wait until none is open.
	Delivered func(t *testing.T) []string
	// Visible returns the values of the log that can be read while a transaction is open.
	Visible func(t *testing.T) []string
	// Join opens a source of three records in one partition, in a group that has read nothing before.
	Join func(t *testing.T) source.Source
}

// Outlets holds transactional outlets to what the engine needs of them. It calls open anew for each promise.
func Outlets(t *testing.T, open func(t *testing.T) Broker) {
	t.Helper()
	promises := map[string]func(*testing.T, Broker){
		"what is delivered is there at once and in order":           deliveredTogether,
		"what was not delivered before a crash is never there":      lostWithItsProcess,
		"an outlet that somebody has opened again delivers nothing": fencedOutlet,
		"positions are stored by the delivery":                      positionsDelivered,
		"a delivery of nothing is no trouble":                       nothingDelivered,
	}
	for name, promise := range promises {
		t.Run(name, func(t *testing.T) { promise(t, open(t)) })
	}
}

func deliveredTogether(t *testing.T, b Broker) {
	outlet, log := b.Open(t, "id")
	if next := log.Next(0); next != -1 {
		t.Errorf("next is %d before the first delivery", next)
	}
	put(t, log, "1", "2")
	if err := log.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.Visible(t); len(got) > 0 {
		t.Errorf("before the delivery there are %q", got)
	}
	deliver(t, outlet)
	expect(t, b, "1", "2")
	if next := log.Next(0); next != 2 {
		t.Errorf("next is %d behind two messages", next)
	}
	put(t, log, "3")
	deliver(t, outlet)
	expect(t, b, "1", "2", "3")
	if next := log.Next(0); next != 4 {
		t.Errorf("next is %d behind three messages and a transaction", next)
	}
}

func lostWithItsProcess(t *testing.T, b Broker) {
	_, log := b.Open(t, "id")
	put(t, log, "lost")
	if err := log.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	outlet, log := b.Open(t, "id")
	put(t, log, "1")
	deliver(t, outlet)
	expect(t, b, "1")
}

func fencedOutlet(t *testing.T, b Broker) {
	old, oldLog := b.Open(t, "id")
	put(t, oldLog, "0")
	deliver(t, old)
	outlet, log := b.Open(t, "id")
	put(t, log, "1")
	messages := Messages("lost")
	messages.Partitions = []int32{0}
	_, err := oldLog.Write(t.Context(), messages)
	if delivered := old.Deliver(t.Context(), nil); err == nil && delivered == nil {
		t.Error("the outlet that was opened first delivers")
	}
	deliver(t, outlet)
	expect(t, b, "0", "1")
}

func positionsDelivered(t *testing.T, b Broker) {
	outlet, log := b.Open(t, "id")
	s := b.Join(t)
	p := begun(t, s)
	put(t, log, "1")
	reads := []sink.Read{{Source: s, Positions: []record.Position{{Partition: p, Offset: 2}}}}
	if offset, err := s.Committed(t.Context(), p); offset != -1 || err != nil {
		t.Errorf("before the delivery %d is committed, %v", offset, err)
	}
	if err := outlet.Deliver(t.Context(), reads); err != nil {
		t.Fatal(err)
	}
	if err := outlet.Acknowledge(t.Context(), reads); err != nil {
		t.Error(err)
	}
	if offset, err := s.Committed(t.Context(), p); offset != 2 || err != nil {
		t.Errorf("after the delivery %d is committed, %v", offset, err)
	}
	expect(t, b, "1")
}

func nothingDelivered(t *testing.T, b Broker) {
	outlet, log := b.Open(t, "id")
	deliver(t, outlet)
	deliver(t, outlet)
	put(t, log, "1")
	deliver(t, outlet)
	deliver(t, outlet)
	expect(t, b, "1")
}

// begun waits for the partition of a source, and begins it.
func begun(t *testing.T, s source.Source) record.Partition {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		event, err := s.Poll(ctx)
		if err != nil {
			t.Fatalf("poll for the assignment: %v", err)
		}
		if len(event.Assigned) == 0 {
			continue
		}
		if _, err := s.Begin(ctx, event.Assigned[0], -1); err != nil {
			t.Fatal(err)
		}
		return event.Assigned[0]
	}
}

func put(t *testing.T, to sink.Sink, values ...string) {
	t.Helper()
	messages := Messages(values...)
	messages.Partitions = make([]int32, len(values))
	if rejected, err := to.Write(t.Context(), messages); err != nil || len(rejected) > 0 {
		t.Fatalf("write: rejected %v, %v", rejected, err)
	}
}

func deliver(t *testing.T, outlet sink.Outlet) {
	t.Helper()
	if err := outlet.Deliver(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, b Broker, want ...string) {
	t.Helper()
	if got := b.Delivered(t); !slices.Equal(got, want) {
		t.Errorf("delivered are %q, want %q", got, want)
	}
}
