package simtest

import (
	"maps"
	"slices"

	"github.com/pyudf/pyudf/engine/record"
)

// Cluster is topics, the groups that read them, and the producers that have transactions. What is not a call of a client is
// called by whoever holds the gate, or before there are clients.
type Cluster struct {
	gate      Gate
	topics    map[string]*topic
	groups    map[string]*group
	producers map[string]*producer
}

// NewCluster returns a cluster without topics.
func NewCluster(gate Gate) *Cluster {
	return &Cluster{gate: gate, topics: map[string]*topic{}, groups: map[string]*group{}, producers: map[string]*producer{}}
}

// Record is a record of a topic.
type Record struct {
	Partition  int32
	Offset     int64
	Key, Value []byte
	Time       int64
	Headers    []record.Header
}

type topic struct {
	name       string
	partitions []*log
}

// Create makes sure that there is a topic.
func (c *Cluster) Create(name string, partitions int) {
	if c.topics[name] != nil {
		return
	}
	t := &topic{name: name}
	for range partitions {
		t.partitions = append(t.partitions, &log{open: map[*txn]int64{}})
	}
	c.topics[name] = t
}

// Append adds a record that is of no transaction.
func (c *Cluster) Append(name string, index int32, key, value []byte) {
	c.topics[name].partitions[index].append(Record{Partition: index, Key: key, Value: value, Time: 1}, nil)
}

// Committed returns the records of a topic that are not in a transaction which is open or was aborted, by partition.
func (c *Cluster) Committed(name string) []Record {
	var out []Record
	if c.topics[name] == nil {
		return nil
	}
	for _, p := range c.topics[name].partitions {
		for r, ok := p.next(0); ok; r, ok = p.next(r.Offset + 1) {
			out = append(out, r)
		}
	}
	return out
}

// Unread tells whether a group has records before it.
func (c *Cluster) Unread() bool {
	for _, name := range slices.Sorted(maps.Keys(c.groups)) {
		g := c.groups[name]
		for i, p := range g.topic.partitions {
			if _, ok := p.next(max(g.offsets[i], 0)); ok || len(p.open) > 0 || g.pending[i] > 0 {
				return true
			}
		}
	}
	return false
}

// log is one partition of a topic. Markers of transactions take offsets too.
type log struct {
	entries []entry
	// low is the first offset that was not deleted. Only changelogs are.
	low int64
	// open are the transactions that are not decided here, with the offset of their first record.
	open map[*txn]int64
}

type entry struct {
	record Record
	txn    *txn // nil: none
	marker bool
}

func (p *log) end() int64 { return int64(len(p.entries)) }

func (p *log) append(r Record, t *txn) int64 {
	r.Offset = p.end()
	p.entries = append(p.entries, entry{record: r, txn: t})
	if t != nil {
		t.touch(p)
		if _, ok := p.open[t]; !ok {
			p.open[t] = r.Offset
		}
	}
	return r.Offset
}

// mark ends a transaction here.
func (p *log) mark(t *txn) {
	delete(p.open, t)
	p.entries = append(p.entries, entry{marker: true})
}

// stable returns the offset of the first record that is not decided yet.
func (p *log) stable() int64 {
	stable := p.end()
	for _, first := range p.open {
		stable = min(stable, first)
	}
	return stable
}

// next returns the first record from an offset on that can be seen.
func (p *log) next(from int64) (r Record, ok bool) {
	for stable := p.stable(); from < stable; from++ {
		e := &p.entries[from]
		if !e.marker && (e.txn == nil || e.txn.state == committed) {
			return e.record, true
		}
	}
	return Record{}, false
}
