package aggregate

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"
)

// histogram is a DDSketch with the exact ends of the values, and with the infinities, which the sketch does not take. Its
// bins are never joined, so that they depend on the values alone.
type histogram struct {
	sketch               *ddsketch.DDSketch
	least, greatest      float64
	positives, negatives int64
}

// scale is what values are divided by for the sketch, which does not take the largest floats.
const scale = 4

func newHistogram(m mapping.IndexMapping) *histogram {
	return &histogram{
		sketch: ddsketch.NewDDSketch(m, store.NewSparseStore(), store.NewSparseStore()),
		least:  math.Inf(1), greatest: math.Inf(-1),
	}
}

// add counts a value. REQUIRES: it is not NaN.
func (h *histogram) add(v float64) {
	switch {
	case math.IsInf(v, 1):
		h.positives++
	case math.IsInf(v, -1):
		h.negatives++
	default:
		h.least, h.greatest = min(h.least, v), max(h.greatest, v)
		_ = h.sketch.Add(v / scale) // there is no error but for what is too large
	}
}

func (h *histogram) merge(part *histogram) {
	h.least, h.greatest = min(h.least, part.least), max(h.greatest, part.greatest)
	h.positives += part.positives
	h.negatives += part.negatives
	_ = h.sketch.MergeWith(part.sketch) // all sketches have one mapping
}

// quantile returns the value at the rank that is nearest below.
func (h *histogram) quantile(q float64) float64 {
	finite := h.sketch.GetCount()
	rank := float64(q * (finite + float64(h.negatives) + float64(h.positives) - 1))
	inside := rank - float64(h.negatives)
	switch {
	case inside < 0:
		return math.Inf(-1)
	case inside >= finite:
		return math.Inf(1)
	case inside == 0:
		return h.least
	case inside == finite-1:
		return h.greatest
	}
	v, err := h.sketch.GetValueAtQuantile(min(1, inside/(finite-1)))
	if err != nil {
		return math.NaN()
	}
	return max(h.least, min(h.greatest, v*scale))
}

func (h *histogram) append(dst []byte) []byte {
	dst = appendFloat(appendFloat(dst, h.least), h.greatest)
	dst = binary.AppendUvarint(dst, uint64(h.positives))
	dst = binary.AppendUvarint(dst, uint64(h.negatives))
	dst = binary.AppendUvarint(dst, uint64(h.sketch.GetZeroCount()))
	dst = appendBins(dst, h.sketch.GetPositiveValueStore())
	return appendBins(dst, h.sketch.GetNegativeValueStore())
}

func appendBins(dst []byte, bins store.Store) []byte {
	counts := map[int]uint64{}
	var indexes []int
	bins.ForEach(func(index int, count float64) bool {
		counts[index] = uint64(count)
		indexes = append(indexes, index)
		return false
	})
	slices.Sort(indexes)
	dst = binary.AppendUvarint(dst, uint64(len(indexes)))
	for _, index := range indexes {
		dst = binary.AppendVarint(dst, int64(index))
		dst = binary.AppendUvarint(dst, counts[index])
	}
	return dst
}

// histogram reads what append wrote.
func (d *decoder) histogram(m mapping.IndexMapping) *histogram {
	h := newHistogram(m)
	h.least, h.greatest = d.number(), d.number()
	h.positives, h.negatives = d.count(), d.count()
	_ = h.sketch.AddWithCount(0, float64(d.count())) // a count is never negative
	d.bins(h.sketch.GetPositiveValueStore(), m)
	d.bins(h.sketch.GetNegativeValueStore(), m)
	return h
}

func (d *decoder) bins(into store.Store, m mapping.IndexMapping) {
	first, last := int64(m.Index(m.MinIndexableValue())), int64(m.Index(m.MaxIndexableValue()))
	for range d.length(2) {
		index, count := d.varint(), d.count()
		if index < first || index > last {
			d.fail()
			return
		}
		into.AddWithCount(int(index), float64(count))
	}
}
