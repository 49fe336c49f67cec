package window_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/window"
)

// dice takes decisions from bytes, so that a fuzzer can change them one by one, and at random when they are used up.
type dice struct {
	data []byte
	g    *rand.Rand
}

func newDice(data []byte) *dice {
	hash := fnv.New64a()
	hash.Write(data)
	return &dice{data, rand.New(rand.NewPCG(hash.Sum64(), 7))}
}

// to returns a number from 0 to n.
func (d *dice) to(n int64) int64 {
	if len(d.data) == 0 {
		return d.g.Int64N(n + 1)
	}
	b := d.data[0]
	d.data = d.data[1:]
	return int64(b) % (n + 1)
}

func (d *dice) oneIn(n int64) bool { return d.to(n-1) == 0 }

type verb int

const (
	adds verb = iota
	advances
	commits
	ticks
	reopens
)

// command is one thing that is done to windows.
type command struct {
	verb      verb
	event     event
	watermark int64
}

func (c command) String() string {
	switch c.verb {
	case adds:
		e := c.event
		return fmt.Sprintf("%s@%d:%s gap=%d closes=%t spans=%v input=%d at %d", e.key, e.time, e.value, e.gap, e.closes, e.spans, e.input, e.watermark)
	case advances:
		return fmt.Sprintf("advance %d", c.watermark)
	default:
		return []string{"", "", "commit", "tick", "reopen"}[c.verb]
	}
}

type scenario struct {
	config   window.Config
	rules    fences
	commands []command
}

func (s *scenario) String() string {
	lines := []string{fmt.Sprintf("%+v %+v", s.config, s.rules)}
	for _, c := range s.commands {
		lines = append(lines, c.String())
	}
	return strings.Join(lines, "\n")
}

func (d *dice) config(kind window.Kind) window.Config {
	c := window.Config{Kind: kind, Emit: window.Emit(d.to(3)), MinEvents: d.to(3)}
	if d.oneIn(2) {
		c.Grace = d.to(15)
	}
	switch kind {
	case window.Aligned:
		c.Size = 1 + d.to(29)
		c.Every, c.Offset = 1+d.to(c.Size-1), d.to(40)-20
		if d.oneIn(3) {
			c.Every = c.Size
		}
	case window.Sliding:
		c.Length = d.to(20)
	case window.Session:
		c.Gap = d.to(15)
		if c.Emit == window.Final {
			c.MaxDuration, c.CloseOn = max(0, d.to(60)-30), d.oneIn(2)
		}
	case window.Count:
		c.Emit, c.Size, c.Every = window.Final, 1+d.to(5), 1+d.to(5)
	case window.Global, window.Custom:
		c.Emit = min(c.Emit, window.Early)
	}
	return c
}

// story is how time passes in a scenario.
type story struct {
	*dice
	clock, latest, watermark int64
	bound, jitter            int64
	ownGaps                  bool
}

func newScenario(kind window.Kind, data []byte) *scenario {
	d := newDice(data)
	s := &scenario{config: d.config(kind), rules: fences{longest: 5 + d.to(30), wait: d.to(30) - 10, bad: 5 + d.to(40)}}
	at := &story{dice: d, clock: -50, latest: math.MinInt64 / 2, watermark: math.MinInt64, bound: d.to(30), jitter: d.to(40), ownGaps: d.oneIn(2)}
	for i := range 5 + d.to(60) {
		s.commands = append(s.commands, at.next(&s.config, i))
	}
	s.commands = append(s.commands, command{verb: commits}, command{verb: advances, watermark: math.MaxInt64}, command{verb: commits})
	return s
}

func (s *story) next(config *window.Config, i int64) command {
	switch s.to(19) {
	case 0, 1:
		return command{verb: commits}
	case 2:
		return command{verb: ticks}
	case 3:
		return command{verb: reopens}
	case 4:
		s.watermark = max(s.watermark, s.clock-s.to(40))
		return command{verb: advances, watermark: s.watermark}
	}
	e := event{key: string(rune('a' + s.to(2))), value: strconv.FormatInt(i, 10), gap: config.Gap, input: int32(s.to(2)), offset: i}
	s.clock += s.to(6)
	if s.oneIn(15) {
		s.clock += 50
	}
	e.time, e.watermark = s.clock-s.to(s.jitter), s.watermark
	if s.ownGaps && config.Kind == window.Session {
		e.gap = s.to(25)
	}
	if config.Kind == window.Custom {
		for range s.to(2) {
			start := e.time - s.to(10)
			e.spans = append(e.spans, window.Span{Start: start, End: start + 1 + s.to(20)})
		}
	}
	e.closes = config.CloseOn && s.oneIn(4)
	s.latest = max(s.latest, e.time)
	if !s.oneIn(4) { // else another input holds the watermark back
		s.watermark = max(s.watermark, s.latest-s.bound)
	}
	return command{verb: adds, event: e}
}

// stepwise runs a scenario one command at a time.
func (s *scenario) stepwise(tb testing.TB) *rig {
	tb.Helper()
	r := newRigWith(tb, s.config, s.rules)
	for _, c := range s.commands {
		switch c.verb {
		case adds:
			r.advance(c.event.watermark)
			r.add(c.event)
		case advances:
			r.advance(c.watermark)
		case commits:
			r.commit()
		case ticks:
			r.tick()
		case reopens:
			r.commit()
			r.reopen()
		}
	}
	return r
}

func (s *scenario) modelled() *model {
	m := newModel(s.config)
	m.rules = s.rules
	for _, c := range s.commands {
		switch c.verb {
		case adds:
			m.add(c.event)
		case advances:
			m.advance(c.watermark)
		case commits, reopens:
			m.commit()
		case ticks:
			m.tick()
		}
	}
	return m
}

// batched runs a scenario with its records in random batches, saved and loaded at other moments.
func (s *scenario) batched(tb testing.TB, g *rand.Rand) *rig {
	tb.Helper()
	r := newRigWith(tb, s.config, s.rules)
	var batch []event
	flush := func() {
		if len(batch) > 0 {
			r.add(batch...)
		}
		batch = nil
	}
	for _, c := range s.commands {
		if c.verb == adds {
			batch = append(batch, c.event)
			if g.IntN(4) == 0 {
				flush()
			}
			continue
		}
		flush()
		switch c.verb {
		case advances:
			r.advance(c.watermark)
		case ticks:
			r.tick()
		default:
			r.commit()
			if g.IntN(2) == 0 {
				r.reopen()
			}
		}
	}
	return r
}

// check compares a scenario with the model, and with itself in other cuts.
func (s *scenario) check(tb testing.TB) {
	tb.Helper()
	r, m := s.stepwise(tb), s.modelled()
	if !slices.Equal(r.journal, m.journal) {
		tb.Fatalf("%s\ngives\n%s\nwant\n%s", s, strings.Join(r.journal, "\n"), strings.Join(m.journal, "\n"))
	}
	b := s.batched(tb, rand.New(rand.NewPCG(uint64(len(s.commands)), 3)))
	if !slices.Equal(b.given, r.given) || !slices.Equal(b.late, r.late) || !slices.Equal(b.failed, r.failed) || !slices.Equal(b.marks, r.marks) {
		tb.Fatalf("%s\ngives in batches\n%v\n%v\n%v\nwant\n%v\n%v\n%v", s, b.given, b.late, b.marks, r.given, r.late, r.marks)
	}
	if b.op.Open() != 0 || r.op.Open() != 0 {
		tb.Fatalf("%s\nleaves %d cells open", s, r.op.Open())
	}
	s.checkMarks(tb, r)
}

// checkMarks checks that no result lies behind the watermark of the results before it.
func (s *scenario) checkMarks(tb testing.TB, r *rig) {
	tb.Helper()
	if !slices.IsSorted(r.marks) && !s.ownGaps() && s.config.Kind != window.Custom {
		tb.Fatalf("%s\nhas watermarks that go back: %v", s, r.marks)
	}
	for i, o := range r.given {
		if s.config.Kind != window.Count && s.config.Kind != window.Global && !o.retracted && o.time < r.marks[i] {
			tb.Fatalf("%s\ngives %s at watermark %d", s, o, r.marks[i])
		}
	}
}

func (s *scenario) ownGaps() bool {
	return slices.ContainsFunc(s.commands, func(c command) bool { return c.verb == adds && c.event.gap != s.config.Gap })
}
