package simtest

import (
	"context"

	"github.com/pyudf/pyudf/engine/changelog"
	"github.com/pyudf/pyudf/engine/record"
)

// chunk is how many records of a changelog are read by one call.
const chunk = 20

// Log reads changelogs.
type Log struct {
	cluster *Cluster
	client  *Client
}

var _ changelog.Log = (*Log)(nil)

// OpenLog returns what a client reads changelogs with.
func (c *Cluster) OpenLog(client *Client) *Log { return &Log{c, client} }

func (l *Log) call(ctx context.Context, name string, p record.Partition, ready func() bool, do func()) error {
	name = p.Topic + " " + nameOf(p) + " " + name
	return l.cluster.gate.Call(ctx, Call{Client: l.client, Name: name, Ready: ready, Do: func() error {
		do()
		return nil
	}})
}

// log returns a partition; nil: there is none.
func (l *Log) log(p record.Partition) *log {
	if t := l.cluster.topics[p.Topic]; t != nil {
		return t.partitions[p.Index]
	}
	return &log{}
}

// Bounds implements changelog.Log.
func (l *Log) Bounds(ctx context.Context, p record.Partition) (low, end int64, err error) {
	err = l.call(ctx, "bounds", p, nil, func() { low, end = l.log(p).low, l.log(p).end() })
	return low, end, err
}

// Read implements changelog.Log.
func (l *Log) Read(ctx context.Context, p record.Partition, from int64, take func(next int64, value []byte) error) (int64, error) {
	_, end, err := l.Bounds(ctx, p)
	decided := func() bool { return l.log(p).stable() >= end }
	for err == nil && from < end {
		var values []Record
		deleted := false
		err = l.call(ctx, "read", p, decided, func() {
			deleted = from < l.log(p).low
			values, from = l.some(p, from, end)
		})
		if err == nil && deleted {
			err = changelog.ErrGap
		}
		for i := 0; i < len(values) && err == nil; i++ {
			err = take(values[i].Offset+1, values[i].Value)
		}
	}
	return from, err
}

// some returns the next records before an end, and where to go on.
func (l *Log) some(p record.Partition, from, end int64) (values []Record, next int64) {
	for range chunk {
		r, ok := l.log(p).next(from)
		if !ok || r.Offset >= end {
			return values, end
		}
		values, from = append(values, r), r.Offset+1
	}
	return values, from
}
