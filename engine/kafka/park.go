package kafka

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/source"
)

var (
	_ source.Stayer = (*Source)(nil)
	_ sink.Stayer   = (*Outlet)(nil)
)

// parking are the clients of a run that has ended, for the one that follows it on this node with the same group: they stay
// connected, in their groups and in their generations, so that it goes on at once.
type parking struct {
	mu      sync.Mutex // guards what follows
	sources map[parkedSource]*Source
	outlets map[string]*Outlet // by transactional id
}

// parkedSource is what a source is found by.
type parkedSource struct{ topic, group, instance string }

// settleWithin is how long a client that is parked may take to end what it does; it is closed then.
const settleWithin = time.Second

// Stay implements source.Stayer.
func (s *Source) Stay() { s.staying.Store(true) }

// park keeps the client for who opens the same source next, and tells whether it could. REQUIRES: nobody polls the source.
func (s *Source) park() bool {
	if !s.staying.Swap(false) || s.config.InstanceID == "" || s.fast == nil || s.fast.Failed() || s.lost.Load() || s.handing != nil {
		return false
	}
	if !s.slow.settled(settleWithin) || s.fast.Unassign(s.config.Topic, s.reading.takeAll()) != nil {
		return false
	}
	s.queue.Close() // with what is left in it
	s.queue = nil
	c := s.cluster
	c.parking.mu.Lock()
	defer c.parking.mu.Unlock()
	if c.parking.sources == nil {
		c.parking.sources = map[parkedSource]*Source{}
	}
	c.parking.sources[parkedSource{s.config.Topic, s.config.Group, s.config.InstanceID}] = s
	return true
}

// unpark returns a source that was parked, nil if there is none. It gives the partitions that it has.
func (c *Cluster) unpark(config SourceConfig) *Source {
	c.parking.mu.Lock()
	defer c.parking.mu.Unlock()
	key := parkedSource{config.Topic, config.Group, config.InstanceID}
	s := c.parking.sources[key]
	if s == nil {
		return nil
	}
	delete(c.parking.sources, key)
	s.config.Start, s.config.UntilEnd, s.config.Metrics = config.Start, config.UntilEnd, config.Metrics
	s.queue = s.fast.NewQueue(maxRecords)
	s.closed = sync.Once{}
	s.finishing.Store(false)
	s.Note("")
	s.open, s.order, s.ready, s.lagAt, s.bounded = map[int32]*record.Batch{}, nil, nil, time.Time{}, false
	if s.given {
		has := []record.Partition{}
		for index := range s.owned {
			s.owned[index] = &partition{next: -1, end: -1}
			has = append(has, s.named(index))
		}
		s.ready = []source.Event{{Assigned: has}}
	}
	return s
}

// takeAll removes all partitions that the client reads, and returns them.
func (r *reading) takeAll() []int32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []int32
	for index := range r.all {
		all = append(all, index)
	}
	r.all = nil
	return all
}

// settled tells whether no call is under way, or ends in time.
func (c *calls) settled(within time.Duration) bool {
	done := make(chan struct{})
	go func() {
		c.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(within):
		return false
	}
}

// Stay implements sink.Stayer.
func (o *Outlet) Stay() { o.staying.Store(true) }

// park keeps the producer for who opens the same outlet next, and tells whether it could: nothing must be open or lost.
func (o *Outlet) park() bool {
	if !o.staying.Swap(false) || !o.transactional() || !o.calls.settled(settleWithin) {
		return false
	}
	o.mu.Lock()
	clean := o.begun.IsZero() && !o.failed
	o.mu.Unlock()
	if _, lost := o.producer.lost(); !clean || lost != nil || o.producer.client.FatalError() != nil {
		return false
	}
	o.producer.forgetAll()
	o.freeOffsets()
	c := o.cluster
	c.parking.mu.Lock()
	defer c.parking.mu.Unlock()
	if c.parking.outlets == nil {
		c.parking.outlets = map[string]*Outlet{}
	}
	c.parking.outlets[o.config.TransactionalID] = o
	return true
}

// unparkOutlet returns an outlet that was parked, nil if there is none of this kind. One of another kind is closed.
func (c *Cluster) unparkOutlet(config OutletConfig) *Outlet {
	c.parking.mu.Lock()
	o := c.parking.outlets[config.TransactionalID]
	delete(c.parking.outlets, config.TransactionalID)
	c.parking.mu.Unlock()
	if o == nil {
		return nil
	}
	o.closed = sync.Once{}
	if o.config != config {
		_ = o.Close()
		return nil
	}
	o.written.Store(0)
	return o
}

// Leave closes the clients of a group and of its stages that wait for a run which does not come, so that others get their
// partitions.
func (c *Cluster) Leave(group string) error {
	return c.parking.clear(func(name string) bool { return name == group || strings.HasPrefix(name, group+".") })
}

// clear closes what nobody came for, by the names of groups and transactional ids. The groups learn that this process does not
// come back.
func (p *parking) clear(of func(name string) bool) error {
	p.mu.Lock()
	var sources []*Source
	for key, s := range p.sources {
		if of(key.group) {
			sources = append(sources, s)
			delete(p.sources, key)
		}
	}
	var outlets []*Outlet
	for id, o := range p.outlets {
		if of(id) {
			outlets = append(outlets, o)
			delete(p.outlets, id)
		}
	}
	p.mu.Unlock()
	var errs []error
	for _, s := range sources {
		s.closed = sync.Once{}
		s.Leave()
		errs = append(errs, s.Close())
	}
	for _, o := range outlets {
		o.closed = sync.Once{}
		errs = append(errs, o.Close())
	}
	return errors.Join(errs...)
}
