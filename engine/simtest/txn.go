package simtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// producer is what the cluster knows of a transactional id.
type producer struct {
	// owner is the outlet that opened it last, by the name of its client.
	owner *Outlet
	// epoch grows when somebody else opens the producer, and when a transaction takes too long.
	epoch int
	txn   *txn // nil: none, also none that is being decided
}

// txn is a transaction.
type txn struct {
	state decision
	parts []*log
	// offsets are what becomes the positions of groups.
	offsets map[*group]map[int32]int64
	// left is what is still to be told of the decision.
	left int
}

type decision uint8

const (
	undecided decision = iota
	committed
	aborted
)

func (t *txn) touch(p *log) {
	if !slices.Contains(t.parts, p) {
		t.parts = append(t.parts, p)
	}
}

// decide ends the transaction of a producer. Partitions and groups come to know it one after the other.
func (c *Cluster) decide(p *producer, d decision) {
	t := p.txn
	t.state, t.left = d, len(t.parts)+len(t.offsets)
	told := func() {
		if t.left--; t.left == 0 {
			p.txn = nil
		}
	}
	if t.left == 0 {
		p.txn = nil
	}
	for i, part := range t.parts {
		c.gate.Later(fmt.Sprintf("marker %d", i), func() {
			part.mark(t)
			told()
		})
	}
	for _, g := range slices.SortedFunc(maps.Keys(t.offsets), func(a, b *group) int { return strings.Compare(a.topic.name, b.topic.name) }) {
		c.gate.Later("offsets of "+g.topic.name, func() {
			g.settleOffsets(t.offsets[g], d)
			told()
		})
	}
}

// Expire ends a transaction that takes too long: of a producer whose process is dead, or of any. It returns false if there is none.
func (c *Cluster) Expire(of func(*Client) bool) bool {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(c.producers)) {
		if p := c.producers[id]; p.txn != nil && p.txn.state == undecided && of(p.owner.client) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return false
	}
	p := c.producers[ids[c.gate.Pick(len(ids))]]
	p.epoch++
	c.decide(p, aborted)
	return true
}
