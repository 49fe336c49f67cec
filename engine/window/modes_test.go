package window_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/window"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

func TestArrivalOrderDoesNotMatter(t *testing.T) {
	ended := with(session(10), func(c *window.Config) { c.CloseOn = true })
	short := with(session(10), func(c *window.Config) { c.MaxDuration = 15 })
	for _, c := range []specified{
		{id: "S8", config: session(10), bound: 100, stream: "a@0 a@8 a@16 a@40", want: "a[0,16]=3 a[40,40]=1"},
		{id: "S10", config: short, bound: 20, stream: "a@0 a@8 a@16", want: "a[0,8]=2 a[16,16]=1"},
		{id: "S14", config: ended, bound: 10, stream: "a@0 a@5 a@6! a@7", want: "a[0,6]=3 a[7,7]=1"},
		{id: "T7", config: tumbling(10), bound: 15, stream: "a@0 a@8 a@12 a@15", want: "a[0,10)=2 a[10,20)=2"},
		{id: "L2", config: sliding(10), bound: 20, stream: "a@0 a@20 a@10", want: "a[-10,0]=1 a[0,10]=2 a[10,20]=2"},
	} {
		for order := range permutations(strings.Fields(c.stream)) {
			t.Run(c.id, func(t *testing.T) {
				c.stream = strings.Join(order, " ")
				c.check(t)
			})
		}
	}
}

// permutations yields all orders of some words.
func permutations(words []string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		var walk func(chosen, left []string) bool
		walk = func(chosen, left []string) bool {
			if len(left) == 0 {
				return yield(chosen)
			}
			for i := range left {
				rest := slices.Delete(slices.Clone(left), i, i+1)
				if !walk(append(slices.Clone(chosen), left[i]), rest) {
					return false
				}
			}
			return true
		}
		walk(nil, words)
	}
}

func TestHoppingWindowsLeaveNoHoles_H6(t *testing.T) {
	config := hopping(10, 20)
	if err := config.Validate(); err == nil {
		t.Error("windows of 10 every 20 are taken")
	}
}

func TestSumsAreBitIdenticalOnReplay_T16(t *testing.T) {
	sum := []aggregate.Spec{{Op: planv1.AggregateOp_AGGREGATE_OP_SUM, Argument: record.Float64}}
	run := func(values ...float64) uint64 {
		columns, types := columnsOf(t, sum)
		op := window.New(tumbling(10), columns, types)
		b := record.NewBuilder(record.Float64, 0)
		rows := &window.Rows{Keys: &record.Arena{}}
		for i, v := range values {
			b.Float(v)
			rows.Keys.Append([]byte("a"))
			rows.Times, rows.Watermarks = append(rows.Times, 5), append(rows.Watermarks, math.MinInt64)
			rows.Inputs, rows.Offsets = append(rows.Inputs, 0), append(rows.Offsets, int64(i))
		}
		column := b.Column()
		rows.Values = []*record.Column{&column}
		op.Add(rows)
		op.Advance(window.MaxTime)
		total := op.Results().Columns[0]
		return math.Float64bits(total.Floats[0])
	}
	if first, again := run(0.1, 0.2), run(0.1, 0.2); first != again {
		t.Errorf("0.1 + 0.2 is %x, and %x when replayed", first, again)
	}
}

// script runs commands on a rig and returns what was given after each that gave something: a@0 adds a record, +5 moves the
// watermark, C commits, P passes time (a tick), R reopens.
func script(t *testing.T, config window.Config, bound int64, commands string) string {
	t.Helper()
	r := newRig(t, config)
	watermark, offset := int64(math.MinInt64), int64(0)
	var out []string
	for command := range strings.FieldsSeq(commands) {
		before := len(r.given)
		switch command {
		case "C":
			r.commit()
		case "P":
			r.tick()
		case "R":
			r.commit()
			r.reopen()
		case "$":
			r.advance(window.MaxTime)
		default:
			e := readEvent(t, command, config.Gap)
			e.watermark, e.offset = watermark, offset
			offset++
			watermark = max(watermark, e.time-bound)
			r.add(e)
			r.advance(watermark)
		}
		if given := r.given[before:]; len(given) > 0 {
			out = append(out, command+" => "+brief(given, config))
		}
	}
	if len(r.late) > 0 {
		out = append(out, "late "+lateOf(r))
	}
	return strings.Join(out, "; ")
}

// brief returns results as +key[start,end]=count, with .rev where it is not the first and ! where it is the last.
func brief(given []outcome, config window.Config) string {
	var out []string
	for _, o := range given {
		end := "]"
		if config.Kind == window.Aligned {
			end = ")"
		}
		text := fmt.Sprintf("%s[%d,%d%s", o.key, o.start, o.end, end)
		if o.retracted {
			out = append(out, "-"+text)
			continue
		}
		text = fmt.Sprintf("+%s=%d", text, o.count)
		if o.rev > 0 {
			text += fmt.Sprintf(".%d", o.rev)
		}
		if o.final {
			text += "!"
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func TestWhenResultsAreGiven(t *testing.T) {
	ended := with(session(10), func(c *window.Config) { c.CloseOn = true })
	instant := with(session(0), func(c *window.Config) { c.CloseOn = true })
	few := with(emit(session(10), window.Updates), func(c *window.Config) { c.MinEvents = 2 })
	for _, c := range []struct {
		id       string
		config   window.Config
		bound    int64
		commands string
		want     string
	}{
		{"E1 coalesced", emit(tumbling(10), window.Updates), 0, "a@1 a@2 a@3 C C", "C => +a[0,10)=3"},
		{
			"E1 at every record", emit(tumbling(10), window.Updates), 0, "a@1 C a@2 C a@3 C",
			"C => +a[0,10)=1; C => +a[0,10)=2.1; C => +a[0,10)=3.2",
		},
		{"updates at the close only what changed", emit(tumbling(10), window.Updates), 0, "a@1 b@2 C b@3 c@10", "C => +a[0,10)=1 +b[0,10)=1; c@10 => +b[0,10)=2.1!"},
		{"E2", emit(tumbling(10), window.Early), 0, "a@1 P P a@2 P C $", "P => +a[0,10)=1; P => +a[0,10)=2.1; $ => +a[0,10)=2.2!"},
		{"E2 reopened", emit(tumbling(10), window.Early), 0, "a@1 P R P a@2 R P C R $", "P => +a[0,10)=1; P => +a[0,10)=2.1; $ => +a[0,10)=2.2!"},
		{"E3", emit(grace(tumbling(10), 5), window.OnTime), 0, "a@5 b@10 a@9 b@15 C", "b@10 => +a[0,10)=1; a@9 => +a[0,10)=2.1"},
		{"E3 reopened", emit(grace(tumbling(10), 5), window.OnTime), 0, "a@5 R b@10 R a@9 R b@15 R", "b@10 => +a[0,10)=1; a@9 => +a[0,10)=2.1"},
		{"E3 after a jump", emit(grace(tumbling(10), 5), window.OnTime), 0, "a@5 b@15 a@9", "b@15 => +a[0,10)=1; late a@9"},
		{"E3 of a key that comes late", emit(grace(tumbling(10), 5), window.OnTime), 0, "a@5 b@10 c@9 R b@15", "b@10 => +a[0,10)=1; c@9 => +c[0,10)=1"},
		{
			"S2", emit(session(10), window.Updates), 30, "a@0 C a@20 C a@10 C",
			"C => +a[0,0]=1; C => +a[20,20]=1; C => -a[0,0] -a[20,20] +a[0,20]=3",
		},
		{
			"S2 reopened", emit(session(10), window.Updates), 30, "a@0 R a@20 R a@10 R",
			"R => +a[0,0]=1; R => +a[20,20]=1; R => -a[0,0] -a[20,20] +a[0,20]=3",
		},
		{"sessions of few records are not given", few, 30, "a@0 C b@1 a@2 C $", "C => +a[0,2]=2"},
		{
			"a session that was on time grows", emit(grace(session(5), 20), window.OnTime), 0, "a@0 b@6 a@4 b@40",
			"b@6 => +a[0,0]=1; a@4 => -a[0,0]; b@40 => +a[0,4]=2 +b[6,6]=1",
		},
		{
			"a window that changed by a record of another time is given after a restart", emit(sliding(10), window.Early), 20, "a@5 P R a@0 R P",
			"P => +a[-5,5]=1; P => +a[-10,0]=1 +a[-5,5]=2.1",
		},
		{
			"a late record of a key that has no others frees it once", ended, 0, "b@100 a@0 c@100! d@100 a@1 b@111 c@112 $",
			"b@111 => +c[100,100]=1! +b[100,100]=1! +d[100,100]=1!; $ => +b[111,111]=1! +c[112,112]=1!; late a@0 a@1",
		},
		{"sessions that end at one time are given in their order", instant, 0, "a@5! a@5! R a@5 $", "$ => +a[5,5]=1! +a[5,5]=1! +a[5,5]=1!"},
		{"W7", tumbling(10), 0, "a@100 R a@50 a@101 $", "$ => +a[100,110)=2!; late a@50"},
		{"R2 reopened", tumbling(10), 0, "a@5 b@30 R a@6 R $", "b@30 => +a[0,10)=1!; $ => +b[30,40)=1!; late a@6"},
		{"counts", window.Config{Kind: window.Count, Size: 2, Every: 2}, 0, "a@1 a@5 b@2 R a@3 a@4 b@9 $", "a@5 => +a[1,5]=2!; a@4 => +a[3,4]=2!; b@9 => +b[2,9]=2!"},
		{
			"counts that overlap",
			window.Config{Kind: window.Count, Size: 4, Every: 2},
			0, "a@1 a@2 a@3 R a@4 a@5 a@6 a@7 $",
			"a@2 => +a[1,2]=2!; a@4 => +a[1,4]=4!; a@6 => +a[3,6]=4!; $ => +a[5,7]=3!",
		},
		{
			"counts with records between them",
			window.Config{Kind: window.Count, Size: 2, Every: 4},
			0,
			"a@1 a@2 a@3 a@4 R a@5 a@6 b@1 b@2 b@3 $", "a@4 => +a[3,4]=2!; $ => +b[3,3]=1!",
		},
		{"all", emit(window.Config{Kind: window.Global}, window.Updates), 0, "a@7 a@3 R b@1 a@9 C", fmt.Sprintf("R => +a[%d,%d]=2; C => +a[%d,%d]=3.1 +b[%d,%d]=1", math.MinInt64, math.MaxInt64, math.MinInt64, math.MaxInt64, math.MinInt64, math.MaxInt64)},
	} {
		t.Run(c.id, func(t *testing.T) {
			if got := script(t, c.config, c.bound, c.commands); got != c.want {
				t.Errorf("%s gives\n%s, want\n%s", c.commands, got, c.want)
			}
		})
	}
}
