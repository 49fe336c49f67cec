package window_test

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/window"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

const batchRows = 8192

// load is records of many keys, in batches: record i is of key i*7919 modulo the keys, and of a time that the caller sets.
type load struct {
	keys, next int
	values     *record.Column
	rows       window.Rows
}

func newLoad(keys int) *load {
	b := record.NewBuilder(record.Float64, batchRows)
	for i := range batchRows {
		b.Float(float64(i%600)/10 - 20)
	}
	values := b.Column()
	l := &load{keys: keys, values: &values}
	l.rows.Inputs, l.rows.Offsets = make([]int32, batchRows), make([]int64, batchRows)
	l.rows.Values = []*record.Column{nil, l.values}
	return l
}

// batch returns the next records; step is the ms between two.
func (l *load) batch(step float64) *window.Rows {
	l.rows.Keys = &record.Arena{}
	l.rows.Times, l.rows.Watermarks = l.rows.Times[:0], l.rows.Watermarks[:0]
	for range batchRows {
		l.rows.Keys.Append(fmt.Appendf(nil, "tstation-%06d", l.next*7919%l.keys))
		l.rows.Watermarks = append(l.rows.Watermarks, int64(math.Floor(float64(l.next-1)*step)))
		l.rows.Times = append(l.rows.Times, int64(math.Floor(float64(l.next)*step)))
		l.next++
	}
	return &l.rows
}

// countAndMean returns an operator with two aggregates.
func countAndMean(b *testing.B, config window.Config) *window.Operator {
	b.Helper()
	columns, types := columnsOf(b, []aggregate.Spec{
		{Op: planv1.AggregateOp_AGGREGATE_OP_COUNT}, {Op: planv1.AggregateOp_AGGREGATE_OP_MEAN, Argument: record.Float64},
	})
	return window.New(config, columns, types)
}

func BenchmarkAddTumbling(b *testing.B) {
	for _, keys := range []int{10, 1_000_000} {
		b.Run(fmt.Sprintf("%d keys", keys), func(b *testing.B) {
			op, l := countAndMean(b, tumbling(10_000)), newLoad(keys)
			step := 10_000 / (3 * float64(max(keys, 1000))) // each key has three records in a window
			rows := 0
			b.ResetTimer()
			for rows < b.N {
				b.StopTimer()
				batch := l.batch(step)
				b.StartTimer()
				op.Add(batch)
				op.Results()
				rows += batchRows
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// R1: a million keys with one open window each, then a hundred windows later, then with all closed and the changes saved.
func BenchmarkMemoryOfAMillionKeys_R1(b *testing.B) {
	const keys = 1_000_000
	for range b.N {
		l := newLoad(keys)
		before := heap()
		op := countAndMean(b, tumbling(1000))
		fill := func(from int64) {
			for rows := 0; rows < keys; rows += batchRows {
				batch := l.batch(0)
				for i := range batch.Times {
					batch.Times[i], batch.Watermarks[i] = from, from
				}
				op.Add(batch)
				op.Results()
			}
		}
		fill(0)
		open := heap()
		b.ReportMetric(float64(open-before)/keys, "bytes/key")
		for rolling := range int64(3) {
			fill(1000 * (rolling + 1))
		}
		b.ReportMetric(float64(heap()-before)/keys, "bytes/key-rolling")
		op.Advance(window.MaxTime)
		op.Results()
		stored := 0
		op.Save(func(_ uint32, state []byte) {
			if state != nil {
				stored++
			}
		})
		if op.Open() != 0 || stored != 0 {
			b.Fatalf("%d cells are open and %d stored after the end", op.Open(), stored)
		}
		b.ReportMetric(float64(heap()-before)/keys, "bytes/key-closed")
		runtime.KeepAlive(op)
		runtime.KeepAlive(l)
	}
}

// A key with thousands of records in a sliding window: each gives a result of all that are in it.
func BenchmarkSlidingWindowOfManyRecords(b *testing.B) {
	for _, records := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprintf("%d records", records), func(b *testing.B) {
			op, l := countAndMean(b, sliding(int64(records))), newLoad(1)
			rows := 0
			b.ResetTimer()
			for rows < b.N {
				op.Add(l.batch(1))
				op.Results()
				rows += batchRows
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
		})
	}
}
