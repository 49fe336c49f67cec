package simtest

import (
	"errors"
	"slices"
	"strings"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

// group is the consumer group of one topic, as cooperative rebalances have it: who owns a partition keeps it until it gives it up.
type group struct {
	gate    Gate
	topic   *topic
	members []*member
	// owner has each partition; target is to have it. revoking are those whose owner was told.
	owner, target []*member
	revoking      []bool
	// offsets are committed; -1: none is. pending counts the transactions that may change them.
	offsets []int64
	pending []int
}

// member is one source, from when it joins until the group puts it out, or another one joins in its name.
type member struct {
	instance string
	source   *Source
	out      bool
	// fenced tells that another process joined in its name.
	fenced bool
}

var errNoMember = errors.New("the group does not know the member any more")

func (c *Cluster) group(name string) *group {
	if c.groups[name] == nil {
		t := c.topics[name]
		n := len(t.partitions)
		g := &group{gate: c.gate, topic: t, owner: make([]*member, n), target: make([]*member, n), revoking: make([]bool, n), pending: make([]int, n)}
		for range n {
			g.offsets = append(g.offsets, -1)
		}
		c.groups[name] = g
	}
	return c.groups[name]
}

// join takes a source as a member. One of the same instance is replaced, whose partitions it has at once.
func (g *group) join(s *Source, instance string) *member {
	m := &member{instance: instance, source: s}
	i := slices.IndexFunc(g.members, func(other *member) bool { return other.instance == instance })
	if i < 0 {
		g.members = append(g.members, m)
		slices.SortFunc(g.members, func(a, b *member) int { return strings.Compare(a.instance, b.instance) })
		s.member = m
		s.events = append(s.events, source.Event{Assigned: []record.Partition{}})
		g.Rebalance()
		return m
	}
	old := g.members[i]
	old.out, old.fenced = true, true
	g.members[i] = m
	s.member = m
	given := []record.Partition{}
	for p := range g.owner {
		if g.target[p] == old {
			g.target[p] = m
		}
		if g.owner[p] != old {
			continue
		}
		g.owner[p], g.revoking[p] = nil, false
		if g.target[p] == m {
			g.owner[p] = m
			given = append(given, g.partition(p))
		}
	}
	s.events = append(s.events, source.Event{Assigned: given})
	g.settle()
	return m
}

func (g *group) partition(i int) record.Partition {
	return record.Partition{Topic: g.topic.name, Index: int32(i)} //nolint:gosec // few
}

// Rebalance chooses anew who is to have which partition.
func (g *group) Rebalance() {
	if len(g.members) == 0 {
		return
	}
	for p := range g.target {
		g.target[p] = g.members[g.gate.Pick(len(g.members))]
	}
	g.settle()
}

// settle gives partitions that nobody owns to whom they are for, and tells owners which they have to give up.
func (g *group) settle() {
	given, taken := map[*member][]record.Partition{}, map[*member][]record.Partition{}
	for p, owner := range g.owner {
		target := g.target[p]
		switch {
		case owner == target || target == nil || target.out:
		case owner == nil:
			g.owner[p] = target
			given[target] = append(given[target], g.partition(p))
		case !g.revoking[p]:
			g.revoking[p] = true
			taken[owner] = append(taken[owner], g.partition(p))
		}
	}
	for _, m := range g.members {
		if partitions := taken[m]; partitions != nil {
			m.source.events = append(m.source.events, source.Event{Revoked: partitions})
		}
		if partitions := given[m]; partitions != nil {
			m.source.events = append(m.source.events, source.Event{Assigned: partitions})
		}
	}
}

// release has a member give a partition up that was asked back.
func (g *group) release(m *member, index int32) {
	if g.owner[index] == m && g.revoking[index] {
		g.owner[index], g.revoking[index] = nil, false
		g.settle()
	}
}

// expire puts a member out that was not heard of, and gives its partitions to others. It does not know that yet.
func (g *group) expire(m *member) {
	m.out = true
	g.members = slices.DeleteFunc(g.members, func(other *member) bool { return other == m })
	for p := range g.owner {
		if g.owner[p] == m {
			g.owner[p], g.revoking[p] = nil, false
		}
	}
	m.source.lose()
	g.Rebalance()
}

// promise takes offsets into a transaction.
func (g *group) promise(t *txn, m *member, positions []record.Position) error {
	if m.out {
		return errNoMember
	}
	if t.offsets[g] == nil {
		t.offsets[g] = map[int32]int64{}
	}
	for _, p := range positions {
		if _, again := t.offsets[g][p.Partition.Index]; !again {
			g.pending[p.Partition.Index]++
		}
		t.offsets[g][p.Partition.Index] = p.Offset
	}
	return nil
}

// settleOffsets makes the offsets of a transaction those of the group, or forgets them.
func (g *group) settleOffsets(offsets map[int32]int64, d decision) {
	for index, offset := range offsets {
		g.pending[index]--
		if d == committed {
			g.offsets[index] = offset
		}
	}
}
