package simtest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

// idleAfter is how long Poll waits before it says so.
const idleAfter = 50 * time.Millisecond

// Source reads one topic as a member of its group. The gate guards it.
type Source struct {
	cluster *Cluster
	client  *Client
	name    string
	group   *group
	member  *member
	// untilEnd has partitions end where they end when they begin.
	untilEnd bool
	// events are those that Poll gives before any records.
	events []source.Event
	// given are partitions that the engine was told of and has not released; cursors are those that were begun.
	given   map[int32]bool
	cursors map[int32]*cursor
	closed  bool
	// polled is when Poll gave something last.
	polled time.Time
}

// cursor is how far a partition was read.
type cursor struct {
	log  *log
	next int64
	// end is where a bounded partition ends; -1: nowhere.
	end int64
	// ended tells that Poll has said so; caughtUp that it has said that there is nothing more for now.
	ended, caughtUp bool
}

var _ source.Source = (*Source)(nil)

// OpenSource joins the group of a topic, which is created if need be, as an instance that keeps its partitions when it comes back.
func (c *Cluster) OpenSource(ctx context.Context, client *Client, topic, instance string) (*Source, error) {
	s := &Source{cluster: c, client: client, name: topic, given: map[int32]bool{}, cursors: map[int32]*cursor{}}
	return s, s.call(ctx, "join", nil, func() error {
		s.group = c.group(topic)
		s.group.join(s, instance)
		return nil
	})
}

// UntilEnd makes the source a bounded one. It is called before the first Poll.
func (s *Source) UntilEnd() { s.untilEnd = true }

func (s *Source) call(ctx context.Context, name string, ready func() bool, do func() error) error {
	return s.cluster.gate.Call(ctx, Call{Client: s.client, Name: s.name + " " + name, Ready: ready, Do: do})
}

// moved is how much time passes at least if any does.
const moved = time.Millisecond

// Poll implements source.Source. If time has passed since the last call it gives no records, but the next call does: the engine
// has something to do because of the clock, and would do both at once. Then it would not be the gate that decides whether the
// records are part of an epoch.
func (s *Source) Poll(ctx context.Context) (event source.Event, err error) {
	enough := time.Now().Add(idleAfter)
	ready := func() bool { return s.something() || !time.Now().Before(enough) }
	err = s.call(ctx, "poll", ready, func() error {
		passed := time.Since(s.polled)
		s.polled = time.Now()
		if len(s.events) == 0 && !s.member.fenced && passed >= moved {
			event = source.Event{Idle: true}
			return nil
		}
		event, err = s.poll()
		return err
	})
	return event, err
}

var errFenced = errors.New("another process has joined the group as this node")

// something tells whether there is more to say than that nothing happens.
func (s *Source) something() bool {
	if len(s.events) > 0 || s.member.fenced {
		return true
	}
	for _, c := range s.cursors {
		if _, ok := c.log.next(c.next); ok && !c.ended || c.news() {
			return true
		}
	}
	return false
}

// news tells that a partition has nothing to give, and that this was not said.
func (c *cursor) news() bool {
	if _, ok := c.log.next(c.next); ok && !c.ended {
		return false
	}
	return !c.caughtUp && c.log.stable() == c.log.end() || c.end >= 0 && !c.ended && c.log.stable() >= c.end
}

func (s *Source) poll() (source.Event, error) {
	if s.member.fenced {
		return source.Event{}, errFenced
	}
	if len(s.events) > 0 {
		event := s.events[0]
		s.events = s.events[1:]
		for _, p := range event.Assigned {
			s.given[p.Index] = true
		}
		return event, nil
	}
	var full []int32
	for _, index := range slices.Sorted(maps.Keys(s.cursors)) {
		c := s.cursors[index]
		if c.news() {
			return s.newsOf(index, c), nil
		}
		if _, ok := c.log.next(c.next); ok && !c.ended {
			full = append(full, index)
		}
	}
	if len(full) == 0 {
		return source.Event{Idle: true}, nil
	}
	return source.Event{Records: s.batch(full[s.cluster.gate.Pick(len(full))])}, nil
}

func (s *Source) newsOf(index int32, c *cursor) source.Event {
	partitions := []record.Partition{s.group.partition(int(index))}
	if c.end >= 0 && !c.ended {
		c.ended = true
		return source.Event{Ended: partitions}
	}
	c.caughtUp = true
	return source.Event{CaughtUp: partitions}
}

// most is the most records of a batch.
const most = 500

// batch takes some records of a partition that has any.
func (s *Source) batch(index int32) *record.Batch {
	c := s.cursors[index]
	c.caughtUp = false
	b := &record.Batch{Partition: s.group.partition(int(index))}
	size := 1 + s.cluster.gate.Pick(min(most, int(c.log.end()-c.next)))
	for b.Len() < size {
		r, ok := c.log.next(c.next)
		if !ok || c.end >= 0 && r.Offset >= c.end {
			break
		}
		c.next = r.Offset + 1
		b.Offsets, b.Times = append(b.Offsets, r.Offset), append(b.Times, r.Time)
		b.Keys.Append(r.Key)
		b.Values.Append(r.Value)
		b.Headers = append(b.Headers, r.Headers)
	}
	return b
}

// Committed implements source.Source.
func (s *Source) Committed(ctx context.Context, p record.Partition) (offset int64, err error) {
	name := s.group.partition(int(p.Index))
	settled := func() bool { return s.group.pending[p.Index] == 0 }
	err = s.call(ctx, "committed "+nameOf(name), settled, func() error {
		offset = s.group.offsets[p.Index]
		return nil
	})
	return offset, err
}

func nameOf(p record.Partition) string { return strconv.Itoa(int(p.Index)) }

// Begin implements source.Source.
func (s *Source) Begin(ctx context.Context, p record.Partition, from int64) (int64, error) {
	from = max(from, 0)
	return from, s.call(ctx, "begin "+nameOf(p), nil, func() error {
		c := &cursor{log: s.group.topic.partitions[p.Index], next: from, end: -1}
		if s.untilEnd {
			c.end = c.log.end()
		}
		s.cursors[p.Index] = c
		return nil
	})
}

// Halt implements source.Source.
func (s *Source) Halt(partitions []record.Partition) error {
	return s.call(context.Background(), "halt", nil, func() error {
		for _, p := range partitions {
			delete(s.cursors, p.Index)
		}
		return nil
	})
}

// Release implements source.Source.
func (s *Source) Release(partitions []record.Partition) error {
	return s.call(context.Background(), "release", nil, func() error {
		for _, p := range partitions {
			delete(s.cursors, p.Index)
			delete(s.given, p.Index)
			s.group.release(s.member, p.Index)
		}
		s.rejoin()
		return nil
	})
}

// lose has the source learn that the group has put it out.
func (s *Source) lose() {
	if s.closed || s.client.dead.Load() {
		return
	}
	s.events = nil
	var lost []record.Partition
	for _, index := range slices.Sorted(maps.Keys(s.given)) {
		lost = append(lost, s.group.partition(int(index)))
	}
	if lost != nil {
		s.events = append(s.events, source.Event{Lost: lost})
	}
	s.rejoin()
}

// rejoin joins the group again once the engine has given everything up that it had before.
func (s *Source) rejoin() {
	if s.member.out && !s.member.fenced && !s.closed && len(s.given) == 0 {
		s.group.join(s, s.member.instance)
	}
}

// Commit implements source.Source.
func (s *Source) Commit(ctx context.Context, positions []record.Position) error {
	return s.call(ctx, "store offsets", nil, func() error {
		if s.member.out {
			return errNoMember
		}
		for _, p := range positions {
			s.group.offsets[p.Partition.Index] = p.Offset
		}
		return nil
	})
}

// Close implements source.Source. The group keeps the partitions of the member for when it comes back.
func (s *Source) Close() error {
	return s.call(context.Background(), "close", nil, func() error {
		s.closed = true
		clear(s.cursors)
		return nil
	})
}
