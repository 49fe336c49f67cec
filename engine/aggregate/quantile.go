package aggregate

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/DataDog/sketches-go/ddsketch/mapping"

	"github.com/pyudf/pyudf/engine/record"
)

// quantile keeps the values of a cell while they are few, and a sketch beyond. How many there are says which.
type quantile struct {
	at      float64
	cells   []sample
	mapping mapping.IndexMapping
}

const (
	exactValues = 256
	accuracy    = 0.005
)

// sample has the values, or a sketch.
type sample struct {
	values []float64
	sketch *histogram
}

func newQuantile(at float64) (Column, error) {
	m, err := mapping.NewLogarithmicMapping(accuracy)
	if err != nil {
		return nil, fmt.Errorf("make the sketch of a quantile: %w", err)
	}
	return &quantile{at: at, mapping: m}, nil
}

func (c *quantile) Grow(cells int) { c.cells = grow(c.cells, cells) }

func (c *quantile) Add(cell int32, values *record.Column, row int, _ Stamp) {
	switch {
	case missing(values, row):
	case values.Type == record.Int64:
		c.add(cell, float64(values.Ints[row]))
	default:
		c.add(cell, positiveZero(values.Floats[row]))
	}
}

func (c *quantile) add(cell int32, v float64) {
	s := &c.cells[cell]
	if s.sketch != nil {
		s.sketch.add(v)
		return
	}
	if s.values = append(s.values, v); len(s.values) > exactValues {
		c.estimate(s)
	}
}

func (c *quantile) estimate(s *sample) {
	s.sketch = newHistogram(c.mapping)
	for _, v := range s.values {
		s.sketch.add(v)
	}
	s.values = nil
}

func (c *quantile) Merge(into, from int32) {
	part := &c.cells[from]
	if part.sketch != nil {
		if sum := &c.cells[into]; sum.sketch == nil {
			c.estimate(sum)
		}
		c.cells[into].sketch.merge(part.sketch)
		return
	}
	for _, v := range part.values {
		c.add(into, v)
	}
}

func (c *quantile) Clear(cell int32) { c.cells[cell] = sample{} }

func (c *quantile) Result(cell int32, out *record.Builder) {
	switch s := &c.cells[cell]; {
	case s.sketch != nil:
		out.Float(s.sketch.quantile(c.at))
	case len(s.values) == 0:
		out.Null()
	default:
		slices.Sort(s.values)
		out.Float(interpolate(s.values, c.at))
	}
}

// interpolate returns the quantile of sorted values as numpy and pandas do: linearly between the two that are nearest.
func interpolate(sorted []float64, q float64) float64 {
	position := float64(q * float64(len(sorted)-1))
	below := int(position)
	if below >= len(sorted)-1 {
		return sorted[len(sorted)-1]
	}
	return between(sorted[below], sorted[below+1], position-float64(below))
}

// between returns the number at share t of the way from a to b. Products are rounded before they are added, on every machine.
func between(a, b, t float64) float64 {
	way := b - a
	switch {
	case a == b:
		return a
	case math.IsInf(way, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0):
		return float64(a*(1-t)) + float64(b*t)
	case t == 0:
		return a
	case t < 0.5:
		return a + float64(way*t)
	default:
		return b - float64(way*(1-t))
	}
}

// Append writes the number of values and the values, or a number beyond exactValues and the sketch.
func (c *quantile) Append(dst []byte, cell int32) []byte {
	s := &c.cells[cell]
	if s.sketch != nil {
		return s.sketch.append(binary.AppendUvarint(dst, exactValues+1))
	}
	slices.Sort(s.values)
	dst = binary.AppendUvarint(dst, uint64(len(s.values)))
	for _, v := range s.values {
		dst = appendFloat(dst, v)
	}
	return dst
}

func (c *quantile) Load(cell int32, data []byte) ([]byte, error) {
	c.Clear(cell)
	d := decoder{rest: data}
	var s sample
	if n := d.count(); n > exactValues {
		s.sketch = d.histogram(c.mapping)
	} else {
		for range n {
			s.values = append(s.values, d.number())
		}
	}
	if !d.bad {
		c.cells[cell] = s
	}
	return d.end()
}
