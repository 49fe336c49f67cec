package sourcetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

const (
	// patience ends a test whose source never answers.
	patience = 30 * time.Second
	// moment is how long a source is watched that must stay quiet.
	moment = 50 * time.Millisecond
)

// Opened is a bounded source as the suite wants it.
type Opened struct {
	Source source.Source
	// Values are the records that the source holds, per partition and in order. Keys and times are the adapter's own tests.
	Values map[record.Partition][]string
}

// Suite holds a source to the promises of every bounded source. It calls open anew for each of them; open must give
// several batches' worth of records to test more than the simple case.
func Suite(t *testing.T, open func(t *testing.T) Opened) {
	t.Helper()
	promises := map[string]func(*testing.T, Opened){
		"every partition is assigned before its records":      assignedFirst,
		"all records come in order and once":                  recordsInOrder,
		"offsets are consecutive from the assigned one":       offsetsConsecutive,
		"batches are whole: every record has all its parts":   batchesWhole,
		"each partition ends once, after its last record":     endedOnce,
		"poll returns when its context ends":                  pollHonoursContext,
		"poll after the end waits and never ends again":       quietAfterTheEnd,
		"a released partition gives nothing more":             releasedIsSilent,
		"commit takes positions, and close comes afterwards":  commitThenClose,
		"batches stay as they were when later ones are taken": batchesAreImmutable,
	}
	for name, promise := range promises {
		t.Run(name, func(t *testing.T) {
			opened := open(t)
			t.Cleanup(func() { _ = opened.Source.Close() })
			promise(t, opened)
		})
	}
}

// Drain polls until every partition that was assigned has ended, and returns the events up to there.
func Drain(t *testing.T, s source.Source) []source.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var events []source.Event
	assigned, ended := 0, 0
	for assigned == 0 || ended < assigned {
		event, err := s.Poll(ctx)
		if err != nil {
			t.Fatalf("poll after %d events: %v", len(events), err)
		}
		assigned += len(event.Assigned)
		ended += len(event.Ended)
		events = append(events, event)
	}
	return events
}

// Values returns the values of all records in the events, per partition.
func Values(events []source.Event) map[record.Partition][]string {
	values := map[record.Partition][]string{}
	for _, event := range events {
		if event.Records == nil {
			continue
		}
		partition := event.Records.Partition
		for i := range event.Records.Len() {
			values[partition] = append(values[partition], string(event.Records.Values.At(i)))
		}
	}
	return values
}

func assignedFirst(t *testing.T, opened Opened) {
	assigned := map[record.Partition]bool{}
	for _, event := range Drain(t, opened.Source) {
		for _, position := range event.Assigned {
			if assigned[position.Partition] {
				t.Errorf("%v was assigned twice", position.Partition)
			}
			assigned[position.Partition] = true
		}
		if event.Records != nil && !assigned[event.Records.Partition] {
			t.Fatalf("records of %v came before it was assigned", event.Records.Partition)
		}
	}
	for partition := range opened.Values {
		if !assigned[partition] {
			t.Errorf("%v was never assigned", partition)
		}
	}
}

func recordsInOrder(t *testing.T, opened Opened) {
	got := Values(Drain(t, opened.Source))
	for partition, want := range opened.Values {
		if !slices.Equal(got[partition], want) {
			t.Errorf("%v: got %d records %.500q, want %d: %.500q", partition, len(got[partition]), got[partition], len(want), want)
		}
		delete(got, partition)
	}
	for partition := range got {
		t.Errorf("records of a partition that should have none: %v", partition)
	}
}

func offsetsConsecutive(t *testing.T, opened Opened) {
	next := map[record.Partition]int64{}
	for _, event := range Drain(t, opened.Source) {
		for _, position := range event.Assigned {
			next[position.Partition] = position.Offset
		}
		if event.Records == nil {
			continue
		}
		for _, offset := range event.Records.Offsets {
			if want := next[event.Records.Partition]; offset != want {
				t.Fatalf("%v: offset %d where %d follows", event.Records.Partition, offset, want)
			}
			next[event.Records.Partition]++
		}
	}
}

func batchesWhole(t *testing.T, opened Opened) {
	for i, event := range Drain(t, opened.Source) {
		if got := fieldsSet(event); got != 1 {
			t.Errorf("event %d has %d fields set, want exactly one: %+v", i, got, event)
		}
		batch := event.Records
		if batch == nil {
			continue
		}
		if batch.Len() == 0 {
			t.Errorf("event %d is a batch without records", i)
		}
		if len(batch.Times) != batch.Len() || batch.Keys.Len() != batch.Len() || batch.Values.Len() != batch.Len() {
			t.Errorf("event %d: %d offsets, %d times, %d keys, %d values", i, batch.Len(), len(batch.Times), batch.Keys.Len(), batch.Values.Len())
		}
	}
}

func endedOnce(t *testing.T, opened Opened) {
	ended := map[record.Partition]bool{}
	for _, event := range Drain(t, opened.Source) {
		if event.Records != nil && ended[event.Records.Partition] {
			t.Errorf("records of %v came after its end", event.Records.Partition)
		}
		for _, partition := range event.Ended {
			if ended[partition] {
				t.Errorf("%v ended twice", partition)
			}
			ended[partition] = true
		}
	}
	for partition := range opened.Values {
		if !ended[partition] {
			t.Errorf("%v did not end", partition)
		}
	}
}

func pollHonoursContext(t *testing.T, opened Opened) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := opened.Source.Poll(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("poll with an ended context returned %v, want %v", err, context.Canceled)
	}
	if got := Values(Drain(t, opened.Source)); len(got) != len(opened.Values) {
		t.Errorf("the interrupted poll lost records: %d partitions, want %d", len(got), len(opened.Values))
	}
}

func quietAfterTheEnd(t *testing.T, opened Opened) {
	Drain(t, opened.Source)
	quiet(t, opened.Source)
}

func releasedIsSilent(t *testing.T, opened Opened) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var released []record.Partition
	for len(released) < len(opened.Values) {
		event, err := opened.Source.Poll(ctx)
		if err != nil {
			t.Fatalf("poll for the assignment: %v", err)
		}
		for _, position := range event.Assigned {
			released = append(released, position.Partition)
		}
	}
	if err := opened.Source.Release(released); err != nil {
		t.Fatalf("release: %v", err)
	}
	quiet(t, opened.Source)
}

// quiet polls for a moment, in which nothing may come but that nothing comes.
func quiet(t *testing.T, s source.Source) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), moment)
	defer cancel()
	for {
		event, err := s.Poll(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			return
		}
		if err != nil {
			t.Fatalf("poll: %v, want %v", err, context.DeadlineExceeded)
		}
		if !event.Idle && event.CaughtUp == nil {
			t.Fatalf("got %+v, want nothing more", event)
		}
	}
}

func commitThenClose(t *testing.T, opened Opened) {
	next := map[record.Partition]int64{}
	for _, event := range Drain(t, opened.Source) {
		if event.Records != nil {
			next[event.Records.Partition] = event.Records.Next()
		}
	}
	var positions []record.Position
	for partition, offset := range next {
		positions = append(positions, record.Position{Partition: partition, Offset: offset})
	}
	if err := opened.Source.Commit(t.Context(), positions); err != nil {
		t.Errorf("commit: %v", err)
	}
	if err := opened.Source.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func batchesAreImmutable(t *testing.T, opened Opened) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var events []source.Event
	var copies []string
	for ended := 0; ended < len(opened.Values); {
		event, err := opened.Source.Poll(ctx)
		if err != nil {
			t.Fatalf("poll: %v", err)
		}
		ended += len(event.Ended)
		if event.Records != nil {
			events = append(events, event)
			copies = append(copies, string(event.Records.Values.Data)+string(event.Records.Keys.Data))
		}
	}
	for i, event := range events {
		if string(event.Records.Values.Data)+string(event.Records.Keys.Data) != copies[i] {
			t.Errorf("batch %d changed after it was handed over", i)
		}
	}
}

func fieldsSet(event source.Event) int {
	set := 0
	for _, present := range []bool{
		event.Records != nil, event.Assigned != nil, event.Revoked != nil, event.Lost != nil, event.CaughtUp != nil, event.Ended != nil, event.Idle,
	} {
		if present {
			set++
		}
	}
	return set
}
