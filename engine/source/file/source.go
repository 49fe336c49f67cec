package file

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/source/bounded"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// A batch ends at whichever comes first.
const (
	batchRows  = 8192
	batchBytes = 1 << 20
)

// rows reads the records of one format.
type rows interface {
	// append adds the next record's value to dst, or returns dst and io.EOF.
	append(dst []byte) ([]byte, error)
	io.Closer
}

// Open opens the file that a plan's source names and looks at its start, for CSV without a declared schema at all of
// it. Its error is a sentence for the user.
func Open(ctx context.Context, s *planv1.Source) (source.Source, error) {
	reader, err := read(ctx, s)
	if err != nil {
		return nil, err
	}
	return identified{bounded.New(record.Partition{Topic: s.GetFile().GetPath()}, reader), reader.identity}, nil
}

// identified is a source that says which file it reads.
type identified struct {
	*bounded.Source
	identity string
}

var _ source.Identifier = identified{}

// Identity implements source.Identifier: it is another one if the file's size or one of its ends is.
func (s identified) Identity() string { return s.identity }

// Read opens what Open opens, for a source of the caller's.
func Read(ctx context.Context, s *planv1.Source) (bounded.Reader, error) { return read(ctx, s) }

func read(ctx context.Context, s *planv1.Source) (*reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path := s.GetFile().GetPath()
	rows, identity, err := open(path, s)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return &reader{
		partition: record.Partition{Topic: path},
		identity:  identity,
		fields:    bounded.Fields{Key: s.GetKey(), Time: s.GetTime().GetField()},
		rows:      rows,
	}, nil
}

// reader cuts the rows of a file into batches.
type reader struct {
	partition record.Partition
	identity  string
	fields    bounded.Fields
	next      int64
	// exhausted says that the last record was read, though its batch may be on its way.
	exhausted bool
	rows      rows
}

// Next implements bounded.Reader.
func (r *reader) Next() (*record.Batch, error) {
	batch := &record.Batch{Partition: r.partition}
	for !r.exhausted && batch.Len() < batchRows && len(batch.Values.Data) < batchBytes {
		data, err := r.rows.append(batch.Values.Data)
		if errors.Is(err, io.EOF) {
			r.exhausted = true
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s after row %d: %w", r.partition.Topic, r.next, err)
		}
		batch.Values.Data = data
		batch.Values.End(false)
		batch.Offsets = append(batch.Offsets, r.next)
		r.next++
	}
	if batch.Len() == 0 {
		return nil, io.EOF
	}
	r.fields.Fill(batch)
	return batch, nil
}

// Close implements bounded.Reader.
func (r *reader) Close() error { return r.rows.Close() }
