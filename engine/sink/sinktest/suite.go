package sinktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
)

// Opened is a sink as the suite wants it.
type Opened struct {
	Sink sink.Sink
	// Delivered returns the values that a reader finds, in order, after Flush and Close went well.
	Delivered func(t *testing.T) []string
}

// Messages returns messages of the values, without keys and with no time of their own.
func Messages(values ...string) *record.Messages {
	messages := &record.Messages{}
	for _, value := range values {
		messages.Keys.Append(nil)
		messages.Values.Append([]byte(value))
		messages.Times = append(messages.Times, -1)
	}
	return messages
}

// Suite holds a sink to the promises of every sink. It calls open anew for each of them. Values that it writes are JSON
// objects {"writer": int, "n": int}, written without spaces, and Delivered must return them so.
func Suite(t *testing.T, open func(t *testing.T) Opened) {
	t.Helper()
	promises := map[string]func(*testing.T, Opened){
		"what was flushed is delivered in order":         deliveredInOrder,
		"a write without messages is no trouble":         emptyWrite,
		"the caller may reuse messages after a write":    messagesAreTakenOver,
		"messages may name the first partition":          partitionsAreNamed,
		"each writer's messages stay in order":           writersKeepTheirOrder,
		"write and flush return when their context ends": contextsAreHonoured,
		"flush may come often":                           flushOften,
		"a sink without messages flushes and closes":     nothingWritten,
	}
	for name, promise := range promises {
		t.Run(name, func(t *testing.T) {
			opened := open(t)
			t.Cleanup(func() { _ = opened.Sink.Close() })
			promise(t, opened)
		})
	}
}

func deliveredInOrder(t *testing.T, opened Opened) {
	want := values(0, 3000)
	for chunk := range slices.Chunk(want, 700) {
		write(t, opened.Sink, chunk...)
	}
	finish(t, opened, want)
}

func emptyWrite(t *testing.T, opened Opened) {
	write(t, opened.Sink)
	want := values(0, 1)
	write(t, opened.Sink, want...)
	write(t, opened.Sink)
	finish(t, opened, want)
}

func messagesAreTakenOver(t *testing.T, opened Opened) {
	want := values(0, 100)
	messages := Messages(want...)
	if rejected, err := opened.Sink.Write(t.Context(), messages); err != nil || len(rejected) > 0 {
		t.Fatalf("write: rejected %v, %v", rejected, err)
	}
	for i := range messages.Values.Data {
		messages.Values.Data[i] = 'x'
	}
	finish(t, opened, want)
}

func partitionsAreNamed(t *testing.T, opened Opened) {
	want := values(0, 100)
	messages := Messages(want...)
	messages.Partitions = make([]int32, len(want))
	if rejected, err := opened.Sink.Write(t.Context(), messages); err != nil || len(rejected) > 0 {
		t.Fatalf("write: rejected %v, %v", rejected, err)
	}
	finish(t, opened, want)
}

func writersKeepTheirOrder(t *testing.T, opened Opened) {
	const writers = 4
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			for chunk := range slices.Chunk(values(writer, 300), 20) {
				write(t, opened.Sink, chunk...)
			}
		})
	}
	group.Wait()
	flushAndClose(t, opened)
	got := opened.Delivered(t)
	for writer := range writers {
		prefix := fmt.Sprintf(`{"writer":%d,`, writer)
		own := slices.DeleteFunc(slices.Clone(got), func(value string) bool { return !strings.HasPrefix(value, prefix) })
		if want := values(writer, 300); !slices.Equal(own, want) {
			t.Errorf("writer %d: delivered %.300q, want %.300q", writer, own, want)
		}
	}
}

func contextsAreHonoured(t *testing.T, opened Opened) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := opened.Sink.Write(ctx, Messages(values(0, 1)...)); !errors.Is(err, context.Canceled) {
		t.Errorf("write with an ended context returned %v, want %v", err, context.Canceled)
	}
	if err := opened.Sink.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("flush with an ended context returned %v, want %v", err, context.Canceled)
	}
}

func flushOften(t *testing.T, opened Opened) {
	want := values(0, 30)
	for chunk := range slices.Chunk(want, 10) {
		write(t, opened.Sink, chunk...)
		for range 2 {
			if err := opened.Sink.Flush(t.Context()); err != nil {
				t.Fatalf("flush: %v", err)
			}
		}
	}
	finish(t, opened, want)
}

func nothingWritten(t *testing.T, opened Opened) { finish(t, opened, nil) }

func values(writer, count int) []string {
	out := make([]string, count)
	for n := range out {
		out[n] = fmt.Sprintf(`{"writer":%d,"n":%d}`, writer, n)
	}
	return out
}

// write fails the test, but lets it go on: it is called by goroutines other than the test's.
func write(t *testing.T, s sink.Sink, values ...string) {
	t.Helper()
	if rejected, err := s.Write(t.Context(), Messages(values...)); err != nil || len(rejected) > 0 {
		t.Errorf("write of %d messages: rejected %v, %v", len(values), rejected, err)
	}
}

func flushAndClose(t *testing.T, opened Opened) {
	t.Helper()
	if err := opened.Sink.Flush(t.Context()); err != nil {
		t.Fatalf("flush: %v", err)
	}
	if err := opened.Sink.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func finish(t *testing.T, opened Opened, want []string) {
	t.Helper()
	flushAndClose(t, opened)
	if got := opened.Delivered(t); !slices.Equal(got, want) {
		t.Errorf("delivered %d messages %.500q, want %d: %.500q", len(got), got, len(want), want)
	}
}
