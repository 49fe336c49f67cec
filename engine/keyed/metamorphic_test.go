package keyed_test

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// reading is a record of some partition.
type reading struct {
	key       string
	time      int64
	partition int
	id        int
	what      string
}

func (r reading) String() string {
	if r.what != "" {
		return fmt.Sprintf("%s@%d=%s", r.key, r.time, r.what)
	}
	return fmt.Sprintf("%s@%d", r.key, r.time)
}

// scenario is an app with the records of each partition, in their order.
type scenario struct {
	*app
	g          *rand.Rand
	windows    func(readings []reading) [][]reading
	partitions [][]reading
}

func aligned(size, every int64) func([]reading) [][]reading {
	return func(readings []reading) [][]reading {
		var out [][]reading
		for start := int64(-1000) / every * every; start < 10_000; start += every {
			out = append(out, within(readings, start, start+size-1))
		}
		return out
	}
}

// within returns the readings from a time to another, both inclusive.
func within(readings []reading, from, to int64) []reading {
	var out []reading
	for _, r := range readings {
		if from <= r.time && r.time <= to {
			out = append(out, r)
		}
	}
	return out
}

func slides(length int64) func([]reading) [][]reading {
	return func(readings []reading) [][]reading {
		var out [][]reading
		for i, r := range readings {
			if i+1 == len(readings) || readings[i+1].time != r.time {
				out = append(out, within(readings, r.time-length, r.time))
			}
		}
		return out
	}
}

// sessions cuts readings where there is a gap, or where they would be longer than a limit, unless it is 0.
func sessions(gap, limit int64) func([]reading) [][]reading {
	return func(readings []reading) [][]reading {
		var out [][]reading
		for i, r := range readings {
			last := len(out) - 1
			if i == 0 || r.time-readings[i-1].time > gap || limit > 0 && r.time-out[last][0].time > limit {
				out = append(out, nil)
				last++
			}
			out[last] = append(out[last], r)
		}
		return out
	}
}

// pickWindow sets one of the kinds of windows.
func (s *scenario) pickWindow() {
	size := 1 + s.g.Int64N(30)
	switch s.g.IntN(5) {
	case 0:
		s.window, s.windows = tumbling(uint64(size)), aligned(size, size)
	case 1:
		every := 1 + s.g.Int64N(size)
		s.windows = aligned(size, every)
		s.window = &planv1.Window{Kind: &planv1.Window_Hopping{Hopping: &planv1.Hopping{SizeMs: uint64(size), EveryMs: uint64(every)}}}
	case 2:
		s.windows = slides(size)
		s.window = &planv1.Window{Kind: &planv1.Window_Sliding{Sliding: &planv1.Sliding{LengthMs: uint64(size)}}}
	case 3:
		s.windows = sessions(size/3, 0)
		s.window = &planv1.Window{Kind: &planv1.Window_Session{Session: &planv1.Session{GapMs: uint64(size / 3)}}}
	case 4:
		s.windows = sessions(size/3, 1+size/2)
		s.window = &planv1.Window{Kind: &planv1.Window_Session{Session: &planv1.Session{GapMs: uint64(size / 3), MaxDurationMs: uint64(1 + size/2)}}}
	}
	if s.g.IntN(2) == 0 {
		s.window.GraceMs = s.g.Uint64N(20)
	}
}

// newScenario returns records that are at most so much out of order as the app says.
func newScenario(data []byte) *scenario {
	var seed [32]byte
	copy(seed[:], data)
	s := &scenario{g: rand.New(rand.NewChaCha8(seed))}
	bound := s.g.Int64N(15)
	s.app = &app{time: fieldTime(uint64(bound)), inputs: 1 + s.g.IntN(4), targets: s.g.IntN(4), records: s.g.IntN(2) == 0}
	s.records = s.records && s.targets > 0
	s.pickWindow()
	for p := range s.inputs {
		clock := s.g.Int64N(300) - 100
		var readings []reading
		for range s.g.IntN(40) {
			clock += s.g.Int64N(8)
			key := string(rune('a' + s.g.IntN(3)))
			if s.targets == 0 {
				key += strconv.Itoa(p) // each key is in one partition
			}
			readings = append(readings, reading{key: key, time: clock - s.g.Int64N(bound+1), partition: p})
		}
		s.partitions = append(s.partitions, readings)
	}
	return s
}

// play runs a scenario in a random order and random cuts, with tasks that are saved and opened again in between.
func (s *scenario) play(tb testing.TB, disturb func(w *world)) (w *world, taken []reading) {
	tb.Helper()
	w = newWorld(tb, s.app)
	next := make([]int, s.inputs)
	for left := s.total(); len(taken) < left; {
		switch p := s.g.IntN(s.inputs); s.g.IntN(8) {
		case 0, 1, 2, 3:
			n := min(len(s.partitions[p])-next[p], 1+s.g.IntN(6))
			if n == 0 {
				continue
			}
			for _, r := range s.partitions[p][next[p] : next[p]+n] {
				r.id = len(taken)
				taken = append(taken, r)
			}
			next[p] += n
			w.feed(p, strings.Trim(fmt.Sprint(taken[len(taken)-n:]), "[]"))
		case 4, 5:
			if s.targets > 0 {
				w.deliver(s.g.IntN(len(w.stages)), 1+s.g.IntN(5))
			}
		case 6:
			all := slices.Concat(w.sources, w.stages)
			w.write(all[s.g.IntN(len(all))].Tick(tb.Context(), w.wall))
		case 7:
			all := slices.Concat(w.sources, w.stages)
			w.reopen(all[s.g.IntN(len(all))])
			disturb(w)
		}
	}
	w.finish()
	return w, taken
}

func (s *scenario) total() (n int) {
	for _, readings := range s.partitions {
		n += len(readings)
	}
	return n
}

// expected returns the results of all windows, by definition.
func (s *scenario) expected(taken []reading) []string {
	byKey := map[string][]reading{}
	for _, r := range taken {
		byKey[r.key] = append(byKey[r.key], r)
	}
	var out []string
	for key, readings := range byKey {
		slices.SortStableFunc(readings, func(a, b reading) int {
			return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.partition, b.partition)) // offsets follow the ids
		})
		for _, content := range s.windows(readings) {
			if len(content) > 0 {
				out = append(out, key+" "+idsOf(content))
			}
		}
	}
	slices.Sort(out)
	return out
}

func idsOf(readings []reading) string {
	ids := make([]int, len(readings))
	for i, r := range readings {
		ids[i] = r.id
	}
	return fmt.Sprint(ids)
}

// checkFinal plays a scenario and compares its results with what windows are by definition.
func (s *scenario) checkFinal(tb testing.TB) {
	tb.Helper()
	w, taken := s.play(tb, func(*world) {})
	var got []string
	ends := map[string]int64{}
	for _, r := range w.out {
		got = append(got, fmt.Sprintf("%s %v", r.K, r.IDs))
		if end, ok := ends[r.K]; ok && r.End < end {
			tb.Fatalf("E6: %s comes behind a window that ends at %d", r, end)
		}
		ends[r.K] = r.End
	}
	slices.Sort(got)
	if want := s.expected(taken); !slices.Equal(got, want) {
		tb.Fatalf("%v over %d partitions to %d, records %t, bound %d:\n%v\ngives\n%s\nwant\n%s", s.window, s.inputs, s.targets, s.records,
			s.time.GetOutOfOrderMs(), s.partitions, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(w.late)+len(w.dead) > 0 {
		tb.Fatalf("late are %q, dead %q, of records that are within their bound", w.late, w.dead)
	}
}

func TestRecordsWithinTheirBoundGiveTheSameResultsInAnyOrderAndCut(t *testing.T) {
	for seed := range uint32(200) {
		newScenario(binary.BigEndian.AppendUint32(nil, seed)).checkFinal(t)
	}
}

func FuzzFinalResults(f *testing.F) {
	for seed := range uint32(10) {
		f.Add(binary.BigEndian.AppendUint32(nil, seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) { newScenario(data).checkFinal(t) })
}

// checkTwice counts records in small windows and sums the counts in larger ones, behind another hop if there is one.
func (s *scenario) checkTwice(tb testing.TB) {
	tb.Helper()
	s.twice, s.window = true, tumbling(30)
	w, taken := s.play(tb, func(*world) {})
	got, want := map[string]int64{}, map[string]int64{}
	for _, r := range w.out {
		got[fmt.Sprint(r.K, r.Start)] += r.N
	}
	for _, r := range taken {
		want[fmt.Sprint(r.key, r.time-(r.time%30+30)%30)]++
	}
	if !maps.Equal(got, want) || len(w.late)+len(w.dead) > 0 {
		tb.Fatalf("%d partitions to %d, records %t, bound %d:\n%v\ngives\n%v\nwant\n%v\nlate %q, dead %q", s.inputs, s.targets, s.records,
			s.time.GetOutOfOrderMs(), s.partitions, got, want, w.late, w.dead)
	}
	if n := len(want); len(w.out) != n {
		tb.Fatalf("%d results, want %d: %v", len(w.out), n, w.out)
	}
}

func TestWindowsOverWindowsLoseNothing(t *testing.T) {
	for seed := range uint32(150) {
		newScenario(binary.BigEndian.AppendUint32(nil, seed)).checkTwice(t)
	}
}

func FuzzWindowsOverWindows(f *testing.F) {
	for seed := range uint32(10) {
		f.Add(binary.BigEndian.AppendUint32(nil, seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) { newScenario(data).checkTwice(t) })
}
