package sinktest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/sink/sinktest"
)

func TestFakeKeepsThePromisesOfASink(t *testing.T) {
	sinktest.Suite(t, func(*testing.T) sinktest.Opened {
		fake := sinktest.New()
		return sinktest.Opened{Sink: fake, Delivered: func(t *testing.T) []string {
			t.Helper()
			if !fake.Closed() {
				t.Error("the sink was not closed")
			}
			var values []string
			for _, message := range fake.Flushed() {
				values = append(values, string(message.Value))
			}
			return values
		}}
	})
}

func TestMessagesAreRememberedWhole(t *testing.T) {
	fake := sinktest.New()
	messages := sinktest.Messages("a", "b")
	messages.Keys = record.Arena{}
	messages.Keys.Append([]byte("k"))
	messages.Keys.Append(nil)
	messages.Times = []int64{7, -1}
	messages.Partitions = []int32{4, -1}
	messages.Headers = [][]record.Header{{{Key: "h", Value: []byte("v")}}, nil}
	if _, err := fake.Write(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
	messages.Headers[0][0].Value[0] = 'x'
	got := fake.Messages()
	if len(got) != 2 {
		t.Fatalf("got %d messages, want 2", len(got))
	}
	if first := got[0]; string(first.Key) != "k" || string(first.Value) != "a" || first.Time != 7 || string(first.Headers[0].Value) != "v" {
		t.Errorf("first message is %+v", first)
	}
	if got[0].Partition != 4 || got[1].Partition != -1 {
		t.Errorf("messages are for the partitions %d and %d", got[0].Partition, got[1].Partition)
	}
	if second := got[1]; second.Key != nil || second.Time != -1 || second.Headers != nil {
		t.Errorf("second message is %+v", second)
	}
}

func TestRejectedMessagesAreNotRememberedAndTheirNeighboursAre(t *testing.T) {
	fake := sinktest.New()
	tooLarge := errors.New("too large")
	fake.OnWrite(func(context.Context, *record.Messages) ([]sink.Rejected, error) {
		return []sink.Rejected{{Index: 1, Err: tooLarge}}, nil
	})
	rejected, err := fake.Write(t.Context(), sinktest.Messages("a", "b", "c"))
	if err != nil || len(rejected) != 1 || rejected[0].Index != 1 || !errors.Is(rejected[0].Err, tooLarge) {
		t.Errorf("write returned %v, %v", rejected, err)
	}
	if got := fake.Values(); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("remembered %q", got)
	}
}

func TestAWriteThatFailsRemembersNothing(t *testing.T) {
	fake := sinktest.New()
	broken := errors.New("broken")
	fake.OnWrite(func(context.Context, *record.Messages) ([]sink.Rejected, error) { return nil, broken })
	if _, err := fake.Write(t.Context(), sinktest.Messages("a")); !errors.Is(err, broken) {
		t.Errorf("write returned %v, want %v", err, broken)
	}
	if got := fake.Values(); len(got) != 0 {
		t.Errorf("remembered %q", got)
	}
}

func TestAFlushThatFailsDeliversNothing(t *testing.T) {
	fake := sinktest.New()
	broken := errors.New("broken")
	fake.OnFlush(func(context.Context) error { return broken })
	if _, err := fake.Write(t.Context(), sinktest.Messages("a")); err != nil {
		t.Fatal(err)
	}
	if err := fake.Flush(t.Context()); !errors.Is(err, broken) {
		t.Errorf("flush returned %v, want %v", err, broken)
	}
	if got := fake.Flushed(); len(got) != 0 || fake.Flushes() != 0 {
		t.Errorf("delivered %v in %d flushes", got, fake.Flushes())
	}
}

func TestWaitSeesAWriteOfAnotherGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := sinktest.New()
		go func() {
			if _, err := fake.Write(t.Context(), sinktest.Messages("a")); err != nil {
				t.Errorf("write: %v", err)
			}
		}()
		if err := fake.Wait(t.Context(), func() bool { return len(fake.Messages()) == 1 }); err != nil {
			t.Errorf("wait: %v", err)
		}
	})
}
