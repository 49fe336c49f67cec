package stored

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/state"
)

// What a file says of itself.
const (
	metaLayout  = "pyudf.state"
	metaCluster = "pyudf.cluster"
	metaGroup   = "pyudf.group"
)

// layout is the version of what is in a file. Another one is refused.
const layout = "1"

// groupRows is the size of a row group, which is what a writer keeps in memory.
const groupRows = 100_000

// Origin is whose state it is.
type Origin struct {
	// Cluster is the cluster's id, as the name of a directory.
	Cluster string
	Group   string
}

// Export writes the state of stores into a Parquet file.
type Export struct {
	writer *parquet.GenericWriter[Row]
	rows   []Row
	// Rows is how many were written.
	Rows int64
}

// NewExport begins a file.
func NewExport(out io.Writer, from Origin) *Export {
	return &Export{writer: parquet.NewGenericWriter[Row](out,
		parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(groupRows),
		parquet.KeyValueMetadata(metaLayout, layout), parquet.KeyValueMetadata(metaCluster, from.Cluster),
		parquet.KeyValueMetadata(metaGroup, from.Group))}
}

// writeRows is how many rows are handed over at once.
const writeRows = 1024

// Add writes all that is in a store, but for what the engine notes there for itself.
func (x *Export) Add(name string, store state.Store) error {
	in, err := keyed.Inspect(store)
	if err != nil {
		return fmt.Errorf("read the store %s: %w", name, err)
	}
	err = store.Scan(nil, func(at, value []byte) error {
		if own(at) {
			return nil
		}
		e, err := in.Entry(at, value)
		if err != nil {
			return fmt.Errorf("a key of the store %s: %w", name, err)
		}
		row := rowOf(&e)
		row.Store, row.StoreKey, row.StoreValue = name, append([]byte{}, at...), append([]byte{}, value...)
		x.rows = append(x.rows, row)
		if len(x.rows) < writeRows {
			return nil
		}
		return x.flush()
	})
	if err != nil {
		return err
	}
	return x.flush()
}

func (x *Export) flush() error {
	n, err := x.writer.Write(x.rows)
	x.Rows += int64(n)
	x.rows = x.rows[:0]
	return err
}

// Close ends the file. The writer below stays open.
func (x *Export) Close() error { return x.writer.Close() }

// own tells whether a key is the engine's own, of the store as it lies here: it is no part of the state.
func own(at []byte) bool { return len(at) > 0 && at[0] == 'a' }
