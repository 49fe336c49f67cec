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
	// Fourth is the offset of the fourth record of each partition; 0: the source begins at its start alone.
	Fourth int64
}

// Suite holds a source to the promises of every bounded source. It calls open anew for each of them; open must give
// several batches' worth of records to test more than the simple case.
func Suite(t *testing.T, open func(t *testing.T) Opened) {
	t.Helper()
	promises := map[string]func(*testing.T, Opened){
		"every partition is assigned before its records":      assignedFirst,
		"nothing of a partition comes before it is begun":     silentBeforeBegin,
		"all records come in order and once":                  recordsInOrder,
		"offsets are consecutive from where it begins":        offsetsConsecutive,
		"a partition begins where it is told":                 beginsWhereTold,
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

// Drain begins every partition that is assigned and polls until all have ended. It returns the events up to there.
func Drain(t *testing.T, s source.Source) []source.Event {
	t.Helper()
	return drain(t, s, func(record.Partition) int64 { return -1 }, func(record.Position) {})
}

// drain is Drain. from says where a partition begins, began is told where it did.
func drain(t *testing.T, s source.Source, from func(record.Partition) int64, began func(record.Position)) []source.Event {
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
		for _, p := range event.Assigned {
			began(record.Position{Partition: p, Offset: begin(t, s, p, from(p))})
		}
	}
	return events
}

func begin(t *testing.T, s source.Source, p record.Partition, from int64) int64 {
	t.Helper()
	at, err := s.Begin(t.Context(), p, from)
	if err != nil {
		t.Fatalf("begin %v at %d: %v", p, from, err)
	}
	return at
}

// assigned polls until all partitions are assigned, and returns them.
func assigned(t *testing.T, opened Opened) []record.Partition {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []record.Partition
	for len(all) < len(opened.Values) {
		event, err := opened.Source.Poll(ctx)
		if err != nil {
			t.Fatalf("poll for the assignment: %v", err)
		}
		all = append(all, event.Assigned...)
	}
	return all
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
		for _, partition := range event.Assigned {
			if assigned[partition] {
				t.Errorf("%v was assigned twice", partition)
			}
			assigned[partition] = true
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
	events := drain(t, opened.Source, func(record.Partition) int64 { return -1 }, func(at record.Position) { next[at.Partition] = at.Offset })
	for _, event := range events {
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

func silentBeforeBegin(t *testing.T, opened Opened) {
	assigned(t, opened)
	quiet(t, opened.Source)
}

func beginsWhereTold(t *testing.T, opened Opened) {
	if opened.Fourth == 0 {
		t.Skip("the source begins at its start alone")
	}
	events := drain(t, opened.Source, func(record.Partition) int64 { return opened.Fourth }, func(record.Position) {})
	for partition, got := range Values(events) {
		if want := opened.Values[partition][3:]; !slices.Equal(got, want) {
			t.Errorf("%v: got %d records %.500q, want %d: %.500q", partition, len(got), got, len(want), want)
		}
	}
}

func releasedIsSilent(t *testing.T, opened Opened) {
	all := assigned(t, opened)
	for _, p := range all {
		begin(t, opened.Source, p, -1)
	}
	if err := opened.Source.Release(all); err != nil {
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
	all := assigned(t, opened)
	for _, p := range all {
		begin(t, opened.Source, p, -1)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var events []source.Event
	var copies []string
	for ended := 0; ended < len(all); {
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
