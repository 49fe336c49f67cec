package replay

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"google.golang.org/protobuf/encoding/protodelim"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source/bounded"
	tablev1 "github.com/pyudf/pyudf/proto/pyudf/table/v1"
)

// chunks reads a file of chunks as the records of a partition. It implements bounded.Reader.
type chunks struct {
	partition record.Partition
	fields    bounded.Fields
	lean      bool
	file      *os.File
	buffered  *bufio.Reader
	next      int64
}

const readBuffer = 1 << 20

func openChunks(input *Input, key string) (*chunks, error) {
	file, err := os.Open(input.Chunks)
	if err != nil {
		return nil, err
	}
	return &chunks{
		partition: record.Partition{Topic: input.Source}, fields: bounded.Fields{Key: key, Time: input.Time}, lean: input.Lean,
		file: file, buffered: bufio.NewReaderSize(file, readBuffer),
	}, nil
}

// Next implements bounded.Reader.
func (c *chunks) Next() (*record.Batch, error) {
	chunk := &tablev1.Chunk{}
	err := protodelim.UnmarshalOptions{MaxSize: -1}.UnmarshalFrom(c.buffered, chunk)
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	var batch *record.Batch
	if err == nil {
		batch, err = c.batch(chunk)
	}
	if err != nil {
		return nil, fmt.Errorf("read the data of %s: %w", c.partition.Topic, err)
	}
	return batch, nil
}

func (c *chunks) batch(chunk *tablev1.Chunk) (*record.Batch, error) {
	rows := int(chunk.GetRows())
	batch := &record.Batch{Partition: c.partition, Offsets: make([]int64, rows)}
	for i := range batch.Offsets {
		batch.Offsets[i] = c.next
		c.next++
	}
	fields, err := fieldsOf(chunk)
	if err != nil {
		return nil, err
	}
	if c.lean {
		batch.Known, batch.Bare, batch.Times = fields, true, batch.Offsets
		batch.Values, batch.Keys = nothing(rows), numbered(batch.Offsets)
		return batch, nil
	}
	if texts := chunk.GetRecords(); texts != nil {
		batch.Values, err = arenaOf(texts, rows)
	} else {
		batch.Values = objects(fields, rows)
	}
	if err != nil {
		return nil, err
	}
	c.fields.Fill(batch)
	return batch, nil
}

// Close implements bounded.Reader.
func (c *chunks) Close() error { return c.file.Close() }

// objects returns the rows of columns as JSON objects.
func objects(fields []record.Known, rows int) record.Arena {
	var out record.Arena
	labels := make([][]byte, len(fields))
	for i := range fields {
		labels[i] = append(codec.AppendString([]byte{','}, []byte(fields[i].Name)), ':')
	}
	out.Grow(rows, rows*24*len(fields))
	for row := range rows {
		start := len(out.Data)
		for i := range fields {
			out.Data = codec.AppendValue(append(out.Data, labels[i]...), &fields[i].Column, row)
		}
		if len(fields) == 0 {
			out.Data = append(out.Data, ',')
		}
		out.Data[start] = '{'
		out.Data = append(out.Data, '}')
		out.End(false)
	}
	return out
}

// nothing returns objects without members.
func nothing(rows int) record.Arena {
	var out record.Arena
	out.Grow(rows, 2*rows)
	for range rows {
		out.Append([]byte("{}"))
	}
	return out
}

// number gives the records without a timestamp their number for one.
func number(batch *record.Batch) {
	for i, at := range batch.Times {
		if at < 0 {
			batch.Times[i] = batch.Offsets[i]
		}
	}
}

// numbered returns keys that are the records' numbers, by which lean results find their rows.
func numbered(offsets []int64) record.Arena {
	var out record.Arena
	out.Grow(len(offsets), 8*len(offsets))
	for _, offset := range offsets {
		out.Data = binary.LittleEndian.AppendUint64(out.Data, uint64(offset)) //nolint:gosec // never negative
		out.End(false)
	}
	return out
}
