package simtest_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/simtest"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// event is a record of the input. Keys k are in one partition only, g and m in all.
type event struct {
	K  string `json:"k"`
	G  string `json:"g"`
	M  string `json:"m"`
	TS int64  `json:"ts"`
	ID int64  `json:"id"`
	// In is when the timer that it sets is due, from its time on; 0: it sets none.
	In int64 `json:"in"`
}

// bound is how much records are out of order.
const bound = 5

// app is a plan, and what has to come of it, by topic: in the words of read, in order where order is promised.
type app struct {
	plan    *planv1.Plan
	expect  func(input [][]event) map[string][]string
	read    func(t *testing.T, value []byte) string
	ordered bool
	// repeats tells that results are the same if records come twice, but for that there are more.
	repeats bool
	// late is by how much some records are too late.
	late int
}

func topic(name string) *planv1.Topic { return &planv1.Topic{Name: name} }

func field(name string, t planv1.Type) *planv1.Field { return &planv1.Field{Name: name, Type: t} }

func reading(key string) *planv1.Source {
	text := planv1.Type_TYPE_STRING
	return &planv1.Source{
		Id: "in", Key: key, Kind: &planv1.Source_Topic{Topic: topic("in")},
		Time:   &planv1.EventTime{Field: "ts", Unit: planv1.TimeUnit_TIME_UNIT_MS, OutOfOrderMs: bound},
		Schema: []*planv1.Field{field("k", text), field("g", text), field("m", text), field("id", planv1.Type_TYPE_INT64)},
	}
}

func added(p *planv1.Plan, id, input string, step *planv1.Step) {
	step.Id, step.Input = id, input
	p.Steps = append(p.Steps, step)
}

func to(name string) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_To{To: &planv1.To{Kind: &planv1.To_Topic{Topic: topic(name)}}}}
}

func keyBy(fields ...string) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_KeyBy{KeyBy: &planv1.KeyBy{Fields: fields}}}
}

func windows(ms uint64, columns ...*planv1.AggregateColumn) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_Aggregate{Aggregate: &planv1.Aggregate{
		Window: &planv1.Window{Kind: &planv1.Window_Tumbling{Tumbling: &planv1.Tumbling{SizeMs: ms}}}, Columns: columns,
		Late: topic("late"),
	}}}
}

func sum(name, column string) *planv1.AggregateColumn {
	b := &planv1.Builtin{Op: planv1.AggregateOp_AGGREGATE_OP_SUM, Argument: &planv1.Expr{Node: &planv1.Expr_Column{Column: column}}}
	return &planv1.AggregateColumn{Name: name, Value: &planv1.AggregateColumn_Builtin{Builtin: b}}
}

func count(name string) *planv1.AggregateColumn {
	b := &planv1.Builtin{Op: planv1.AggregateOp_AGGREGATE_OP_COUNT}
	return &planv1.AggregateColumn{Name: name, Value: &planv1.AggregateColumn_Builtin{Builtin: b}}
}

func call(function string) *planv1.Step {
	return &planv1.Step{Op: &planv1.Step_Map{Map: &planv1.Map{Call: &planv1.Call{Function: function}}}}
}

// copying keeps nothing: it has what comes in go through a worker and out.
func copying() app {
	p := &planv1.Plan{App: "copying", Sources: []*planv1.Source{reading("")}, Functions: []*planv1.Function{
		{Id: "copies", Name: "copies", Kind: planv1.Kind_KIND_RECORD, Input: planv1.Input_INPUT_RECORDS, Output: planv1.Output_OUTPUT_RECORDS},
	}}
	added(p, "copy", "in", call("copies"))
	added(p, "out", "copy", to("out"))
	expect := func(input [][]event) map[string][]string {
		out := map[string][]string{}
		for _, events := range input {
			for _, e := range events {
				out["out"] = append(out["out"], fmt.Sprint(e))
			}
		}
		return out
	}
	read := func(t *testing.T, value []byte) string {
		t.Helper()
		var e event
		if err := json.Unmarshal(value, &e); err != nil {
			t.Fatalf("%s: %v", value, err)
		}
		return fmt.Sprint(e)
	}
	return app{plan: p, expect: expect, read: read, repeats: true}
}

// waiting counts records by k in windows of 10 ms, where they come in: some come too late.
func waiting() app {
	p := &planv1.Plan{App: "waiting", Sources: []*planv1.Source{reading("k")}}
	added(p, "by_k", "in", keyBy("k"))
	added(p, "by_10", "by_k", windows(10, count("n"), sum("ids", "id")))
	added(p, "small", "by_10", to("small"))
	return app{plan: p, expect: expectLate, read: readLate, late: 30}
}

func readLate(t *testing.T, value []byte) string {
	t.Helper()
	var r struct {
		K      string
		Start  *int64 `json:"window_start"`
		N, IDs int64
		ID     int64
	}
	if err := json.Unmarshal(value, &r); err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	if r.Start == nil {
		return fmt.Sprint("late ", r.ID)
	}
	return fmt.Sprint(r.K, *r.Start, r.N, r.IDs)
}

func expectLate(input [][]event) map[string][]string {
	type window struct {
		k     string
		start int64
	}
	out := map[string][]string{"late": nil, "small": nil}
	for _, events := range input {
		n, ids, watermark := map[window]int{}, map[window]int64{}, int64(record.NoTime)
		for _, e := range events {
			at := window{e.K, e.TS / 10 * 10}
			if watermark >= at.start+10 {
				out["late"] = append(out["late"], fmt.Sprint("late ", e.ID))
			} else {
				n[at]++
				ids[at] += e.ID
			}
			watermark = max(watermark, e.TS-bound)
		}
		for at := range n {
			if at.start < 10_000 {
				out["small"] = append(out["small"], fmt.Sprint(at.k, at.start, n[at], ids[at]))
			}
		}
	}
	return out
}

// windowed counts records by g and m in windows of 10 ms behind a hop, and what it counted by m in windows of 40 ms behind
// another one.
func windowed() app {
	p := &planv1.Plan{App: "windowed", Sources: []*planv1.Source{reading("")}}
	added(p, "by_g", "in", keyBy("g", "m"))
	added(p, "by_10", "by_g", windows(10, count("n"), sum("ids", "id")))
	added(p, "small", "by_10", to("small"))
	added(p, "by_m", "by_10", keyBy("m"))
	added(p, "by_40", "by_m", windows(40, sum("n", "n")))
	added(p, "large", "by_40", to("large"))
	return app{plan: p, expect: expectWindows, read: readWindow}
}

func expectWindows(input [][]event) map[string][]string {
	type window struct {
		g, m  string
		start int64
	}
	n, ids := map[window]int{}, map[window]int64{}
	for _, events := range input {
		for _, e := range events {
			at := window{e.G, e.M, e.TS / 10 * 10}
			n[at]++
			ids[at] += e.ID
		}
	}
	large, out := map[window]int{}, map[string][]string{"late": nil, "large": nil, "small": nil}
	for at := range n {
		if at.g == "end" {
			continue
		}
		out["small"] = append(out["small"], fmt.Sprint(at.g, at.m, at.start, n[at], ids[at]))
		large[window{"", at.m, (at.start + 9) / 40 * 40}] += n[at]
	}
	for at, n := range large {
		out["large"] = append(out["large"], fmt.Sprint(at.g, at.m, at.start, n, 0))
	}
	return out
}

func readWindow(t *testing.T, value []byte) string {
	t.Helper()
	var r struct {
		G, M   string
		Start  int64 `json:"window_start"`
		N, IDs int64
	}
	if err := json.Unmarshal(value, &r); err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	return fmt.Sprint(r.G, r.M, r.Start, r.N, r.IDs)
}

// keeping counts records by k: with a function that has a timer, and behind a hop with one that has none.
func keeping() app {
	records := planv1.Output_OUTPUT_RECORDS
	state := []*planv1.State{{Name: "n"}}
	function := func(id string, input planv1.Input, timers ...*planv1.Timer) *planv1.Function {
		return &planv1.Function{Id: id, Name: id, Kind: planv1.Kind_KIND_RECORD, Input: input, Output: records, States: state, Timers: timers}
	}
	p := &planv1.Plan{App: "keeping", Sources: []*planv1.Source{reading("k")}, Functions: []*planv1.Function{
		function("counts", planv1.Input_INPUT_RECORDS),
		function("keeps", planv1.Input_INPUT_RECORDS, &planv1.Timer{Name: "a", OnTimer: "rings"}),
		function("rings", planv1.Input_INPUT_COLUMNS),
	}}
	added(p, "keep", "in", call("keeps"))
	added(p, "kept", "keep", to("kept"))
	added(p, "by_k", "in", keyBy("k"))
	added(p, "count", "by_k", call("counts"))
	added(p, "counted", "count", to("counted"))
	return app{plan: p, expect: expectKept, read: func(_ *testing.T, value []byte) string { return string(value) }, ordered: true}
}

// remembered is what a function has for a key.
type remembered struct{ n, timer int64 }

// take is the function over records.
func (r *remembered) take(e *event) string {
	if r.n++; e.In > 0 {
		r.timer = e.TS + e.In
	}
	return fmt.Sprintf(`{"k":%q,"id":%d,"n":%d}`, e.K, e.ID, r.n)
}

// ring is the function of the timer.
func (r *remembered) ring(key string, at int64) string {
	r.n += 100
	r.timer = record.NoTime
	return fmt.Sprintf(`{"k":%q,"at":%d,"n":%d}`, key, at, r.n)
}

func expectKept(input [][]event) map[string][]string {
	out := map[string][]string{"kept": nil, "counted": nil}
	for _, events := range input {
		kept, counted, watermark := map[string]*remembered{}, map[string]*remembered{}, int64(record.NoTime)
		fire := func(key string) {
			if r := kept[key]; r.timer != record.NoTime && r.timer <= watermark {
				out["kept"] = append(out["kept"], r.ring(key, r.timer))
			}
		}
		for _, e := range events {
			if kept[e.K] == nil {
				kept[e.K], counted[e.K] = &remembered{timer: record.NoTime}, &remembered{}
			}
			fire(e.K)
			out["kept"] = append(out["kept"], kept[e.K].take(&e))
			out["counted"] = append(out["counted"], counted[e.K].take(&e))
			watermark = max(watermark, e.TS-bound)
		}
		for key := range kept {
			fire(key)
		}
	}
	return out
}

// events draws what comes in. The last record of each partition is later than all others, so that everything before it is
// over.
func events(draw *rand.Rand, late int) [][]event {
	var out [][]event
	id := int64(0)
	for partition := range 1 + draw.IntN(3) {
		var events []event
		clock := int64(bound + draw.IntN(50))
		for range 5 + draw.IntN(60) {
			clock += int64(draw.IntN(6))
			id++
			e := event{
				K: fmt.Sprintf("p%dk%d", partition, draw.IntN(4)), G: fmt.Sprintf("g%d", draw.IntN(3)), M: fmt.Sprintf("m%d", draw.IntN(2)),
				TS: clock - int64(draw.IntN(bound+1)), ID: id,
			}
			if late > 0 && draw.IntN(8) == 0 {
				e.TS = max(0, e.TS-int64(draw.IntN(late)))
			}
			if draw.IntN(3) == 0 {
				e.In = int64(1 + draw.IntN(40))
			}
			events = append(events, e)
		}
		events = append(events, event{K: fmt.Sprintf("p%dend", partition), G: "end", M: "end", TS: 10_000})
		out = append(out, events)
	}
	return out
}

// encoded returns events as records, with some in between that cannot be read.
func encoded(t *testing.T, draw *rand.Rand, input [][]event) (out [][]simtest.Record, junk int) {
	t.Helper()
	for _, events := range input {
		var records []simtest.Record
		for _, e := range events {
			if draw.IntN(30) == 0 {
				records = append(records, simtest.Record{Value: fmt.Appendf(nil, "junk %d", junk)})
				junk++
			}
			value, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, simtest.Record{Value: value})
		}
		out = append(out, records)
	}
	return out, junk
}

// sorted returns results so that they can be compared: by key, in their order, or in any order if none is promised.
func sorted(results []string, ordered bool) []string {
	out := slices.Clone(results)
	if !ordered {
		slices.Sort(out)
		return out
	}
	key := func(text string) string {
		before, _, _ := strings.Cut(text, ",")
		return before
	}
	slices.SortStableFunc(out, func(a, b string) int { return strings.Compare(key(a), key(b)) })
	return out
}
