package load_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/load"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/table"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/sink/sinktest"
)

func open(t *testing.T, text string, fields table.Fields) table.Reader {
	t.Helper()
	reader, err := table.Open(strings.NewReader(text), table.JSON, fields, nil)
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

func TestAllRowsAreDeliveredInOrderWithKeysAndTimes(t *testing.T) {
	const rows = 10000
	var text strings.Builder
	for i := range rows {
		fmt.Fprintf(&text, `{"k":"k%d","t":%d}`+"\n", i%7, 200000000000+i)
	}
	to := sinktest.New()
	loader := &load.Loader{From: open(t, text.String(), table.Fields{Key: "k", Time: "t"}), To: to}
	if err := loader.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	messages := to.Flushed()
	if len(messages) != rows || loader.Sent() != rows {
		t.Fatalf("%d messages are delivered, %d counted as sent, want %d", len(messages), loader.Sent(), rows)
	}
	for i, message := range messages {
		want := fmt.Sprintf(`{"k":"k%d","t":%d}`, i%7, 200000000000+i)
		if string(message.Value) != want || string(message.Key) != fmt.Sprintf("k%d", i%7) || message.Time != int64(200000000000+i) {
			t.Fatalf("message %d is %s, key %s, time %d", i, message.Value, message.Key, message.Time)
		}
	}
}

func TestARowWithoutKeyAndTimeHasNone(t *testing.T) {
	to := sinktest.New()
	loader := &load.Loader{From: open(t, "{}\n", table.Fields{}), To: to}
	if err := loader.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := to.Flushed(); len(got) != 1 || got[0].Key != nil || got[0].Time != -1 {
		t.Fatalf("got %+v", got)
	}
}

func TestABadLineStopsAfterTheRowsBeforeItAreDelivered(t *testing.T) {
	to := sinktest.New()
	loader := &load.Loader{From: open(t, "1\n2\nthree\n4\n", table.Fields{}), To: to}
	err := loader.Run(t.Context())
	var line *table.LineError
	if !errors.As(err, &line) || line.Line != 3 || loader.Sent() != 2 || len(to.Flushed()) != 2 {
		t.Fatalf("got %v after %d sent, %d delivered, want line 3 after 2", err, loader.Sent(), len(to.Flushed()))
	}
}

func TestARecordThatTheSinkRejectsIsNamedByItsLine(t *testing.T) {
	to := sinktest.New()
	to.OnWrite(func(context.Context, *record.Messages) ([]sink.Rejected, error) {
		return []sink.Rejected{{Index: 1, Err: errors.New("too large")}}, nil
	})
	loader := &load.Loader{From: open(t, "1\n\n2\n3\n", table.Fields{}), To: to}
	err := loader.Run(t.Context())
	if err == nil || err.Error() != "line 3: too large" || loader.Sent() != 2 {
		t.Fatalf("got %v after %d sent, want line 3: too large after 2", err, loader.Sent())
	}
}

func TestAnInterruptionDeliversWhatWasTaken(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	to := sinktest.New()
	to.OnWrite(func(context.Context, *record.Messages) ([]sink.Rejected, error) {
		cancel()
		return nil, nil
	})
	loader := &load.Loader{From: open(t, strings.Repeat("1\n", 10000), table.Fields{}), To: to}
	if err := loader.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if got := len(to.Flushed()); got == 0 || got == 10000 || int64(got) != loader.Sent() {
		t.Fatalf("%d are delivered and %d counted, want the first part", got, loader.Sent())
	}
}

func TestALostBrokerIsAnError(t *testing.T) {
	gone := errors.New("gone")
	for name, sabotage := range map[string]func(*sinktest.Fake){
		"sending: gone": func(f *sinktest.Fake) {
			f.OnWrite(func(context.Context, *record.Messages) ([]sink.Rejected, error) { return nil, gone })
		},
		"delivering: gone": func(f *sinktest.Fake) { f.OnFlush(func(context.Context) error { return gone }) },
	} {
		to := sinktest.New()
		sabotage(to)
		err := (&load.Loader{From: open(t, "1\n", table.Fields{}), To: to}).Run(t.Context())
		if !errors.Is(err, gone) || err.Error() != name {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}
