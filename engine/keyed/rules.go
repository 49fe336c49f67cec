package keyed

import (
	"errors"
	"math"

	"github.com/pyudf/pyudf/engine/fold"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/step"
	"github.com/pyudf/pyudf/engine/window"
)

// rules asks a user's class about its windows. As the same question always has the same answer, none is asked twice.
type rules struct {
	program *step.Program
	class   *plan.CustomWindow
	flow    *Flow
	merged  map[[2]window.Span]merger
	due     map[window.Span]int64
}

type merger struct {
	whole window.Span
	ok    bool
}

// remembered is how many answers are kept.
const remembered = 1 << 16

func newRules(flow *Flow, class *plan.CustomWindow) *rules {
	return &rules{program: flow.config.Program, flow: flow, class: class, merged: map[[2]window.Span]merger{}, due: map[window.Span]int64{}}
}

// Merge implements window.Rules.
func (r *rules) Merge(a, b window.Span) (window.Span, bool, error) {
	if r.class.Merge == nil {
		return window.Span{}, false, nil
	}
	question := [2]window.Span{a, b}
	if m, known := r.merged[question]; known {
		return m.whole, m.ok, nil
	}
	whole, ok, err := r.program.Merge(r.flow.ctx, r.class.Merge, a, b)
	if err == nil {
		forget(r.merged)
		r.merged[question] = merger{whole, ok}
	}
	return whole, ok, err
}

// Due implements window.Rules: where should_close is false for ever, it is the end of time.
func (r *rules) Due(w window.Span) (int64, error) {
	if r.class.Close == nil {
		return w.End, nil
	}
	if due, known := r.due[w]; known {
		return due, nil
	}
	due, err := r.search(w)
	if err == nil {
		forget(r.due)
		r.due[w] = due
	}
	return due, err
}

func forget[K comparable, V any](answers map[K]V) {
	if len(answers) >= remembered {
		clear(answers)
	}
}

// farthest is how long after its start a window closes at the latest: 136 years.
const farthest = 1 << 42

// search finds the first watermark at which a window is over, asking about many at a time: its end and what is close to
// it first, as most windows close there. A window that is over once stays over.
func (r *rules) search(w window.Span) (int64, error) {
	low, high := w.Start-1, w.Start+farthest // over is false at low, true at high, as far as is known
	for probes := around(w); ; probes = between(low, high) {
		over, err := r.program.Closed(r.flow.ctx, r.class.Close, w, probes)
		if err != nil {
			return 0, err
		}
		for i, probe := range probes {
			if over[i] {
				high = min(high, probe)
			} else {
				low = max(low, probe)
			}
		}
		switch {
		case low+1 < high:
		case high == w.Start+farthest:
			return math.MaxInt64, nil
		default:
			return max(high, low+1), nil
		}
	}
}

func around(w window.Span) []int64 {
	probes := []int64{w.Start, w.End - 1, w.End, w.End + 1}
	for step := int64(1); step <= farthest/4; step *= 4 {
		probes = append(probes, w.End+step)
	}
	return probes
}

// between returns up to 64 watermarks between two others, evenly spread.
func between(low, high int64) []int64 {
	step := max((high-low)/65, 1)
	var probes []int64
	for probe := low + step; probe < high && len(probes) < 64; probe += step {
		probes = append(probes, probe)
	}
	return probes
}

// join has aggregators merge the states of windows that become one, before they do.
func (f *Flow) join(n *node) window.Join {
	merging := map[int]*fold.Column{}
	for number, column := range n.folds {
		if n.step.Aggregate.Columns[number].Call.Function.Merges { // others keep rows, which need no merge
			merging[number] = column
		}
	}
	if len(merging) == 0 {
		return nil
	}
	return func(cells []int32) error {
		merged := map[int]fold.Line{}
		for number, column := range merging {
			var lines []fold.Line
			for _, cell := range cells {
				lines = append(lines, column.Lines(cell)...)
			}
			if len(lines) < 2 {
				continue
			}
			line, outcome, err := f.config.Program.Join(f.ctx, n.step, number, n.windows.Key(cells[0]), lines)
			if err != nil {
				return err
			}
			outcome.Batch.Partition = f.config.Partition
			if err := f.hand(outcome); err != nil {
				return err
			}
			merged[number] = line
		}
		for number, line := range merged {
			for _, cell := range cells[1:] {
				n.folds[number].Drop(cell)
			}
			n.folds[number].Replace(cells[0], line)
		}
		return nil
	}
}

// fail makes the rows dead that a user's class failed for.
func (f *Flow) fail(n *node, k *step.Keyed, side *step.Outcome) error {
	for _, failed := range n.windows.Failed() {
		raised := new(step.RaisedError)
		if !errors.As(failed.Err, &raised) {
			return failed.Err
		}
		letter := step.DeadLetter{
			Record: k.OriginOf(failed.Row), Step: n.step.Label, Function: raised.Function, Reason: step.ReasonRaised,
			Exception: raised.Failure.Exception, Message: raised.Failure.Message, Traceback: raised.Failure.Traceback,
		}
		side.Dead = append(side.Dead, letter)
		f.config.Metrics.RecordsDead.WithLabelValues(letter.Step, letter.Reason).Inc()
	}
	return nil
}
