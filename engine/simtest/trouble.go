package simtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// trouble is what goes wrong.
type trouble int

const (
	crash trouble = iota
	crashInCall
	stop
	freeze
	outOfGroup
	rebalance
	timeout
	emptyDisk
	retention
	troubles // how many there are
)

// trouble has something go wrong, now and then.
func (w *World) trouble() bool {
	t := trouble(w.conductor.Pick(int(troubles)))
	if w.conductor.Pick(1000) >= w.likely[t] {
		return false
	}
	switch t {
	case crash:
		return w.withRunning("crash", func(n *node) { n.crash() })
	case crashInCall:
		return w.crashInCall()
	case stop:
		return w.withRunning("stop", func(n *node) { n.stop() })
	case freeze:
		return w.freeze()
	case outOfGroup:
		return w.outOfGroup(func(*member) bool { return true })
	case rebalance:
		return w.rebalance()
	case timeout:
		return w.happened("timeout", w.cluster.Expire(func(*Client) bool { return true }))
	case retention:
		return w.happened("retention", w.forget())
	default:
		n := w.nodes[w.conductor.Pick(len(w.nodes))]
		return w.happened("empty disk", n.wipe())
	}
}

// happened counts what happened, if it did.
func (w *World) happened(what string, did bool) bool {
	if did {
		w.Count[what]++
		w.conductor.Note("-- %s", what)
	}
	return did
}

func (w *World) withRunning(what string, do func(*node)) bool {
	running := slices.DeleteFunc(slices.Clone(w.nodes), func(n *node) bool { return !n.running() })
	if len(running) == 0 {
		return false
	}
	n := running[w.conductor.Pick(len(running))]
	do(n)
	w.conductor.Note("-- of %s:", n.name)
	return w.happened(what, true)
}

// crashInCall has a process die that waits for something, before it takes effect or after.
func (w *World) crashInCall() bool {
	calls := slices.DeleteFunc(w.conductor.ready(), func(c *waiting) bool { return c.call.Client == nil })
	if len(calls) == 0 {
		return false
	}
	c := calls[w.conductor.Pick(len(calls))]
	i := slices.IndexFunc(w.nodes, func(n *node) bool { return n.client == c.call.Client })
	if i < 0 {
		return false
	}
	when := "before"
	if w.conductor.Pick(2) == 0 {
		when = "after"
		_ = c.call.Do() // nobody gets to know whether it went well
	}
	w.nodes[i].crash()
	w.conductor.Note("-- %s dies %s %s", c.client(), when, c.call.Name)
	return w.happened("crash in a call", true)
}

// freeze has a process stand still while it waits for something; groups may find that it is dead.
func (w *World) freeze() bool {
	calls := slices.DeleteFunc(w.conductor.ready(), func(c *waiting) bool { return c.call.Client == nil })
	if len(calls) == 0 {
		return false
	}
	c := calls[w.conductor.Pick(len(calls))]
	w.conductor.freeze(c.call.Client, 10+w.conductor.Pick(150))
	w.conductor.Note("-- %s stands still at %s", c.client(), c.call.Name)
	for range len(w.groups()) * w.conductor.Pick(2) {
		w.outOfGroup(func(m *member) bool { return m.source.client == c.call.Client })
	}
	return w.happened("standstill", true)
}

func (w *World) groups() []*group {
	var out []*group
	for _, name := range slices.Sorted(maps.Keys(w.cluster.groups)) {
		out = append(out, w.cluster.groups[name])
	}
	return out
}

func (w *World) rebalance() bool {
	groups := w.groups()
	if len(groups) == 0 {
		return false
	}
	groups[w.conductor.Pick(len(groups))].Rebalance()
	return w.happened("rebalance", true)
}

// forget deletes the records of a changelog that the snapshot of its store has.
func (w *World) forget() bool {
	if w.shelf == nil {
		return false
	}
	var stores []string
	logs := map[string]*log{}
	for _, name := range slices.Sorted(maps.Keys(w.cluster.topics)) {
		of, is := strings.CutPrefix(name, changelogOf)
		if !is {
			continue
		}
		kind := "stage"
		if of == w.config.Topic {
			kind = "topic"
		}
		for i, log := range w.cluster.topics[name].partitions {
			store := fmt.Sprintf("%s-%s-%d", kind, of, i)
			if log.low < w.shelf.offset(store) {
				stores, logs[store] = append(stores, store), log
			}
		}
	}
	if len(stores) == 0 {
		return false
	}
	store := stores[w.conductor.Pick(len(stores))]
	logs[store].low = w.shelf.offset(store)
	return true
}

// outOfGroup has a group put out a member.
func (w *World) outOfGroup(who func(*member) bool) bool {
	for _, g := range w.groups() {
		var members []*member
		for _, m := range g.members {
			if who(m) {
				members = append(members, m)
			}
		}
		if len(members) > 0 && w.conductor.Pick(2) == 0 {
			g.expire(members[w.conductor.Pick(len(members))])
			return w.happened("out of the group", true)
		}
	}
	return false
}
