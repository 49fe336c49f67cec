package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
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

// stage is what Poll hands out next.
type stage int

const (
	toAssign stage = iota
	toBegin
	toRead
	toEnd
	ended
)

// Source reads one file. Create it with Open.
type Source struct {
	partition record.Partition
	identity  string
	fields    fields
	stage     stage
	next      int64
	// exhausted says that the last record was read, though its batch may be on its way.
	exhausted bool

	mu   sync.Mutex // guards rows against a Close of another goroutine
	rows rows
}

var (
	_ source.Source     = (*Source)(nil)
	_ source.Identifier = (*Source)(nil)
)

// Open opens the file that a plan's source names and looks at its start, for CSV without a declared schema at all of
// it. Its error is a sentence for the user.
func Open(ctx context.Context, s *planv1.Source) (source.Source, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path := s.GetFile().GetPath()
	rows, identity, err := open(path, s)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return &Source{
		partition: record.Partition{Topic: path},
		identity:  identity,
		fields:    fields{key: s.GetKey(), time: s.GetTime().GetField()},
		rows:      rows,
	}, nil
}

// Identity implements source.Identifier: it is another one if the file's size or one of its ends is.
func (s *Source) Identity() string { return s.identity }

// Poll implements source.Source.
func (s *Source) Poll(ctx context.Context) (source.Event, error) {
	if err := ctx.Err(); err != nil {
		return source.Event{}, err
	}
	switch s.stage {
	case toAssign:
		s.stage = toBegin
		return source.Event{Assigned: []record.Partition{s.partition}}, nil
	case toBegin:
		select {
		case <-ctx.Done():
			return source.Event{}, ctx.Err()
		case <-time.After(time.Millisecond):
			return source.Event{Idle: true}, nil
		}
	case toRead:
		batch, err := s.read()
		if err != nil {
			return source.Event{}, fmt.Errorf("reading %s after row %d: %w", s.partition.Topic, s.next, err)
		}
		if batch.Len() > 0 {
			return source.Event{Records: batch}, nil
		}
		fallthrough
	case toEnd:
		s.stage = ended
		return source.Event{Ended: []record.Partition{s.partition}}, nil
	default:
		<-ctx.Done()
		return source.Event{}, ctx.Err()
	}
}

// Committed implements source.Source. A file has no place for positions.
func (s *Source) Committed(context.Context, record.Partition) (int64, error) { return -1, nil }

// Begin implements source.Source: records before the offset are read and dropped.
func (s *Source) Begin(ctx context.Context, _ record.Partition, from int64) (int64, error) {
	for s.next < from && !s.exhausted {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := s.skip(); err != nil {
			return 0, fmt.Errorf("reading %s after row %d: %w", s.partition.Topic, s.next, err)
		}
	}
	s.stage = toRead
	return s.next, nil
}

// Release implements source.Source.
func (s *Source) Release(partitions []record.Partition) error {
	if slices.Contains(partitions, s.partition) {
		s.stage = ended
	}
	return nil
}

// Commit implements source.Source. A file has no place for positions.
func (s *Source) Commit(ctx context.Context, _ []record.Position) error { return ctx.Err() }

// Close implements source.Source.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		return nil
	}
	err := s.rows.Close()
	s.rows = nil
	return err
}

// skip drops a record.
func (s *Source) skip() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		return errClosed
	}
	_, err := s.rows.append(nil)
	if errors.Is(err, io.EOF) {
		s.exhausted = true
		return nil
	}
	s.next++
	return err
}

var errClosed = errors.New("the source is closed")

// read returns the next batch, an empty one at the end.
func (s *Source) read() (*record.Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		return nil, errClosed
	}
	batch := &record.Batch{Partition: s.partition}
	for !s.exhausted && batch.Len() < batchRows && len(batch.Values.Data) < batchBytes {
		data, err := s.rows.append(batch.Values.Data)
		if errors.Is(err, io.EOF) {
			s.exhausted = true
			break
		}
		if err != nil {
			return nil, err
		}
		batch.Values.Data = data
		batch.Values.End(false)
		batch.Offsets = append(batch.Offsets, s.next)
		s.next++
	}
	s.fields.fill(batch)
	return batch, nil
}
