package local_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pyudf/pyudf/engine/exchange/local"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

func poll(t *testing.T, h *local.Hop) source.Event {
	t.Helper()
	event, err := h.Source().Poll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return event
}

func write(t *testing.T, h *local.Hop, partition int32, values ...[]byte) {
	t.Helper()
	var messages record.Messages
	for _, value := range values {
		messages.Keys.Append(nil)
		messages.Values.Append(value)
		messages.Times = append(messages.Times, -1)
		messages.Partitions = append(messages.Partitions, partition)
	}
	if _, err := h.Sink().Write(t.Context(), &messages); err != nil {
		t.Fatal(err)
	}
}

func opened(t *testing.T, partitions int) *local.Hop {
	t.Helper()
	h := local.New("hop", partitions)
	given := poll(t, h).Assigned
	if len(given) != partitions {
		t.Fatalf("%d partitions, want %d", len(given), partitions)
	}
	for _, p := range given {
		if _, err := h.Source().Begin(t.Context(), p, -1); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestWhatIsWrittenComesOutInItsOrderAndInBatchesOfALimitedSize(t *testing.T) {
	const messages = 50
	h := opened(t, 2)
	value := bytes.Repeat([]byte("v"), 100_000)
	for range messages {
		write(t, h, 0, value)
		write(t, h, 1, value, value)
	}
	next := map[int32]int64{}
	for !h.Empty() {
		b := poll(t, h).Records
		if len(b.Values.Data) > 2<<20 {
			t.Errorf("a batch has %d bytes", len(b.Values.Data))
		}
		for _, offset := range b.Offsets {
			if offset != next[b.Partition.Index] {
				t.Fatalf("offset %d of %v comes where %d belongs", offset, b.Partition, next[b.Partition.Index])
			}
			next[b.Partition.Index]++
		}
	}
	if next[0] != messages || next[1] != 2*messages {
		t.Errorf("%v came out", next)
	}
}

func TestThereIsNoRoomWhileTooMuchWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := opened(t, 1)
		value := make([]byte, 1<<20)
		for range 64 {
			if err := h.Room(t.Context()); err != nil {
				t.Fatal(err)
			}
			write(t, h, 0, value)
		}
		write(t, h, 0, value) // writing never waits
		room := make(chan error, 1)
		go func() { room <- h.Room(t.Context()) }()
		synctest.Wait()
		for taken := 0; len(room) == 0; taken++ {
			if taken == 3 {
				t.Fatalf("no room after %d batches were taken", taken)
			}
			poll(t, h)
			synctest.Wait()
		}
		if err := <-room; err != nil {
			t.Error(err)
		}
	})
}

func TestWaitingForRoomEndsWithItsContext(t *testing.T) {
	h := opened(t, 1)
	write(t, h, 0, make([]byte, 65<<20))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Room(ctx); err == nil {
		t.Error("there is room")
	}
}

func TestAWokenPollSaysAtOnceThatNothingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := opened(t, 1)
		began := time.Now()
		write(t, h, 0, []byte("v"))
		h.Wake()
		if event := poll(t, h); event.Records == nil {
			t.Errorf("what waits does not come first: %+v", event)
		}
		if event := poll(t, h); !event.Idle || time.Since(began) > 0 {
			t.Errorf("after %s: %+v", time.Since(began), event)
		}
		if event := poll(t, h); !event.Idle || time.Since(began) == 0 {
			t.Errorf("woken twice: %+v", event)
		}
	})
}

func TestAFinishedHopEndsBehindEverything(t *testing.T) {
	h := opened(t, 2)
	finisher, ok := h.Source().(source.Finisher)
	if !ok {
		t.Fatal("it cannot be finished")
	}
	write(t, h, 1, []byte("v"))
	finisher.Finish()
	if event := poll(t, h); event.Records == nil {
		t.Errorf("the end is before %+v", event)
	}
	if event := poll(t, h); len(event.Ended) != 2 {
		t.Errorf("no end: %+v", event)
	}
}
