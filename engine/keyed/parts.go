package keyed

import (
	"context"
	"fmt"
	"slices"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/step"
	"github.com/pyudf/pyudf/engine/window"
)

// takeParts takes blocks of which some carry partial aggregates, one after the other. The stage has one step, their
// aggregation.
func (f *Flow) takeParts(ctx context.Context, outcome *step.Outcome) error {
	n := f.nodes[0]
	all := rows{outcome, nil}
	k := all.keyed(n.step)
	next := 0
	for i := range outcome.Blocks {
		b := &outcome.Blocks[i]
		before := f.clock.arrive(b)
		if b.Partial {
			n, err := f.nodeOf(b)
			if err == nil {
				err = f.addParts(n, b, before)
			}
			if err != nil {
				return err
			}
		} else if k != nil {
			all.before = append(all.before, before...)
			until := next
			for until < k.Rows() && k.OriginOf(until) < len(all.before) {
				until++
			}
			own := k.Slice(next, until)
			if err := f.add(n, &all, &own); err != nil {
				return err
			}
			next = until
		}
		n.windows.Advance(f.clock.watermark)
	}
	return f.give(ctx, n)
}

// takeOlder takes the partial aggregates that a version of the app has sent which had nothing but their aggregation behind the
// hop. They are taken first: none of them is late by what stands before it, as their own input had no such watermark yet.
func (f *Flow) takeOlder(outcome *step.Outcome) error {
	for i := range outcome.Blocks {
		b := &outcome.Blocks[i]
		if !b.Partial {
			continue
		}
		n, err := f.nodeOf(b)
		if err != nil {
			return err
		}
		if err := f.addParts(n, b, slices.Repeat([]int64{f.clock.watermark}, b.Rows())); err != nil {
			return err
		}
	}
	return nil
}

// nodeOf returns the node that the partial aggregates of a block are for.
func (f *Flow) nodeOf(b *step.Block) (*node, error) {
	var found *node
	f.visit(f.nodes, func(n *node) {
		if n.windows != nil && n.step.State == b.Of {
			found = n
		}
	})
	if found == nil {
		return nil, fmt.Errorf("%w: partial aggregates came over a hop for %s, which no step is; run the version that sent them", ErrOtherShape, b.Of)
	}
	return found, nil
}

// addParts adds the partial aggregates of a block.
func (f *Flow) addParts(n *node, b *step.Block, before []int64) error {
	parts := &window.Partials{}
	for row := range b.Rows() {
		if err := parts.Add(b.Values.At(row)); err != nil {
			return fmt.Errorf("a partial aggregate of %s cannot be read: %w", n.step.Label, err)
		}
	}
	w := &window.Rows{Keys: &b.Keys, Times: b.Times, Watermarks: before, Offsets: b.Offsets, Partials: parts, Inputs: make([]int32, b.Rows())}
	side := &step.Outcome{Batch: &record.Batch{Partition: f.config.Partition}}
	for _, l := range n.windows.Add(w) {
		side.Outputs = append(side.Outputs, f.lateParts(n, w, l))
	}
	return f.aside(side)
}

// lateParts sends a partial aggregate that came too late to where late records go: its input was idle, so that the
// others did not wait for it.
func (f *Flow) lateParts(n *node, w *window.Rows, l window.Late) step.Output {
	columns, types, err := accumulators(n.step.Aggregate)
	if err != nil {
		panic(err) // the same columns were made before
	}
	results := window.ResultOf(w, l, columns, types)
	messages := step.Describe(n.step.Aggregate, results, w.Partials.Rows[l.Row])
	messages.Headers = [][]record.Header{lateHeaders(n.step, l, l.End-1)}
	f.config.Metrics.RecordsLate.WithLabelValues(n.step.Label).Add(float64(w.Partials.Rows[l.Row]))
	return step.Output{Sink: n.step.Aggregate.Late.Index, Step: n.step, Messages: messages}
}
