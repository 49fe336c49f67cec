package replay

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/source/sourcetest"
)

// logged is a batch of a partition whose values are named and have timestamps.
func logged(partition record.Partition, first int64, times []int64, values ...string) source.Event {
	batch := sourcetest.Batch(partition, first, values...)
	batch.Times = times
	return source.Event{Records: batch}
}

// merged are the records of a slice with their times.
func merged(t *testing.T, from source.Source, slice *Slice) (values string, times []int64) {
	t.Helper()
	one := record.Partition{Topic: "weather"}
	reader, err := ReadSlice(t.Context(), from, slice, one)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := reader.Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Next(); !errors.Is(err, io.EOF) {
		t.Fatalf("behind the last record: %v, want the end", err)
	}
	for i, offset := range batch.Offsets {
		if offset != int64(i) || batch.Partition != one {
			t.Errorf("record %d is number %d of %v", i, offset, batch.Partition)
		}
	}
	return shown(&batch.Values), batch.Times
}

func partitions() (zero, one record.Partition) {
	return record.Partition{Topic: "weather", Index: 0}, record.Partition{Topic: "weather", Index: 1}
}

func TestASliceIsInTheOrderOfTimestampsAndTiesByPartition(t *testing.T) {
	zero, one := partitions()
	from := sourcetest.New()
	from.Push(
		source.Event{Assigned: []record.Partition{zero, one}},
		logged(one, 40, []int64{1, 3}, "b1", "b3"), logged(zero, 10, []int64{2, 3}, "a2", "a3"),
		logged(one, 42, []int64{9}, "b9"), source.Event{Ended: []record.Partition{one}},
		logged(zero, 12, []int64{4}, "a4"), source.Event{Ended: []record.Partition{zero}},
	)
	values, times := merged(t, from, &Slice{Topic: "weather"})
	if values != "b1 a2 a3 b3 a4 b9" || !slices.Equal(times, []int64{1, 2, 3, 3, 4, 9}) {
		t.Errorf("got %s at %v", values, times)
	}
}

func TestRecordsOfAPartitionStayAsTheyStandThere(t *testing.T) {
	zero, one := partitions()
	from := sourcetest.New()
	from.Push(
		source.Event{Assigned: []record.Partition{zero, one}},
		logged(zero, 0, []int64{5, 1, 6}, "a5", "a1", "a6"), logged(one, 0, []int64{2}, "b2"),
		source.Event{Ended: []record.Partition{zero}}, source.Event{Ended: []record.Partition{one}},
	)
	if values, _ := merged(t, from, &Slice{Topic: "weather"}); values != "b2 a5 a1 a6" {
		t.Errorf("got %s; a1 came behind a5, and so it does in a replay", values)
	}
}

func TestASliceEndsBeforeItsUntil(t *testing.T) {
	zero, _ := partitions()
	from := sourcetest.New()
	from.Push(
		source.Event{Assigned: []record.Partition{zero}},
		logged(zero, 0, []int64{1, 5, 4}, "a1", "a5", "a4"), source.Event{Ended: []record.Partition{zero}},
	)
	until := int64(5)
	if values, _ := merged(t, from, &Slice{Topic: "weather", Until: &until}); values != "a1 a4" {
		t.Errorf("got %s, want what is before 5", values)
	}
}

func TestALongSliceComesInBatchesThatGoOnCounting(t *testing.T) {
	zero, _ := partitions()
	const rows = mergedRows + 1
	from := sourcetest.New()
	from.Push(source.Event{Assigned: []record.Partition{zero}}, logged(zero, 0, make([]int64, rows), make([]string, rows)...))
	from.Push(source.Event{Ended: []record.Partition{zero}})
	reader, err := ReadSlice(t.Context(), from, &Slice{Topic: "weather"}, zero)
	if err != nil {
		t.Fatal(err)
	}
	first, err := reader.Next()
	if err != nil {
		t.Fatal(err)
	}
	second, err := reader.Next()
	if err != nil {
		t.Fatal(err)
	}
	if first.Len() != mergedRows || second.Len() != 1 || second.Offsets[0] != mergedRows {
		t.Errorf("batches of %d and %d records, the second from %d", first.Len(), second.Len(), second.Offsets[0])
	}
}

func TestASliceThatCannotBeReadSaysWhy(t *testing.T) {
	zero, _ := partitions()
	from := sourcetest.New()
	from.Push(source.Event{Assigned: []record.Partition{zero}})
	gone := errors.New("the broker is gone")
	from.Fail(gone)
	if _, err := ReadSlice(t.Context(), from, &Slice{}, zero); !errors.Is(err, gone) {
		t.Errorf("got %v, want %v", err, gone)
	}
}
