package keyed

import (
	"github.com/pyudf/pyudf/engine/exchange"
	"github.com/pyudf/pyudf/engine/key"
	"github.com/pyudf/pyudf/engine/partition"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/step"
	"github.com/pyudf/pyudf/engine/window"
)

// maxBlock is the size of a block: below what brokers take by default, with room for the envelope.
const maxBlock = 512 << 10

// sender sends rows over a hop, each to the partition of its key.
type sender struct {
	input   int32
	blocks  []*exchange.Block // by partition; nil: no rows
	partial *window.Partial   // nil: records travel as they are
	of      string            // what the partial aggregates are of
	// told is the watermark that each partition knows of, and whether it knows that the input is idle.
	told []told
	out  record.Messages
}

type told struct {
	watermark int64
	idle      bool
}

func newSender(config Config, s *plan.Step) (*sender, error) {
	hop := s.KeyBy.Hop
	n := config.Targets[hop.Index]
	out := &sender{input: config.Partition.Index, blocks: make([]*exchange.Block, n), told: make([]told, n)}
	for i := range out.told {
		out.told[i].watermark = unknown
	}
	if hop.Partial == nil {
		return out, nil
	}
	out.of = hop.Stage.Steps[0].State
	columns, _, err := accumulators(hop.Partial)
	out.partial = window.NewPartial(hop.Partial.Window, columns)
	return out, err
}

// send hands rows over. How far the input is travels with them; partitions that get none are told at the next tick.
func (f *Flow) send(n *node, in *rows, k *step.Keyed, after int64) error {
	if k == nil || k.Rows() == 0 {
		return nil
	}
	s := n.sender
	rows := f.windowRows(k, in)
	left := all(k.Rows())
	if s.partial != nil {
		left = s.partial.Add(rows)
		s.addPartials(rows.Watermarks[0])
		if len(left) > 0 {
			s.flush(rows.Watermarks[0])
		}
	}
	for _, row := range left {
		s.add(k.Keys.At(int(row)), k.Records.At(int(row)), place{rows.Times[row], rows.Watermarks[row], rows.Offsets[row]})
	}
	s.flush(after)
	return f.dispatch(n)
}

func all(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i) //nolint:gosec // a batch has fewer rows
	}
	return rows
}

// place is where a row stands in its input.
type place struct{ time, watermark, offset int64 }

func (s *sender) add(k, value []byte, at place) {
	b := s.block(partition.Of(key.Bytes(k), len(s.told)))
	b.Keys.Append(k)
	b.Values.Append(value)
	b.Times = append(b.Times, at.time)
	b.Watermarks = append(b.Watermarks, at.watermark)
	b.Offsets = append(b.Offsets, at.offset)
}

func (s *sender) block(target int32) *exchange.Block {
	if s.blocks[target] == nil {
		s.blocks[target] = &exchange.Block{Input: s.input}
	}
	return s.blocks[target]
}

// addPartials adds what was aggregated of a batch, at the watermark that stood before it.
func (s *sender) addPartials(watermark int64) {
	keys, partials := s.partial.Take()
	var value []byte
	for row := range keys.Len() {
		value = partials.Append(value[:0], row)
		s.add(keys.At(row), value, place{partials.Starts[row], watermark, 0})
	}
	for _, b := range s.blocks {
		if b != nil {
			b.Partial, b.Of = true, s.of
		}
	}
}

// flush writes the blocks that have rows.
func (s *sender) flush(watermark int64) {
	for target, b := range s.blocks {
		if b == nil {
			continue
		}
		b.Watermark = watermark
		for _, piece := range b.Cut(maxBlock) {
			s.write(int32(target), piece) //nolint:gosec // topics have fewer partitions
		}
		s.blocks[target] = nil
		s.told[target] = told{watermark: watermark}
	}
}

func (s *sender) write(target int32, b *exchange.Block) {
	s.out.Values.Data = b.Append(s.out.Values.Data)
	s.out.Values.End(false)
	s.out.Keys.Append(nil)
	s.out.Times = append(s.out.Times, -1)
	s.out.Partitions = append(s.out.Partitions, target)
}

// tell writes how far the input is to the partitions that do not know.
func (s *sender) tell(now told) {
	for target := range s.told {
		if s.told[target] != now {
			s.write(int32(target), &exchange.Block{Input: s.input, Watermark: now.watermark, Idle: now.idle}) //nolint:gosec // topics have fewer partitions
			s.told[target] = now
		}
	}
}

// dispatch makes what a sender has written an outcome.
func (f *Flow) dispatch(n *node) error {
	if n.sender.out.Len() == 0 {
		return nil
	}
	output := step.Output{Sink: f.config.FirstHop + n.step.KeyBy.Hop.Index, Step: n.step, Messages: n.sender.out}
	n.sender.out = record.Messages{}
	return f.hand(&step.Outcome{Batch: &record.Batch{Partition: f.config.Partition}, Outputs: []step.Output{output}})
}
