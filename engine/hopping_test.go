package engine_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/exchange/local"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/sink/sinktest"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/source/sourcetest"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/memstate"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// hopping is an app with two hops, one behind the other: it counts records by k in windows of 10 ms, and what it counted
// by m in windows of 40 ms. It has topics for both, and one for late records.
func hopping() *planv1.Plan {
	topic := func(name string) *planv1.Topic { return &planv1.Topic{Name: name} }
	time := &planv1.EventTime{Field: "ts", Unit: planv1.TimeUnit_TIME_UNIT_MS, OutOfOrderMs: 5}
	to := func(name string) *planv1.Step {
		return &planv1.Step{Op: &planv1.Step_To{To: &planv1.To{Kind: &planv1.To_Topic{Topic: topic(name)}}}}
	}
	p := &planv1.Plan{App: "hopping", Sources: []*planv1.Source{{
		Id: "in", Kind: &planv1.Source_Topic{Topic: topic("in")}, Time: time,
		Schema: []*planv1.Field{
			{Name: "k", Type: planv1.Type_TYPE_STRING}, {Name: "m", Type: planv1.Type_TYPE_STRING}, {Name: "id", Type: planv1.Type_TYPE_INT64},
		},
	}}}
	add := func(id, input string, step *planv1.Step) {
		step.Id, step.Input = id, input
		p.Steps = append(p.Steps, step)
	}
	add("by_k", "in", keyBy("k", "m"))
	add("by_10", "by_k", counted(10, builtin("n", planv1.AggregateOp_AGGREGATE_OP_COUNT, ""), builtin("ids", planv1.AggregateOp_AGGREGATE_OP_COLLECT, "id")))
	add("small", "by_10", to("small"))
	add("by_m", "by_10", keyBy("m"))
	add("by_40", "by_m", counted(40, builtin("n", planv1.AggregateOp_AGGREGATE_OP_SUM, "n")))
	add("large", "by_40", to("large"))
	return p
}

func keyBy(fields ...string) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_KeyBy{KeyBy: &planv1.KeyBy{Fields: fields}}}
}

func counted(ms uint64, columns ...*planv1.AggregateColumn) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_Aggregate{Aggregate: &planv1.Aggregate{
		Window: &planv1.Window{Kind: &planv1.Window_Tumbling{Tumbling: &planv1.Tumbling{SizeMs: ms}}}, Columns: columns,
		Late: &planv1.Topic{Name: "late"},
	}}}
}

func builtin(name string, op planv1.AggregateOp, column string) *planv1.AggregateColumn {
	b := &planv1.Builtin{Op: op}
	if column != "" {
		b.Argument = &planv1.Expr{Node: &planv1.Expr_Column{Column: column}}
	}
	return &planv1.AggregateColumn{Name: name, Value: &planv1.AggregateColumn_Builtin{Builtin: b}}
}

// hopped is runs of that app, one after the other, with the topics that they read and write.
type hopped struct {
	t       *testing.T
	g       *rand.Rand
	state   *memstate.Root
	input   [][]string // the values of each partition
	targets int
	// results are those of all runs, by their topics.
	results map[string][]string
}

func newHopped(t *testing.T, seed uint64) *hopped {
	t.Helper()
	h := &hopped{t: t, g: rand.New(rand.NewPCG(seed, 1)), state: memstate.New(), results: map[string][]string{}}
	h.targets = 1 + h.g.IntN(3)
	id := 0
	for range 1 + h.g.IntN(3) {
		var values []string
		clock := h.g.IntN(50)
		for range 20 + h.g.IntN(60) {
			clock += h.g.IntN(6)
			values = append(values, fmt.Sprintf(`{"k":"k%d","m":"m%d","ts":%d,"id":%d}`, h.g.IntN(4), h.g.IntN(2), clock-h.g.IntN(6), id))
			id++
		}
		h.input = append(h.input, values)
	}
	return h
}

// expected are the results of the app, by definition.
func (h *hopped) expected() map[string][]string {
	type window struct {
		k, m  string
		start int
	}
	small, large := map[window][]int{}, map[window]int{}
	for _, values := range h.input {
		for _, value := range values {
			var r struct {
				K, M   string
				TS, ID int
			}
			if err := json.Unmarshal([]byte(value), &r); err != nil {
				h.t.Fatal(err)
			}
			at := window{r.K, r.M, (r.TS+40)/10*10 - 40}
			small[at] = append(small[at], r.ID)
			large[window{"", r.M, (at.start+49)/40*40 - 40}]++ // by the last ms of the small window
		}
	}
	out := map[string][]string{}
	for at, ids := range small {
		slices.Sort(ids)
		out["small"] = append(out["small"], fmt.Sprint(at, ids))
	}
	for at, n := range large {
		out["large"] = append(out["large"], fmt.Sprint(at, n))
	}
	slices.Sort(out["small"])
	slices.Sort(out["large"])
	return out
}

// read notes results in the words of expected.
func (h *hopped) read(topic string, values []string) {
	h.t.Helper()
	for _, value := range values {
		var r struct {
			K, M  string
			Start int `json:"window_start"`
			N     json.Number
			IDs   []int
		}
		if err := json.Unmarshal([]byte(value), &r); err != nil || topic == "late" {
			h.t.Fatalf("%s: %s: %v", topic, value, err)
		}
		text := fmt.Sprintf("{%s %s %d} %s", r.K, r.M, r.Start, r.N)
		if topic == "small" {
			slices.Sort(r.IDs)
			text = fmt.Sprintf("{%s %s %d} %v", r.K, r.M, r.Start, r.IDs)
		}
		h.results[topic] = append(h.results[topic], text)
	}
}

// complete fails unless each result came once or, if again, at least once and always the same.
func (h *hopped) complete(again bool) {
	h.t.Helper()
	for topic, want := range h.expected() {
		got := slices.Clone(h.results[topic])
		slices.Sort(got)
		if again {
			got = slices.Compact(got)
		}
		if !slices.Equal(got, want) {
			h.t.Errorf("%s: got\n%v, want\n%v", topic, got, want)
		}
	}
}

// trial is one run of the app.
type trial struct {
	*hopped

	config engine.Config
	// upTo is how many records of each partition there are; ends tells that the run ends there.
	upTo []int
	ends bool
	in   *sourcetest.Fake

	mu   sync.Mutex // guards what follows
	outs map[string]*sinktest.Fake
}

func (h *hopped) trial(root state.Root, part float64) *trial {
	h.t.Helper()
	r := &trial{hopped: h, ends: true, in: sourcetest.New(), outs: map[string]*sinktest.Fake{}}
	for _, values := range h.input {
		r.upTo = append(r.upTo, int(float64(len(values))*part))
	}
	w := newWorld(h.t)
	r.config = w.config
	r.config.Plan, r.config.State, r.config.SingleNode, r.config.Bounded = hopping(), root, true, true
	r.config.CommitInterval = []time.Duration{1, time.Millisecond, time.Hour}[h.g.IntN(3)]
	r.config.Metrics = metrics.New(prometheus.NewRegistry())
	r.config.Partitions = func(context.Context, *planv1.Source) (int, error) { return len(h.input), nil }
	r.config.OpenSource, r.config.OpenHop, r.config.OpenOutlet = r.openSource, r.openHop, w.openOutlet(r.openSink)
	return r
}

func (r *trial) openSource(context.Context, *planv1.Source) (source.Source, error) {
	given := source.Event{}
	var events []source.Event
	for i := range r.input {
		p := record.Partition{Topic: "in", Index: int32(i)} //nolint:gosec // few
		given.Assigned = append(given.Assigned, p)
		for at, end := int64(0), int64(r.upTo[i]); at < end; {
			n := min(end-at, 1+r.g.Int64N(8))
			events = append(events, records(p, at, r.input[i][at:at+n]...), source.Event{Idle: true})
			at += n
		}
		if r.ends {
			events = append(events, source.Event{Ended: []record.Partition{p}})
		}
	}
	r.in.Push(append([]source.Event{given}, events...)...)
	return r.in, nil
}

func (r *trial) openHop(_ context.Context, to engine.HopTo) (engine.Hop, error) {
	partitions := cmp.Or(to.Partitions, r.targets)
	hop := local.New(to.Stage, partitions)
	out := engine.Hop{Source: hop.Source(), Sink: hop.Sink(), Partitions: partitions}
	if r.config.SingleNode {
		out.Queue = hop
	}
	return out, nil
}

func (r *trial) openSink(to *planv1.To) sink.Sink {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := plan.SinkName(to)
	r.outs[name] = sinktest.New()
	return r.outs[name]
}

// run runs and notes the results.
func (r *trial) run(ctx context.Context) error {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := engine.Run(ctx, r.config)
	if ctx.Err() == context.DeadlineExceeded {
		r.t.Fatal("the run has not ended")
	}
	for name, out := range r.outs {
		r.read(name, out.Values())
	}
	return err
}

func (r *trial) succeed() {
	r.t.Helper()
	if err := r.run(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// finish runs to the end of the input and closes all windows.
func (h *hopped) finish() {
	h.t.Helper()
	last := h.trial(h.state, 1)
	last.config.Flush = true
	last.succeed()
}
