package replay

import (
	"context"
	"io"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/source/bounded"
)

// ReadSlice reads a bounded source of a topic to its end, and returns the records of the slice as one partition: in the order
// of their timestamps, ties by partition, and those of a partition as they stand there.
func ReadSlice(ctx context.Context, from source.Source, slice *Slice, partition record.Partition) (bounded.Reader, error) {
	s := &sliceReader{partition: partition, logs: map[int32][]place{}}
	open := map[record.Partition]bool{}
	for assigned := false; !assigned || len(open) > 0; {
		event, err := from.Poll(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range event.Assigned {
			assigned, open[p] = true, true
			if _, err := from.Begin(ctx, p, -1); err != nil {
				return nil, err
			}
		}
		for _, p := range event.Ended {
			delete(open, p)
		}
		if event.Records != nil {
			s.add(event.Records, slice)
		}
	}
	return s, nil
}

// place is a record of a batch.
type place struct {
	batch *record.Batch
	row   int
}

func (p place) time() int64 { return p.batch.Times[p.row] }

// sliceReader merges the records of partitions. It implements bounded.Reader.
type sliceReader struct {
	partition record.Partition
	logs      map[int32][]place
	next      int64
}

func (s *sliceReader) add(batch *record.Batch, slice *Slice) {
	index := batch.Partition.Index
	for row, at := range batch.Times {
		if slice.Until == nil || at < *slice.Until {
			s.logs[index] = append(s.logs[index], place{batch, row})
		}
	}
}

// mergedRows is how many records a batch of a slice has.
const mergedRows = 8192

// Next implements bounded.Reader.
func (s *sliceReader) Next() (*record.Batch, error) {
	out := &record.Batch{Partition: s.partition}
	for out.Len() < mergedRows {
		first, ok := s.take()
		if !ok {
			break
		}
		out.Offsets = append(out.Offsets, s.next)
		out.Times = append(out.Times, first.time())
		out.Keys.Append(first.batch.Keys.At(first.row))
		out.Values.Append(first.batch.Values.At(first.row))
		var headers []record.Header
		if first.batch.Headers != nil {
			headers = first.batch.Headers[first.row]
		}
		out.Headers = append(out.Headers, headers)
		s.next++
	}
	if out.Len() == 0 {
		return nil, io.EOF
	}
	return out, nil
}

// take removes the record that comes next.
func (s *sliceReader) take() (place, bool) {
	first := int32(-1)
	for index, log := range s.logs {
		if len(log) == 0 {
			continue
		}
		if first < 0 || log[0].time() < s.logs[first][0].time() || log[0].time() == s.logs[first][0].time() && index < first {
			first = index
		}
	}
	if first < 0 {
		return place{}, false
	}
	taken := s.logs[first][0]
	s.logs[first] = s.logs[first][1:]
	return taken, true
}

// Close implements bounded.Reader.
func (s *sliceReader) Close() error { return nil }
