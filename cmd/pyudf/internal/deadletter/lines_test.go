package deadletter_test

import (
	"slices"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/deadletter"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/sink/sinktest"
)

func TestALineOfAFileHasTheRecordAndTheReason(t *testing.T) {
	messages := &record.Messages{
		Times:   []int64{1374170400000, -1},
		Headers: [][]record.Header{{{Key: "pyudf.reason", Value: []byte("raised")}}, nil},
	}
	messages.Keys.Append([]byte("JFK"))
	messages.Keys.Append(nil)
	messages.Values.Append([]byte(`{"rh":1.50}`))
	messages.Values.Append([]byte("not JSON"))
	file := sinktest.New()
	if rejected, err := deadletter.Lines(func() (sink.Sink, error) { return file, nil }).Write(t.Context(), messages); err != nil || rejected != nil {
		t.Fatal(rejected, err)
	}
	want := []string{
		`{"time":"2013-07-18T18:00:00Z","key":"JFK","headers":{"pyudf.reason":"raised"},"value":{"rh":1.50}}`,
		`{"time":null,"key":null,"value":"not JSON"}`,
	}
	if got := file.Values(); !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestARunWithoutDeadLettersCreatesNoFile(t *testing.T) {
	letters := deadletter.Lines(func() (sink.Sink, error) {
		t.Error("created")
		return sinktest.New(), nil
	})
	if err := letters.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if err := letters.Close(); err != nil {
		t.Error(err)
	}
}
