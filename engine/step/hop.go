package step

import (
	"fmt"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/exchange"
	"github.com/pyudf/pyudf/engine/key"
	"github.com/pyudf/pyudf/engine/record"
)

// Block is a block that came over a hop. Its rows are records of Outcome.Batch, from From on, unless they are partial
// aggregates.
type Block struct {
	*exchange.Block
	From int
}

// unpack returns the rows that a batch of blocks carries.
func (r *run) unpack(batch *record.Batch) (*frame, error) {
	rows := &record.Batch{Partition: batch.Partition}
	keys := &record.Arena{}
	for i := range batch.Len() {
		block, err := exchange.Decode(batch.Values.At(i))
		if err != nil {
			return nil, fmt.Errorf("record %d of %s [%d], a topic of the engine's own, cannot be read; does something else write to it? %w",
				batch.Offsets[i], batch.Partition.Topic, batch.Partition.Index, err)
		}
		r.outcome.Blocks = append(r.outcome.Blocks, Block{block, rows.Len()})
		if !block.Partial {
			appendRows(rows, keys, block)
		}
	}
	r.outcome.Batch, r.outcome.Times = rows, rows.Times
	texts, failures := codec.Scan(&rows.Values, r.program.source.Scan)
	if len(failures) > 0 {
		return nil, fmt.Errorf("a record that came over a hop is damaged: %w", failures[0].Err)
	}
	return &frame{batch: rows, rows: rows.Len(), texts: texts, key: keys}, nil
}

func appendRows(rows *record.Batch, keys *record.Arena, block *exchange.Block) {
	rows.Offsets = append(rows.Offsets, block.Offsets...)
	rows.Times = append(rows.Times, block.Times...)
	for row := range block.Keys.Len() {
		keys.Append(block.Keys.At(row))
		rows.Keys.Append(key.Bytes(block.Keys.At(row)))
		rows.Values.Append(block.Values.At(row))
	}
}
