package simtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing/synctest"
	"time"

	"github.com/pyudf/pyudf/engine/changelog"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/sink"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Config is what a world runs.
type Config struct {
	Plan *planv1.Plan
	// Start starts workers.
	Start dispatch.Start
	// Topic and Input are what comes in: the records of each partition.
	Topic string
	Input [][]Record
	// Results are the topics in which there are Want records in the end.
	Results []string
	Want    int
	// Nodes is how many there are; Steps how long things go wrong.
	Nodes, Steps int
	// Scratch is a directory for snapshots that are being made.
	Scratch string
	// AtLeastOnce has nodes do without transactions. Then Want is how many different results there are.
	AtLeastOnce bool
	// Hops is how many partitions the topics between stages have.
	Hops int
	// Metrics returns what a process counts.
	Metrics func() *metrics.Set
	// Logger is the engine's; nil: nobody listens.
	Logger *slog.Logger
}

// World is a cluster and the nodes that use it.
type World struct {
	config    Config
	conductor *Conductor
	cluster   *Cluster
	// shelf has snapshots; nil: none are taken.
	shelf *Shelf
	nodes []*node
	// came is how many records of each partition there are.
	came []int
	// likely is how likely each kind of trouble is, in a thousand.
	likely map[trouble]int
	// Count is how often what happened.
	Count map[string]int
	err   error
}

// New returns a world that a seed draws. Some kinds of trouble do not happen there, some happen often.
func New(seed uint64, config Config) *World {
	w := &World{config: config, conductor: NewConductor(seed), came: make([]int, len(config.Input)), likely: map[trouble]int{}, Count: map[string]int{}}
	if config.Logger == nil {
		w.config.Logger = slog.New(slog.DiscardHandler)
	}
	w.cluster = NewCluster(w.conductor)
	if w.conductor.Pick(3) == 0 {
		w.shelf = NewShelf()
	}
	w.cluster.Create(config.Topic, len(config.Input))
	for i := range config.Nodes {
		w.nodes = append(w.nodes, newNode(w, i))
	}
	for t := range troubles {
		w.likely[t] = w.conductor.Pick(3) * w.conductor.Pick(30)
	}
	w.conductor.faulty = w.conductor.Pick(4) > 0
	return w
}

// Trace returns what happened last.
func (w *World) Trace(lines int) []string {
	trace := w.conductor.trace
	return trace[max(0, len(trace)-lines):]
}

// Results returns the records of a topic that can be seen.
func (w *World) Results(topic string) []Record { return w.cluster.Committed(topic) }

// Run runs the world until all results are there, and for a while after that. An error says that they do not come, or that a
// node ended by itself. REQUIRES: it is called in a bubble of synctest.
func (w *World) Run() error {
	for range w.config.Steps {
		if w.settle(); w.err != nil {
			break
		}
		w.step()
	}
	if w.err == nil {
		w.heal()
	}
	w.shutDown()
	return w.err
}

// settle waits until nothing happens any more but what is let happen, and looks who has ended.
func (w *World) settle() {
	synctest.Wait()
	for _, n := range w.nodes {
		err, ended := n.ended()
		if !ended {
			continue
		}
		w.conductor.Note("%s ended: %v", n.name, err)
		if errors.Is(err, changelog.ErrGap) {
			continue // records were deleted twice while it was about to read them: it is started again
		}
		if stopped := errors.Is(err, sink.ErrAborted) || errors.Is(err, context.Canceled); err != nil && (!n.stopping || !stopped) {
			w.err = fmt.Errorf("%s ended by itself: %w", n.name, err)
		}
	}
}

// step has one thing happen.
func (w *World) step() {
	if w.trouble() {
		return
	}
	switch n := w.conductor.Pick(100); {
	case n < 6:
		w.produce()
	case n < 12:
		w.pass(time.Duration(1+w.conductor.Pick(40)) * time.Millisecond)
	case n < 14:
		w.startOne()
	default:
		w.proceed()
	}
}

// produce has more records come in.
func (w *World) produce() {
	i := w.conductor.Pick(len(w.came))
	for range 1 + w.conductor.Pick(8) {
		if w.came[i] < len(w.config.Input[i]) {
			r := w.config.Input[i][w.came[i]]
			w.cluster.Append(w.config.Topic, int32(i), r.Key, r.Value) //nolint:gosec // few
			w.came[i]++
		}
	}
}

// pass has time pass.
func (w *World) pass(d time.Duration) { <-time.After(d) }

// startOne starts a node, if one is down.
func (w *World) startOne() {
	n := w.nodes[w.conductor.Pick(len(w.nodes))]
	if !n.running() {
		w.happened("start", true)
		n.start(context.Background())
	}
}

// proceed lets one call take effect; if there is none, time passes.
func (w *World) proceed() {
	ready := w.conductor.ready()
	if len(ready) == 0 {
		w.conductor.turns = max(0, w.conductor.turns-1)
		w.pass(10 * time.Millisecond)
		return
	}
	w.conductor.release(ready[w.conductor.Pick(len(ready))])
}

const (
	// patience is how long results may take when nothing goes wrong any more.
	patience = 3 * time.Minute
	// moment is how long it is watched whether there are more.
	moment = 2 * time.Second
)

// heal has nothing go wrong any more, and waits for the results.
func (w *World) heal() {
	w.Count["results in trouble"] += w.results()
	w.conductor.faulty = false
	w.conductor.freeze(nil, 0)
	for i := range w.came {
		for w.came[i] < len(w.config.Input[i]) {
			w.produce()
		}
	}
	began, complete := time.Now(), time.Time{}
	for time.Since(began) < patience && (complete.IsZero() || time.Since(complete) < moment) {
		if w.settle(); w.err != nil {
			return
		}
		w.bury()
		synctest.Wait()
		if complete.IsZero() && w.complete() {
			complete = time.Now()
		}
		w.proceed()
	}
	if complete.IsZero() {
		w.err = errors.New("the results do not come: " + w.missing())
	}
}

// bury starts nodes, and has the cluster find out about processes that are dead.
func (w *World) bury() {
	for _, n := range w.nodes {
		if !n.running() {
			n.start(context.Background())
		}
	}
	dead := func(c *Client) bool { return c.dead.Load() }
	w.cluster.Expire(dead)
	w.outOfGroup(func(m *member) bool { return dead(m.source.client) })
}

func (w *World) complete() bool { return w.results() >= w.config.Want }

func (w *World) results() (n int) {
	for _, topic := range w.config.Results {
		records := w.cluster.Committed(topic)
		if n += len(records); w.config.AtLeastOnce {
			n -= repeated(records)
		}
	}
	return n
}

// repeated returns how many records are there which were there before.
func repeated(records []Record) (n int) {
	seen := map[string]bool{}
	for _, r := range records {
		if seen[string(r.Value)] {
			n++
		}
		seen[string(r.Value)] = true
	}
	return n
}

func (w *World) missing() string {
	var text []byte
	for _, topic := range w.config.Results {
		text = fmt.Appendf(text, "%s has %d, ", topic, len(w.cluster.Committed(topic)))
	}
	return fmt.Sprintf("%swanted are %d; unread records: %t", text, w.config.Want, w.cluster.Unread())
}

// shutDown stops everything and waits for it.
func (w *World) shutDown() {
	for _, n := range w.nodes {
		n.stop()
	}
	for slices.ContainsFunc(w.nodes, func(n *node) bool { return n.goingOn() }) {
		synctest.Wait()
		if w.err != nil { // whoever waits for something that does not come would wait for ever
			for _, n := range w.nodes {
				n.crash()
			}
		}
		w.proceed()
	}
}
