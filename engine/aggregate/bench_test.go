package aggregate_test

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/record"
)

const rows = 8192

// readings are temperatures with one decimal, as a sensor has them.
func readings() *record.Column {
	g := rand.New(rand.NewPCG(1, 1))
	b := record.NewBuilder(record.Float64, rows)
	for range rows {
		b.Float(float64(g.IntN(600)-200) / 10)
	}
	c := b.Column()
	return &c
}

func counts() *record.Column {
	b := record.NewBuilder(record.Int64, rows)
	for i := range rows {
		b.Int(int64(i * 7919 % 1000))
	}
	c := b.Column()
	return &c
}

func BenchmarkAdd(b *testing.B) {
	columns := map[record.Type]*record.Column{record.Float64: readings(), record.Int64: counts()}
	for _, spec := range everySpec() {
		values := columns[spec.Argument]
		if values == nil || spec.Op == collect {
			continue
		}
		for name, cells := range map[string]int{"100 cells": 100, "100,000 cells": 100_000} {
			b.Run(title(spec)+"/"+name, func(b *testing.B) {
				c := newColumn(b, spec, cells)
				b.ResetTimer()
				for i := range b.N {
					c.Add(int32(i*31%cells), values, i%rows, aggregate.Stamp{Time: int64(i)})
				}
			})
		}
	}
}

// naive is a mean that rounds at each addition, behind the same call: what exact sums are compared with.
type naive struct {
	counts []int64
	sums   []float64
}

func (c *naive) Add(cell int32, values *record.Column, row int, _ aggregate.Stamp) {
	if x := values.Floats[row]; x == x && !values.IsNull(row) { // not NaN
		c.counts[cell]++
		c.sums[cell] += x
	}
}

// The readings have one decimal; the measurements all the digits of a float64 and sizes from 1e-4 to 1e4.
func BenchmarkExactness(b *testing.B) {
	type adder interface {
		Add(cell int32, values *record.Column, row int, at aggregate.Stamp)
	}
	const cells = 100
	for name, c := range map[string]adder{
		"naive mean":     &naive{make([]int64, cells), make([]float64, cells)},
		"exact sum":      newColumn(b, aggregate.Spec{Op: sum, Argument: record.Float64}, cells),
		"exact mean":     newColumn(b, aggregate.Spec{Op: mean, Argument: record.Float64}, cells),
		"exact variance": newColumn(b, aggregate.Spec{Op: variance, Argument: record.Float64}, cells),
	} {
		for kind, values := range map[string]*record.Column{"readings": readings(), "measurements": measurements()} {
			b.Run(name+" of "+kind, func(b *testing.B) {
				for i := range b.N {
					c.Add(int32(i*31%cells), values, i%rows, aggregate.Stamp{})
				}
			})
		}
	}
}

func measurements() *record.Column {
	g := rand.New(rand.NewPCG(1, 1))
	b := record.NewBuilder(record.Float64, rows)
	for range rows {
		b.Float(g.NormFloat64() * pick(g, 1e-4, 1e-2, 1, 1e2, 1e4))
	}
	c := b.Column()
	return &c
}

// Numbers that two floats do not hold together: each takes the slow path every few additions.
func BenchmarkAddOfAllSizes(b *testing.B) {
	g := rand.New(rand.NewPCG(1, 1))
	values := make([]any, rows)
	for i := range values {
		values[i] = g.NormFloat64() * pick(g, 1e-200, 1e-100, 1, 1e100, 1e200)
	}
	in := column(record.Float64, values...)
	c := newColumn(b, aggregate.Spec{Op: sum, Argument: record.Float64}, 100)
	b.ResetTimer()
	for i := range b.N {
		c.Add(int32(i%100), in, i%rows, aggregate.Stamp{})
	}
}

func BenchmarkResult(b *testing.B) {
	values := readings()
	for _, spec := range everySpec() {
		if spec.Argument != record.Float64 {
			continue
		}
		b.Run(title(spec), func(b *testing.B) {
			c := newColumn(b, spec, 1)
			for row := range 200 {
				c.Add(0, values, row, aggregate.Stamp{Time: int64(row)})
			}
			out := record.NewBuilder(spec.Result(), b.N)
			b.ResetTimer()
			for range b.N {
				c.Result(0, out)
			}
		})
	}
}

// A million cells of a mean and a count, as a million keys have with one open window each.
func BenchmarkMemoryOfAMillionCells(b *testing.B) {
	const cells = 1_000_000
	values := readings()
	for range b.N {
		before := heap()
		m := newColumn(b, aggregate.Spec{Op: mean, Argument: record.Float64}, 0)
		n := newColumn(b, aggregate.Spec{Op: count}, 0)
		for cell := range int32(cells) {
			m.Grow(int(cell) + 1)
			n.Grow(int(cell) + 1)
			m.Add(cell, values, int(cell)%rows, aggregate.Stamp{})
			n.Add(cell, nil, 0, aggregate.Stamp{})
		}
		b.ReportMetric(float64(heap()-before)/1e6, "MB")
		runtime.KeepAlive(m)
		runtime.KeepAlive(n)
	}
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
