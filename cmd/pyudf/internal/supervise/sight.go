package supervise

import (
	"cmp"
	"slices"
	"time"

	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// heartbeat is how often a node says that it is there; a node that has not for a while does not count.
const (
	heartbeat = 5 * time.Second
	presumed  = 4 * heartbeat
	// skew is how far the clocks of machines may be apart. What is older was said by a node that went before this one began.
	skew = 10 * time.Minute
)

// sights are when this node saw what others said last, by its own clock: that of another machine may be another one.
type sights map[string]sight

type sight struct {
	said int64
	at   time.Time
	// fresh tells that the node said something since this one looked for the first time.
	fresh bool
}

// look notes what nodes say, and returns those that are there.
func (s sights) look(nodes []*controlv1.Node, now time.Time) []*controlv1.Node {
	there := map[string]bool{}
	var alive []*controlv1.Node
	for _, node := range nodes {
		id := node.GetId()
		there[id] = true
		seen, known := s[id]
		if !known || seen.said != node.GetSeenMs() {
			seen = sight{said: node.GetSeenMs(), at: now, fresh: known}
			s[id] = seen
		}
		if now.Sub(seen.at) < presumed && (seen.fresh || now.Sub(time.UnixMilli(seen.said)).Abs() < skew) {
			alive = append(alive, node)
		}
	}
	for id := range s {
		if !there[id] {
			delete(s, id)
		}
	}
	return alive
}

// alive returns the nodes that said something lately, this one as it is now.
func (n *Node) alive() []*controlv1.Node {
	self, others := n.Node(), n.config.Registry.Nodes()
	others = slices.DeleteFunc(others, func(other *controlv1.Node) bool { return other.GetId() == self.GetId() })
	n.mu.Lock()
	all := append(n.sights.look(others, time.Now()), self)
	n.mu.Unlock()
	slices.SortFunc(all, func(a, b *controlv1.Node) int { return cmp.Compare(a.GetId(), b.GetId()) })
	return all
}
