package window_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/window"
)

// specified is a case of docs/semantics.md. Results read key[start,end)=count, or start,end] where the end is part of the
// window; bars are looks, as in the stream; what follows the last record comes with the flush.
type specified struct {
	id     string
	config window.Config
	bound  int64
	stream string
	want   string
	late   string
	values bool
}

func tumbling(size int64) window.Config {
	return window.Config{Kind: window.Aligned, Size: size, Every: size}
}

func hopping(size, every int64) window.Config {
	return window.Config{Kind: window.Aligned, Size: size, Every: every}
}

func sliding(length int64) window.Config { return window.Config{Kind: window.Sliding, Length: length} }

func session(gap int64) window.Config { return window.Config{Kind: window.Session, Gap: gap} }

func with(config window.Config, change func(*window.Config)) window.Config {
	change(&config)
	return config
}

func grace(config window.Config, ms int64) window.Config {
	config.Grace = ms
	return config
}

func emit(config window.Config, mode window.Emit) window.Config {
	config.Emit = mode
	return config
}

func tumblingCases(config func(size int64) window.Config) []specified {
	ten := config(10)
	return []specified{
		{id: "T1", config: ten, stream: "a@0 a@9 a@10", want: "a[0,10)=2 a[10,20)=1"},
		{id: "T2", config: ten, stream: "a@9 b@10 |", want: "a[0,10)=1 | b[10,20)=1"},
		{id: "T3", config: ten, stream: "a@0 b@9 |", want: "| a[0,10)=1 b[0,10)=1"},
		{id: "T4", config: ten, stream: "a@5 a@10 a@9", want: "a[0,10)=1 a[10,20)=1", late: "a@9"},
		{id: "T5", config: grace(ten, 5), stream: "a@5 a@12 a@9 | a@15 |", want: "| a[0,10)=2 | a[10,20)=2"},
		{id: "T6", config: grace(ten, 5), stream: "a@5 a@15 a@9", want: "a[0,10)=1 a[10,20)=1", late: "a@9"},
		{id: "T7", config: ten, bound: 5, stream: "a@5 a@14 a@3 | a@15 |", want: "| a[0,10)=2 | a[10,20)=2"},
	}
}

func alignedCases() []specified {
	day := with(tumbling(86400000), func(c *window.Config) { c.Offset = 18000000 })
	return []specified{
		{id: "T8", config: tumbling(10), stream: "a@25", want: "a[20,30)=1"},
		{id: "T9", config: tumbling(10), stream: "a@1 b@2 a@11 c@35 |", want: "a[0,10)=1 b[0,10)=1 a[10,20)=1 | c[30,40)=1"},
		{id: "T10", config: tumbling(10), stream: "a@-1 a@0", want: "a[-10,0)=1 a[0,10)=1"},
		{id: "T11", config: day, stream: "a@104399000 a@104400000", want: "a[18000000,104400000)=1 a[104400000,190800000)=1"},
		{id: "T13", config: tumbling(10), stream: "a@100 a@50 a@101", want: "a[100,110)=2", late: "a@50"},
		{id: "H1", config: hopping(10, 5), stream: "a@7", want: "a[0,10)=1 a[5,15)=1"},
		{id: "H2", config: hopping(10, 5), stream: "a@3", want: "a[-5,5)=1 a[0,10)=1"},
		{
			id: "H3", config: hopping(10, 5), stream: "a@3 b@10 | a@9",
			want: "a[-5,5)=1 a[0,10)=1 | a[5,15)=1 b[5,15)=1 b[10,20)=1",
		},
		{id: "H4", config: hopping(10, 4), stream: "a@9 a@10", want: "a[0,10)=1 a[4,14)=2 a[8,18)=2"},
		{id: "R2", config: tumbling(10), stream: "a@5 b@30 a@6 | a@7", want: "a[0,10)=1 | b[30,40)=1", late: "a@6 a@7"},
		{id: "R4", config: tumbling(10), stream: "a@0 b@100 |", want: "a[0,10)=1 | b[100,110)=1"},
	}
}

func slidingCases() []specified {
	return []specified{
		{id: "L1", config: sliding(10), stream: "a@0 a@10 a@11", want: "a[-10,0]=1 a[0,10]=2 a[1,11]=2"},
		{id: "L2", config: sliding(10), bound: 20, stream: "a@0 a@20 a@10", want: "a[-10,0]=1 a[0,10]=2 a[10,20]=2"},
		{id: "L3", config: sliding(10), stream: "a@5 a@5", want: "a[-5,5]=2"},
		{id: "L4", config: grace(sliding(10), 5), stream: "a@0 a@16 | a@9", want: "a[-10,0]=1 | a[6,16]=2"},
		{id: "L4, and no window is open that holds it", config: grace(sliding(10), 5), stream: "a@0 b@16 a@9", want: "a[-10,0]=1 b[6,16]=1", late: "a@9"},
	}
}

func sessionCases() []specified {
	ended := with(session(10), func(c *window.Config) { c.CloseOn = true })
	return []specified{
		{id: "S1", config: session(10), stream: "a@0 a@10 a@21", want: "a[0,10]=2 a[21,21]=1"},
		{id: "S3", config: session(10), stream: "a@0 b@10 | b@11 |", want: "| a[0,0]=1 | b[10,11]=2"},
		{id: "S4", config: session(10), stream: "a@100 b@105 a@95", want: "a[95,100]=2 b[105,105]=1"},
		{id: "S5", config: session(10), stream: "a@100 b@105 a@80", want: "a[100,100]=1 b[105,105]=1", late: "a@80"},
		{id: "S6", config: session(10), stream: "a@80 a@100 | a@90", want: "a[80,80]=1 | a[90,100]=2"},
		{id: "S7", config: session(10), stream: "a@0 a@100", want: "a[0,0]=1 a[100,100]=1"},
		{id: "S9", config: session(10), bound: 10, stream: "a@50 a@45", want: "a[45,50]=2"},
		{
			id: "S11", config: session(10), bound: 30, values: true, stream: "a@20:y a@0:x a@10:m",
			want: `a[0,20]=["x","m","y"]`,
		},
		{id: "S12", config: session(0), stream: "a@5 a@5 a@6", want: "a[5,5]=2 a[6,6]=1"},
		{id: "S13", config: session(10), stream: "a@0g5 a@4g20 a@20g5 z@25g0 | z@26g0 |", want: "| a[0,20]=3 z[25,25]=1 | z[26,26]=1"},
		{id: "S13 without a@4", config: session(10), stream: "a@0g5 a@20g5", want: "a[0,0]=1 a[20,20]=1"},
		{id: "S16", config: grace(session(10), 5), stream: "a@0 b@14 a@3 b@16", want: "a[0,3]=2 b[14,16]=2"},
		{id: "S16 closes at 18", config: grace(session(10), 5), stream: "a@0 b@14 a@3 b@16 c@18 | c@19 |", want: "| a[0,3]=2 | b[14,16]=2 c[18,19]=2"},
		{id: "S14 in its order", config: ended, bound: 10, stream: "a@0 a@5 a@6! a@7", want: "a[0,6]=3 a[7,7]=1"},
	}
}

func TestEachCaseOfTheSemanticsInAnyCut(t *testing.T) {
	cases := tumblingCases(tumbling)
	cases = append(cases, alignedCases()...)
	cases = append(cases, slidingCases()...)
	cases = append(cases, sessionCases()...)
	for _, c := range cases {
		t.Run(c.id, func(t *testing.T) { c.check(t) })
	}
	for _, c := range tumblingCases(func(size int64) window.Config { return hopping(size, size) }) {
		t.Run("H5 "+c.id, func(t *testing.T) { c.check(t) })
	}
}

// check runs a case record by record, in whole segments, in random cuts (T12), and saved and loaded before each batch.
func (c *specified) check(t *testing.T) {
	t.Helper()
	c.run(t, "record by record", func(int) int { return 1 }, false)
	c.run(t, "in one batch", func(left int) int { return left }, false)
	g := rand.New(rand.NewPCG(1, uint64(len(c.stream))))
	for range 20 {
		c.run(t, "in random cuts", func(left int) int { return 1 + g.IntN(left) }, false)
		c.run(t, "loaded between random cuts", func(left int) int { return 1 + g.IntN(left) }, true)
	}
}

func (c *specified) run(t *testing.T, how string, cut func(left int) int, reopen bool) {
	t.Helper()
	r := newRig(t, c.config)
	var got []string
	shown := 0
	look := func() {
		for ; shown < len(r.given); shown++ {
			got = append(got, c.text(r.given[shown]))
		}
	}
	segments := read(t, c.stream, c.bound, &c.config)
	for i, s := range segments {
		if i > 0 {
			look()
			got = append(got, "|")
		}
		c.feed(r, s, cut, reopen)
	}
	r.advance(window.MaxTime)
	look()
	if got := strings.Join(got, " "); got != c.want {
		t.Errorf("%s %s: got %s, want %s", c.id, how, got, c.want)
	}
	if late := lateOf(r); late != c.late {
		t.Errorf("%s %s: late are %q, want %q", c.id, how, late, c.late)
	}
	if open := r.op.Open(); open != 0 {
		t.Errorf("%s %s: %d cells are open after the end", c.id, how, open)
	}
}

// feed adds a segment in cuts, and moves the watermark on behind each as a task does.
func (c *specified) feed(r *rig, s segment, cut func(left int) int, reopen bool) {
	r.tb.Helper()
	for len(s) > 0 {
		n := cut(len(s))
		r.add(s[:n]...)
		last := s[n-1]
		r.advance(max(last.watermark, last.time-c.bound))
		s = s[n:]
		if reopen {
			r.commit()
			r.reopen()
		}
	}
}

func lateOf(r *rig) string {
	var late []string
	for _, line := range r.late {
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "late "), ":")
		late = append(late, name)
	}
	return strings.Join(late, " ")
}

func (c *specified) text(o outcome) string {
	end := "]"
	if c.config.Kind == window.Aligned {
		end = ")"
	}
	value := strconv.FormatInt(o.count, 10)
	if c.values {
		value = o.values
	}
	return fmt.Sprintf("%s[%d,%d%s=%s", o.key, o.start, o.end, end, value)
}
