package window_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/window"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// event is a record, with the watermark that stood before it.
type event struct {
	key       string
	value     string
	time      int64
	watermark int64
	gap       int64
	closes    bool
	input     int32
	offset    int64
	spans     []window.Span // of custom windows
}

// less is the order in which records of a window are taken.
func (e event) less(o event) bool {
	if e.time != o.time {
		return e.time < o.time
	}
	if e.input != o.input {
		return e.input < o.input
	}
	return e.offset < o.offset
}

func (e event) is(o event) bool { return e.offset == o.offset }

// outcome is one result of windows, with how many records it has and which.
type outcome struct {
	key        string
	start, end int64
	time, rev  int64
	final      bool
	retracted  bool
	count      int64
	values     string
}

func (r outcome) String() string {
	sign := "+"
	if r.retracted {
		sign = "-"
	}
	return fmt.Sprintf("%s%s[%d,%d]@%d#%d final=%t %d%s", sign, r.key, r.start, r.end, r.time, r.rev, r.final, r.count, r.values)
}

// rig is an operator that counts records and collects their values, with what it gave so far.
type rig struct {
	tb     testing.TB
	config window.Config
	rules  window.Rules
	op     *window.Operator
	stored map[uint32][]byte
	// marks are the watermarks of the results.
	given   []outcome
	marks   []int64
	late    []string
	failed  []string
	journal []string
}

func specs() []aggregate.Spec {
	return []aggregate.Spec{
		{Op: planv1.AggregateOp_AGGREGATE_OP_COUNT},
		{Op: planv1.AggregateOp_AGGREGATE_OP_COLLECT, Argument: record.String},
	}
}

func columnsOf(tb testing.TB, specs []aggregate.Spec) (columns []aggregate.Column, types []record.Type) {
	tb.Helper()
	for _, spec := range specs {
		column, err := aggregate.New(spec)
		if err != nil {
			tb.Fatal(err)
		}
		columns, types = append(columns, column), append(types, spec.Result())
	}
	return columns, types
}

func newRig(tb testing.TB, config window.Config) *rig {
	tb.Helper()
	return newRigWith(tb, config, nil)
}

func newRigWith(tb testing.TB, config window.Config, rules window.Rules) *rig {
	tb.Helper()
	if err := config.Validate(); err != nil {
		tb.Fatal(err)
	}
	r := &rig{tb: tb, config: config, rules: rules, stored: map[uint32][]byte{}}
	r.op = r.operator()
	return r
}

func (r *rig) operator() *window.Operator {
	r.tb.Helper()
	columns, types := columnsOf(r.tb, specs())
	op := window.New(r.config, columns, types)
	op.Use(r.rules)
	return op
}

// rowsOf returns events as a batch.
func rowsOf(config *window.Config, events []event) *window.Rows {
	rows := &window.Rows{Keys: &record.Arena{}}
	values := record.NewBuilder(record.String, len(events))
	for _, e := range events {
		rows.Keys.Append([]byte(e.key))
		rows.Times, rows.Watermarks = append(rows.Times, e.time), append(rows.Watermarks, e.watermark)
		rows.Inputs, rows.Offsets = append(rows.Inputs, e.input), append(rows.Offsets, e.offset)
		if config.Kind == window.Session {
			rows.Gaps = append(rows.Gaps, e.gap)
		}
		if config.Kind == window.Custom {
			rows.Spans = append(rows.Spans, e.spans)
		}
		if config.CloseOn {
			rows.Closes = append(rows.Closes, e.closes)
		}
		values.Text([]byte(e.value))
	}
	column := values.Column()
	rows.Values = []*record.Column{nil, &column}
	return rows
}

func (r *rig) add(events ...event) {
	for _, l := range r.op.Add(rowsOf(&r.config, events)) {
		e := events[l.Row]
		line := fmt.Sprintf("late %s@%d:%s [%d,%d] at %d", e.key, e.time, e.value, l.Start, l.End, l.Watermark)
		r.late = append(r.late, line)
		r.journal = append(r.journal, line)
	}
	for _, f := range r.op.Failed() {
		line := "failed " + events[f.Row].value
		r.failed = append(r.failed, line)
		r.journal = append(r.journal, line)
	}
	r.collect()
}

func (r *rig) advance(watermark int64) { r.op.Advance(watermark); r.collect() }
func (r *rig) commit()                 { r.op.Commit(); r.collect() }
func (r *rig) tick()                   { r.op.Tick(); r.collect() }

// collect takes the operator's results over.
func (r *rig) collect() {
	results := r.op.Results()
	if results.Len() == 0 {
		return
	}
	counts, values := results.Columns[0], results.Columns[1]
	for i := range results.Len() {
		o := outcome{
			key: string(results.Keys.At(i)), start: results.Starts[i], end: results.Ends[i], time: results.Times[i],
			rev: results.Revs[i], final: results.Finals[i], retracted: results.Retracted[i],
		}
		if !o.retracted {
			o.count, o.values = counts.Ints[i], string(values.Text.At(i))
		}
		r.given = append(r.given, o)
		r.marks = append(r.marks, results.Watermarks[i])
		r.journal = append(r.journal, o.String())
	}
}

// reopen saves the windows and goes on with a new operator that has loaded them. Commit comes before.
func (r *rig) reopen() {
	r.tb.Helper()
	r.op.Save(func(cell uint32, state []byte) {
		if state == nil {
			delete(r.stored, cell)
			return
		}
		r.stored[cell] = slices.Clone(state)
	})
	progress := r.op.AppendProgress(nil)
	r.op = r.operator()
	if err := r.op.LoadProgress(progress); err != nil {
		r.tb.Fatal(err)
	}
	var cells []uint32
	for cell := range r.stored {
		cells = append(cells, cell)
	}
	slices.Sort(cells)
	for _, cell := range cells {
		if err := r.op.Load(cell, r.stored[cell]); err != nil {
			r.tb.Fatal(err)
		}
	}
	r.op.Loaded()
}

// segment is events up to a look at the results.
type segment []event

// read reads "a@0 b@9:v | a@10g5 a@12!": key, time, value, gap, and whether it ends its session. Watermarks follow the
// bound; looks are bars.
func read(tb testing.TB, stream string, bound int64, config *window.Config) []segment {
	tb.Helper()
	watermark, offset := int64(math.MinInt64), int64(0)
	var out []segment
	for part := range strings.SplitSeq(stream, "|") {
		var s segment
		for token := range strings.FieldsSeq(part) {
			e := readEvent(tb, token, config.Gap)
			e.watermark, e.offset = watermark, offset
			offset++
			watermark = max(watermark, e.time-bound)
			s = append(s, e)
		}
		out = append(out, s)
	}
	return out
}

func readEvent(tb testing.TB, token string, gap int64) event {
	tb.Helper()
	key, rest, _ := strings.Cut(token, "@")
	rest, value, _ := strings.Cut(rest, ":")
	rest, closes := strings.CutSuffix(rest, "!")
	at, own, dynamic := strings.Cut(rest, "g")
	e := event{key: key, value: value, gap: gap, closes: closes}
	var err error
	if e.time, err = strconv.ParseInt(at, 10, 64); err != nil {
		tb.Fatal(err)
	}
	if dynamic {
		if e.gap, err = strconv.ParseInt(own, 10, 64); err != nil {
			tb.Fatal(err)
		}
	}
	return e
}
