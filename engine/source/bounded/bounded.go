package bounded

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

// Reader reads the records of one partition in their order.
type Reader interface {
	// Next returns the next records, numbered on from those before, or io.EOF at the end. Any other error is final, and a
	// sentence for the user.
	Next() (*record.Batch, error)
	io.Closer
}

// stage is what Poll hands out next.
type stage int

const (
	toAssign stage = iota
	toBegin
	toRead
	ended
)

// Source gives the records of a reader. Create it with New.
type Source struct {
	partition record.Partition
	stage     stage
	// ahead was read before it was asked for.
	ahead *record.Batch

	mu     sync.Mutex // guards reader against a Close of another goroutine
	reader Reader
}

var _ source.Source = (*Source)(nil)

// New returns a source, which closes the reader.
func New(partition record.Partition, reader Reader) *Source {
	return &Source{partition: partition, reader: reader}
}

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
		batch, err := s.next()
		if errors.Is(err, io.EOF) {
			s.stage = ended
			return source.Event{Ended: []record.Partition{s.partition}}, nil
		}
		return source.Event{Records: batch}, err
	default:
		<-ctx.Done()
		return source.Event{}, ctx.Err()
	}
}

// Committed implements source.Source: there is no place for positions.
func (s *Source) Committed(context.Context, record.Partition) (int64, error) { return -1, nil }

// Begin implements source.Source: records before the offset are read and dropped.
func (s *Source) Begin(ctx context.Context, _ record.Partition, from int64) (int64, error) {
	s.stage = toRead
	next := int64(0)
	for next < from {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		batch, err := s.next()
		if errors.Is(err, io.EOF) {
			return next, nil
		}
		if err != nil {
			return 0, err
		}
		if next = batch.Next(); next > from {
			s.ahead = tail(batch, from)
			return from, nil
		}
	}
	return next, nil
}

// tail returns the records of a batch from an offset on.
func tail(b *record.Batch, from int64) *record.Batch {
	skip, _ := slices.BinarySearch(b.Offsets, from)
	out := &record.Batch{
		Partition: b.Partition, Offsets: b.Offsets[skip:], Times: b.Times[skip:],
		Keys: b.Keys.Slice(skip, b.Len()), Values: b.Values.Slice(skip, b.Len()), Bare: b.Bare,
	}
	if b.Headers != nil {
		out.Headers = b.Headers[skip:]
	}
	for i := range b.Known {
		known := b.Known[i]
		known.Column = known.Column.Slice(skip, b.Len())
		out.Known = append(out.Known, known)
	}
	return out
}

var errClosed = errors.New("the source is closed")

func (s *Source) next() (*record.Batch, error) {
	if ahead := s.ahead; ahead != nil {
		s.ahead = nil
		return ahead, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reader == nil {
		return nil, errClosed
	}
	return s.reader.Next()
}

// Release implements source.Source.
func (s *Source) Release(partitions []record.Partition) error {
	if slices.Contains(partitions, s.partition) {
		s.stage = ended
	}
	return nil
}

// Commit implements source.Source: the next run reads from the start.
func (s *Source) Commit(ctx context.Context, _ []record.Position) error { return ctx.Err() }

// Close implements source.Source.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reader == nil {
		return nil
	}
	err := s.reader.Close()
	s.reader = nil
	return err
}
