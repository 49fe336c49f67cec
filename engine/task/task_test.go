package task_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/sink/sinktest"
	"github.com/pyudf/pyudf/engine/source/sourcetest"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/step"
	"github.com/pyudf/pyudf/engine/task"
)

// runner passes values on; the test says when each batch may finish, and which fails.
type runner struct {
	hold map[int64]chan struct{} // by the first offset
	err  error
}

func (r *runner) Run(ctx context.Context, batch *record.Batch) (*step.Outcome, error) {
	if hold := r.hold[batch.Offsets[0]]; hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	outcome := &step.Outcome{Batch: batch, Outputs: []step.Output{{Step: &plan.Step{Label: "to(out)"}, Messages: record.Messages{Keys: batch.Keys, Values: batch.Values, Times: batch.Times}}}}
	for i := range batch.Len() {
		if strings.HasPrefix(string(batch.Values.At(i)), "dead") {
			outcome.Dead = append(outcome.Dead, step.DeadLetter{Record: i, Step: "s", Function: "f", Reason: "raised", Exception: "ValueError", Message: "m", Traceback: "t"})
		}
	}
	return outcome, r.err
}

var partition = record.Partition{Topic: "in", Index: 3} //nolint:gochecknoglobals // a constant

func outputs(out, dead sink.Sink) *task.Outputs {
	return &task.Outputs{Sinks: []sink.Sink{out}, Names: []string{"out"}, DeadLetters: dead, Metrics: metrics.New(prometheus.NewRegistry())}
}

func TestOutcomesAreWrittenInTheOrderOfTheBatches(t *testing.T) {
	r := &runner{hold: map[int64]chan struct{}{0: make(chan struct{}), 2: make(chan struct{})}}
	out := sinktest.New()
	tk := task.Start(t.Context(), task.Config{Position: 0, Runner: r, Outputs: outputs(out, sinktest.New())})
	defer tk.Stop()
	for i := range 3 {
		if err := tk.Add(sourcetest.Batch(partition, int64(2*i), fmt.Sprint("a", i), fmt.Sprint("b", i))); err != nil {
			t.Fatal(err)
		}
	}
	close(r.hold[2])
	close(r.hold[0])
	reached, err := tk.Drain()
	position := reached.Position
	if err != nil || position != 6 {
		t.Fatal(position, err)
	}
	if want := []string{"a0", "b0", "a1", "b1", "a2", "b2"}; !slices.Equal(out.Values(), want) {
		t.Errorf("%v", out.Values())
	}
}

func TestDrainKnowsTheNextOffsetAlsoBeforeTheFirstRecord(t *testing.T) {
	tk := task.Start(t.Context(), task.Config{Position: 41, Runner: &runner{}, Outputs: outputs(sinktest.New(), sinktest.New())})
	defer tk.Stop()
	if reached, err := tk.Drain(); reached.Position != 41 || err != nil {
		t.Error(reached.Position, err)
	}
}

func TestAFailureIsToldToWhoeverAsksNext(t *testing.T) {
	broken := errors.New("broken")
	tk := task.Start(t.Context(), task.Config{Position: 0, Runner: &runner{err: broken}, Outputs: outputs(sinktest.New(), sinktest.New())})
	defer tk.Stop()
	if err := tk.Add(sourcetest.Batch(partition, 0, "a")); err != nil {
		t.Fatal(err)
	}
	if _, err := tk.Drain(); !errors.Is(err, broken) {
		t.Error(err)
	}
	if err := tk.Add(sourcetest.Batch(partition, 1, "b")); !errors.Is(err, broken) {
		t.Error(err)
	}
	if err := tk.Err(); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// changing is a flow of which only the changes are asked for.
type changing struct{ task.Flow }

func (changing) Changes(int64) *state.Changes { return &state.Changes{} }

// Whoever asks goes on before the task has ended of its error, or after that: so it is asked often.
func TestWhatFailsInATaskIsToldToWhoAskedForIt(t *testing.T) {
	refused := errors.New("refused")
	for range 200 {
		tk := task.Start(t.Context(), task.Config{Runner: &runner{}, Flow: changing{}, Outputs: outputs(sinktest.New(), sinktest.New())})
		err := tk.Changes(func(context.Context, *state.Changes) error { return refused })
		tk.Stop()
		if !errors.Is(err, refused) {
			t.Fatalf("it says %v, want %v", err, refused)
		}
	}
}

func TestNothingIsWrittenAfterStop(t *testing.T) {
	r := &runner{hold: map[int64]chan struct{}{0: make(chan struct{})}}
	out := sinktest.New()
	tk := task.Start(t.Context(), task.Config{Position: 0, Runner: r, Outputs: outputs(out, sinktest.New())})
	if err := tk.Add(sourcetest.Batch(partition, 0, "a")); err != nil {
		t.Fatal(err)
	}
	tk.Stop()
	close(r.hold[0])
	if len(out.Values()) != 0 {
		t.Error(out.Values())
	}
}

func TestADeadLetterSaysEverything(t *testing.T) {
	dead := sinktest.New()
	tk := task.Start(t.Context(), task.Config{Position: 0, Runner: &runner{}, Outputs: outputs(sinktest.New(), dead)})
	defer tk.Stop()
	if err := tk.Add(sourcetest.Batch(partition, 7, "fine", "dead")); err != nil {
		t.Fatal(err)
	}
	if _, err := tk.Drain(); err != nil {
		t.Fatal(err)
	}
	if len(dead.Messages()) != 1 {
		t.Fatal(dead.Values())
	}
	letter := dead.Messages()[0]
	var headers []string
	for _, h := range letter.Headers {
		headers = append(headers, h.Key+"="+string(h.Value))
	}
	want := "pyudf.topic=in pyudf.partition=3 pyudf.offset=8 pyudf.step=s pyudf.reason=raised pyudf.message=m pyudf.function=f pyudf.exception=ValueError pyudf.traceback=t"
	if got := strings.Join(headers, " "); got != want || string(letter.Value) != "dead" {
		t.Errorf("%s %s\nwant %s", letter.Value, got, want)
	}
}

func TestWhatASinkRejectsIsADeadLetterAndWhatThatRejectsGoesWithoutItsValue(t *testing.T) {
	tooLarge := func(_ context.Context, m *record.Messages) ([]sink.Rejected, error) {
		for i := range m.Len() {
			if string(m.Values.At(i)) == "huge" {
				return []sink.Rejected{{Index: i, Err: errors.New("too large")}}, nil
			}
		}
		return nil, nil
	}
	out, dead := sinktest.New(), sinktest.New()
	out.OnWrite(tooLarge)
	dead.OnWrite(tooLarge)
	tk := task.Start(t.Context(), task.Config{Position: 0, Runner: &runner{}, Outputs: outputs(out, dead)})
	defer tk.Stop()
	if err := tk.Add(sourcetest.Batch(partition, 0, "a", "huge", "b")); err != nil {
		t.Fatal(err)
	}
	if _, err := tk.Drain(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(out.Values(), []string{"a", "b"}) {
		t.Error(out.Values())
	}
	letters := dead.Messages()
	if len(letters) != 1 || letters[0].Value != nil {
		t.Fatalf("%q", dead.Values())
	}
	last := letters[0].Headers[len(letters[0].Headers)-1]
	if last.Key != "pyudf.value_dropped" || string(last.Value) != "4 bytes: too large" {
		t.Errorf("%s=%s", last.Key, last.Value)
	}
}
