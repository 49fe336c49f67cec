package keyed_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state/memstate"
	"github.com/pyudf/pyudf/engine/step"
)

// task is a flow with its program.
type task struct {
	*keyed.Flow
	config  keyed.Config
	program *step.Program
	next    int64 // the next offset of its input
}

// world is all tasks of an app, with the topics between them.
type world struct {
	t       testing.TB
	app     *app
	plan    *plan.Plan
	sources []*task
	// stages are the tasks behind the first hop, then those behind the second.
	stages []*task
	// hops are the messages that each of them has not taken.
	hops    [][][]byte
	out     []result
	late    []string
	lateIDs []int
	dead    []string
	ids     int
	written int
	wall    int64
}

// result is one that was written to "out".
type result struct {
	K     string `json:"k"`
	Start int64  `json:"window_start"`
	End   int64  `json:"window_end"`
	N     int64  `json:"n"`
	IDs   []int  `json:"ids"`
	// Final is of windows that have more than one result.
	Final bool  `json:"final"`
	Rev   int64 `json:"rev"`
	// Records is of partial aggregates that were late, ID of records.
	Records int64 `json:"records"`
	ID      int   `json:"id"`
}

func (r result) String() string { return fmt.Sprintf("%s[%d,%d)=%d", r.K, r.Start, r.End, r.N) }

func newWorld(t testing.TB, a *app) *world {
	t.Helper()
	compiled, err := plan.Compile(a.proto())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, app: a, plan: compiled, wall: 1}
	if a.twice && a.targets > 0 && len(compiled.Hops) != 2 {
		t.Fatalf("%d hops, want 2", len(compiled.Hops))
	}
	for _, hop := range compiled.Hops {
		if a.records {
			hop.Partial = nil
		}
	}
	set := metrics.New(prometheus.NewRegistry())
	for i, source := range compiled.Sources {
		program := step.New(source, nil, set)
		if a.now != nil {
			program.At(a.now)
		}
		n := a.inputs
		if i > 0 {
			n = a.targets
		}
		for p := range n {
			w.start(i, p, program, set)
		}
	}
	w.hops = make([][][]byte, len(w.stages))
	return w
}

func (w *world) start(source, p int, program *step.Program, set *metrics.Set) {
	w.t.Helper()
	store, err := memstate.New().Open("state")
	if err != nil {
		w.t.Fatal(err)
	}
	task := &task{program: program, config: keyed.Config{
		Source: w.plan.Sources[source], Partition: record.Partition{Topic: "in", Index: int32(p)}, Program: program,
		Targets: []int{w.app.targets, w.app.targets}, FirstHop: len(w.plan.Sinks), Store: store, Metrics: set,
	}}
	switch source {
	case 0:
		w.sources = append(w.sources, task)
	case 1:
		task.config.Inputs = w.app.inputs
		w.stages = append(w.stages, task)
	default:
		task.config.Inputs = w.app.targets
		w.stages = append(w.stages, task)
	}
	w.open(task)
}

func (w *world) open(x *task) {
	w.t.Helper()
	flow, position, err := keyed.Open(x.config)
	if err != nil {
		w.t.Fatal(err)
	}
	if position >= 0 && position != x.next {
		w.t.Fatalf("the state is of position %d, the task was at %d", position, x.next)
	}
	x.Flow = flow
}

// feed has partition p take records in one batch: "a@5 b@7"; null@5 has no key, a@6=null no value, a@6=bad a text where a
// number is needed.
func (w *world) feed(p int, records string) {
	w.t.Helper()
	x := w.sources[p]
	batch := &record.Batch{Partition: x.config.Partition}
	for token := range strings.FieldsSeq(records) {
		name, at, _ := strings.Cut(token, "@")
		at, what, _ := strings.Cut(at, "=")
		time, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			w.t.Fatal(err)
		}
		batch.Offsets, batch.Times = append(batch.Offsets, x.next), append(batch.Times, time)
		x.next++
		key, value := valueOf(name, what, time, w.ids)
		batch.Keys.Append(key)
		batch.Values.Append(value)
		w.ids++
	}
	w.take(x, batch)
}

func valueOf(name, what string, time int64, id int) (key, value []byte) {
	switch {
	case what == "null":
		return []byte(name), nil
	case what == "bad":
		return []byte(name), fmt.Appendf(nil, `{"k":%q,"ts":%d,"id":"x"}`, name, time)
	case name == "null":
		return nil, fmt.Appendf(nil, `{"k":null,"ts":%d,"id":%d}`, time, id)
	default:
		return []byte(name), fmt.Appendf(nil, `{"k":%q,"ts":%d,"id":%d,"r":%d}`, name, time, id, id%3)
	}
}

func (w *world) take(x *task, batch *record.Batch) {
	w.t.Helper()
	outcome, err := x.program.Run(w.t.Context(), batch)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(x.Take(w.t.Context(), outcome))
}

// deliver has a stage's task take up to so many of the blocks that wait for it.
func (w *world) deliver(target, blocks int) {
	w.t.Helper()
	x := w.stages[target]
	blocks = min(blocks, len(w.hops[target]))
	if blocks == 0 {
		return
	}
	batch := x.batchOf(w.hops[target][:blocks])
	w.hops[target] = w.hops[target][blocks:]
	w.take(x, batch)
}

// batchOf returns blocks as the next records of a stage.
func (x *task) batchOf(blocks [][]byte) *record.Batch {
	batch := &record.Batch{Partition: x.config.Partition}
	for _, block := range blocks {
		batch.Offsets, batch.Times = append(batch.Offsets, x.next), append(batch.Times, 0)
		x.next++
		batch.Keys.Append(nil)
		batch.Values.Append(block)
	}
	return batch
}

// write takes what tasks gave to where it belongs.
func (w *world) write(outcomes keyed.Outcomes) {
	w.t.Helper()
	for o, err := range outcomes {
		if err != nil {
			w.t.Fatal(err)
		}
		for _, d := range o.Dead {
			w.dead = append(w.dead, d.Reason)
		}
		for i := range o.Outputs {
			w.writeOutput(&o.Outputs[i])
		}
	}
}

func (w *world) writeOutput(o *step.Output) {
	w.t.Helper()
	for i := range o.Messages.Len() {
		value := slices.Clone(o.Messages.Values.At(i))
		if o.Sink >= len(w.plan.Sinks) {
			target := w.app.targets*(o.Sink-len(w.plan.Sinks)) + int(o.Messages.Partitions[i])
			w.hops[target] = append(w.hops[target], value)
			continue
		}
		if plan.SinkName(w.plan.Sinks[o.Sink]) == "late" {
			w.late = append(w.late, lateText(value, o.Messages.Headers[i]))
			w.lateIDs = append(w.lateIDs, w.parse(value).ID)
			continue
		}
		r := w.parse(value)
		w.out = append(w.out, r)
	}
}

func (w *world) parse(value []byte) (r result) {
	w.t.Helper()
	if err := json.Unmarshal(value, &r); err != nil {
		w.t.Fatalf("%s: %v", value, err)
	}
	return r
}

// lateText says which record was late, and for which window.
func lateText(value []byte, headers []record.Header) string {
	var fields map[string]any
	if err := json.Unmarshal(value, &fields); err != nil {
		return err.Error()
	}
	named := map[string]string{}
	for _, h := range headers {
		named[h.Key] = string(h.Value)
	}
	what := fmt.Sprintf("%v@%v", fields["k"], fields["ts"])
	if n, partial := fields["records"]; partial {
		what = fmt.Sprintf("%v x%v", fields["k"], n)
	}
	return fmt.Sprintf("%s [%s,%s) at %s", what, named["pyudf.window_start"], named["pyudf.window_end"], named["pyudf.watermark"])
}

// settle has everything that is under way arrive.
func (w *world) settle() {
	w.t.Helper()
	for _, x := range w.sources {
		w.write(x.Tick(w.t.Context(), w.wall))
	}
	for target := range w.stages {
		w.deliver(target, math.MaxInt)
		w.write(w.stages[target].Tick(w.t.Context(), w.wall))
	}
}

func (w *world) idle(p int, ms int64) {
	w.t.Helper()
	w.write(w.sources[p].Idle(w.t.Context(), ms))
}

// reopen saves a task and starts it anew from its store.
func (w *world) reopen(x *task) {
	w.t.Helper()
	w.commit(x)
	w.open(x)
}

func (w *world) commit(x *task) {
	w.t.Helper()
	w.write(x.Commit(w.t.Context()))
	x.Changes(x.next)
	if err := x.Apply(); err != nil {
		w.t.Fatal(err)
	}
}

// finish ends the input of all partitions and closes everything.
func (w *world) finish() {
	w.t.Helper()
	groups := [][]*task{w.sources}
	if w.app.targets > 0 {
		groups = slices.AppendSeq(groups, slices.Chunk(w.stages, w.app.targets))
	}
	for _, tasks := range groups {
		for target := range w.hops {
			w.deliver(target, math.MaxInt)
		}
		for _, x := range tasks {
			w.write(x.Finish(w.t.Context()))
			w.commit(x)
		}
	}
}

// news returns the results since the last call.
func (w *world) news() string {
	var out []string
	for ; w.written < len(w.out); w.written++ {
		out = append(out, w.out[w.written].String())
	}
	return strings.Join(out, " ")
}

// expect compares the results since the last call.
func (w *world) expect(when, want string) {
	w.t.Helper()
	if got := w.news(); got != want {
		w.t.Errorf("%s: got %q, want %q", when, got, want)
	}
}

func (w *world) expectLate(want ...string) {
	w.t.Helper()
	if !slices.Equal(w.late, want) {
		w.t.Errorf("late are %q, want %q", w.late, want)
	}
}
