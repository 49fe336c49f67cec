package keyed

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/pyudf/pyudf/engine/fold"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/step"
	"github.com/pyudf/pyudf/engine/window"
)

// Config is what a flow needs.
type Config struct {
	Source    *plan.Source
	Partition record.Partition
	Program   *step.Program
	// Inputs is how many partitions feed a stage behind a hop.
	Inputs int
	// Spread is over how many partitions the hop before the stage spreads its keys; 0: there is none.
	Spread int
	// InProcess tells that the hop before the stage is no topic: positions there mean nothing after the run.
	InProcess bool
	// Targets are how many partitions each hop of the plan leads to, by its index.
	Targets []int
	// FirstHop is the number of the first hop's sink.
	FirstHop int
	Store    state.Store
	Metrics  *metrics.Set
}

// Flow is the stateful half of a program in one task. One goroutine calls its methods.
type Flow struct {
	config  Config
	clock   *clock
	nodes   []*node
	overlay *state.Overlay
	// ctx is that of the call that is under way, for the user's code that windows ask.
	ctx context.Context //nolint:containedctx // see there
	// yield takes the outcomes of the call that is under way.
	yield func(*step.Outcome, error) bool
	// closed counts the stored windows that were closed since the store was compacted.
	closed int
	// idle tells that the partition is known to be idle.
	idle bool
}

// node is a step that needs all records of a key.
type node struct {
	step *plan.Step
	// windows is set for an aggregation, keeper for a function with states, sender for a hop.
	windows *window.Operator
	keeper  *keeper
	// folds are the columns that keep rows for aggregators, by their numbers.
	folds  map[int]*fold.Column
	sender *sender
	// direct is set for a hop of a partition's own records.
	direct bool
	next   []*node
	// reached is the watermark of what was sent.
	reached int64
	// ticked is when the last early results were given.
	ticked int64
	// saved is how far the windows were when they were saved last.
	saved string
	// described tells that the store says what the step keeps.
	described bool
}

// Open returns the flow of a task as it was when it was saved last, and the position of its input then; -1 if it was
// never saved.
func Open(config Config) (*Flow, int64, error) {
	f := &Flow{config: config, overlay: state.NewOverlay(config.Store), clock: newClock(int64(config.Source.Time.GetOutOfOrderMs()), config.Inputs)} //nolint:gosec // ms of no human time overflow
	var err error
	if f.nodes, err = f.build(config.Source.Steps); err != nil {
		return nil, 0, err
	}
	for _, n := range f.nodes {
		n.direct = n.sender != nil && config.Source.Hop == nil
	}
	position, err := f.load()
	return f, position, err
}

// build returns the nodes among steps and behind them.
func (f *Flow) build(steps []*plan.Step) ([]*node, error) {
	var nodes []*node
	for _, s := range steps {
		below, err := f.build(s.Next)
		if err != nil {
			return nil, err
		}
		switch {
		case s.Aggregate != nil:
			n, err := f.windowed(s)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.Label, err)
			}
			n.next = below
			nodes = append(nodes, n)
		case s.Stateful != nil:
			nodes = append(nodes, &node{step: s, next: below, keeper: newKeeper(s, f.overlay)})
		case s.KeyBy != nil && s.KeyBy.Hop != nil:
			sender, err := newSender(f.config, s)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.Label, err)
			}
			nodes = append(nodes, &node{step: s, sender: sender, reached: unknown})
		default:
			nodes = append(nodes, below...)
		}
	}
	return nodes, nil
}

// windowed returns the node of an aggregation.
func (f *Flow) windowed(s *plan.Step) (*node, error) {
	columns, results, err := accumulators(s.Aggregate)
	if err != nil {
		return nil, err
	}
	n := &node{step: s, windows: window.New(s.Aggregate.Window, columns, results), folds: folds(columns)}
	if s.Aggregate.Custom != nil {
		n.windows.Use(newRules(f, s.Aggregate.Custom))
	}
	n.windows.Ask(f.join(n))
	return n, nil
}

// Outcomes are what is to be written, one after the other. They must be taken to the end: only then the flow has done
// what was asked. After an error it is of no more use.
type Outcomes = iter.Seq2[*step.Outcome, error]

// Take takes the outcome of the next batch and gives it and what follows from it.
func (f *Flow) Take(ctx context.Context, outcome *step.Outcome) Outcomes {
	return f.giving(func() error {
		f.idle = false
		if err := f.hand(outcome); err != nil {
			return err
		}
		if f.config.Source.Hop == nil {
			return f.run(ctx, outcome, f.clock.pass(outcome.Times))
		}
		if f.config.Source.Hop.Partial != nil {
			return f.takeParts(ctx, outcome)
		}
		var before []int64
		if err := f.takeOlder(outcome); err != nil {
			return err
		}
		for i := range outcome.Blocks {
			before = append(before, f.clock.arrive(&outcome.Blocks[i])...)
		}
		return f.run(ctx, outcome, before)
	})
}

// giving hands out what do gives, as it does.
func (f *Flow) giving(do func() error) Outcomes {
	return func(yield func(*step.Outcome, error) bool) {
		f.yield = yield
		err := do()
		f.yield = nil
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}

// errStopped says that nobody takes more.
var errStopped = errors.New("the outcomes are not taken to the end")

func (f *Flow) hand(outcome *step.Outcome) error {
	if !f.yield(outcome, nil) {
		return errStopped
	}
	return nil
}

// aside hands out what became of some records beside the steps behind, if there is anything.
func (f *Flow) aside(side *step.Outcome) error {
	if len(side.Outputs) == 0 && len(side.Dead) == 0 {
		return nil
	}
	return f.hand(side)
}

func (f *Flow) run(ctx context.Context, outcome *step.Outcome, before []int64) error {
	return f.level(ctx, f.nodes, rows{outcome, before}, f.clock.watermark)
}

// level has nodes take their rows, then moves them on to the watermark behind the rows.
func (f *Flow) level(ctx context.Context, nodes []*node, in rows, after int64) error {
	for _, n := range nodes {
		k := in.keyed(n.step)
		if n.sender != nil {
			if err := f.hop(n, in, k, after); err != nil {
				return err
			}
			continue
		}
		if n.keeper != nil {
			if err := f.keep(ctx, n, &in, k, after); err != nil {
				return err
			}
			continue
		}
		if k != nil {
			f.ctx = ctx //nolint:fatcontext // it is that of this call, until the next
			if err := f.add(n, &in, k); err != nil {
				return err
			}
		}
		n.windows.Advance(after)
		if err := f.give(ctx, n); err != nil {
			return err
		}
		if err := f.fold(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// add puts rows into windows. What is too late, or failed, goes its own way.
func (f *Flow) add(n *node, in *rows, k *step.Keyed) error {
	side := &step.Outcome{Batch: in.Batch}
	late := n.windows.Add(f.windowRows(k, in))
	f.late(n, in, k, late, side)
	if err := f.fail(n, k, side); err != nil {
		return err
	}
	return f.aside(side)
}

// hop sends rows, at the watermark of the partition's own records if they come straight from it: where inputs meet, the
// clock moves the watermark on only if all of them are idle.
func (f *Flow) hop(n *node, in rows, k *step.Keyed, after int64) error {
	if n.direct {
		in.before, after = f.clock.own, f.clock.told(f.idle)
	}
	n.reached = after
	return f.send(n, &in, k, after)
}

// fold has aggregators take whole chunks of rows, so that they need not be kept.
func (f *Flow) fold(ctx context.Context, n *node) error {
	for number, column := range n.folds {
		full := column.Full()
		if len(full) == 0 {
			continue
		}
		var keys [][]byte
		var lines [][]fold.Line
		for _, cell := range full {
			keys, lines = append(keys, n.windows.Key(cell)), append(lines, column.Lines(cell))
		}
		outcome, err := f.config.Program.Fold(ctx, n.step, number, keys, lines)
		if err != nil {
			return err
		}
		outcome.Batch.Partition = f.config.Partition
		if err := f.hand(outcome); err != nil {
			return err
		}
	}
	return nil
}

// piece is how many results go through the steps behind windows at a time: a million may become due at once.
const piece = 8192

// give runs the steps behind windows on what they gave.
func (f *Flow) give(ctx context.Context, n *node) error {
	results := n.windows.Results()
	for from := 0; from < results.Len(); from += piece {
		part := results.Slice(from, min(from+piece, results.Len()))
		outcome, err := f.config.Program.Results(ctx, n.step, f.config.Partition, part)
		if err != nil {
			return err
		}
		if err := f.hand(outcome); err != nil {
			return err
		}
		if err := f.level(ctx, n.next, rows{outcome, part.Watermarks}, part.Watermarks[part.Len()-1]); err != nil {
			return err
		}
	}
	return f.level(ctx, n.next, rows{&step.Outcome{}, nil}, n.windows.Watermark())
}

// Idle tells that the partition has had no records for a while, and how many ms of that passed since the last call. Its
// watermark follows the clock from the first call on.
func (f *Flow) Idle(ctx context.Context, ms int64) Outcomes {
	return f.giving(func() error {
		if f.idle && f.clock.watermark != unknown {
			f.clock.advance(f.clock.watermark + ms)
		}
		f.idle = true
		return f.run(ctx, &step.Outcome{}, nil)
	})
}

// Tick gives the early results of the windows whose time it is, and tells the stages behind hops how far this one is.
// The time is in ms; the first call tells when the clock starts.
func (f *Flow) Tick(ctx context.Context, now int64) Outcomes {
	return f.each(ctx, func(n *node) {
		every := n.step.Aggregate.EarlyEvery
		if n.ticked == 0 {
			n.ticked = now
		}
		if every > 0 && now-n.ticked >= every {
			n.ticked = now
			n.windows.Tick()
		}
	})
}

// Watermark returns the watermark behind all that was taken; record.NoTime if there is none yet.
func (f *Flow) Watermark() int64 { return f.clock.watermark }

// Commit gives what changed since the last commit. Save follows, once it is delivered.
func (f *Flow) Commit(ctx context.Context) Outcomes {
	return f.each(ctx, func(n *node) { n.windows.Commit() })
}

// Finish closes all windows, as after the end of time. Behind hops they close when all inputs are finished.
func (f *Flow) Finish(ctx context.Context) Outcomes {
	return f.giving(func() error {
		if f.clock.inputs == nil {
			f.clock.advance(window.MaxTime)
		}
		return f.run(ctx, &step.Outcome{}, nil)
	})
}

// each does something to all windows, those behind others after them, and gives what comes of it.
func (f *Flow) each(ctx context.Context, do func(*node)) Outcomes {
	var walk func(nodes []*node) error
	walk = func(nodes []*node) error {
		for _, n := range nodes {
			if n.sender != nil {
				n.sender.tell(told{n.reached, f.idle || f.clock.allIdle()})
				if err := f.dispatch(n); err != nil {
					return err
				}
				continue
			}
			if n.windows != nil {
				do(n)
				if err := f.give(ctx, n); err != nil {
					return err
				}
			}
			if err := walk(n.next); err != nil {
				return err
			}
		}
		return nil
	}
	return f.giving(func() error { return walk(f.nodes) })
}
