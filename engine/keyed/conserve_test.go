package keyed_test

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"testing"

	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// lateRecords returns how many records were late.
func lateRecords(t testing.TB, w *world) int64 {
	t.Helper()
	parts := regexp.MustCompile(` x(\d+) `)
	n := int64(0)
	for _, line := range w.late {
		found := parts.FindStringSubmatch(line)
		if found == nil {
			n++
			continue
		}
		records, err := strconv.ParseInt(found[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		n += records
	}
	return n
}

// worsen makes the records of a scenario break all promises.
func (s *scenario) worsen() {
	for p := range s.partitions {
		for i := range s.partitions[p] {
			r := &s.partitions[p][i]
			switch s.g.IntN(20) {
			case 0, 1:
				r.time -= s.g.Int64N(100)
			case 2:
				r.time += s.g.Int64N(50)
			case 3:
				r.what = []string{"null", "bad"}[s.g.IntN(2)]
			case 4:
				r.key = "null"
			}
		}
	}
}

// tumble makes the windows of a scenario tumbling ones, with any mode of emission.
func (s *scenario) tumble() {
	s.window = tumbling(uint64(1 + s.g.IntN(30)))
	s.window.GraceMs = s.g.Uint64N(20)
	s.emit = planv1.EmitMode(s.g.IntN(5))
}

// checkEachRecord plays a scenario of any windows and looks for each record.
func (s *scenario) checkEachRecord(tb testing.TB) {
	tb.Helper()
	s.records = s.targets > 0
	w, taken := s.play(tb, func(w *world) { w.idle(s.g.IntN(s.inputs), s.g.Int64N(40)) })
	given := map[int]bool{}
	for _, r := range w.out {
		for _, id := range r.IDs {
			given[id] = true
		}
	}
	for _, id := range w.lateIDs {
		if given[id] {
			tb.Fatalf("record %d is late, and in a result\n%v\n%v\nout %v\nlate %q", id, s.window, s.partitions, w.out, w.late)
		}
	}
	if len(taken) != len(given)+len(w.late)+len(w.dead) {
		tb.Fatalf("of %d records %d are in results, %d late, %d dead\n%v over %d partitions to %d, bound %d\n%v\nout %v\nlate %q",
			len(taken), len(given), len(w.late), len(w.dead), s.window, s.inputs, s.targets, s.time.GetOutOfOrderMs(), s.partitions, w.out, w.late)
	}
}

// checkNothingVanishes plays a scenario and counts where its records are.
func (s *scenario) checkNothingVanishes(tb testing.TB) {
	tb.Helper()
	w, taken := s.play(tb, func(w *world) { w.idle(s.g.IntN(s.inputs), s.g.Int64N(40)) })
	last := map[string]int64{}
	for _, r := range w.out {
		last[fmt.Sprint(r.K, r.Start)] = r.N
	}
	results := int64(0)
	for _, n := range last {
		results += n
	}
	late, dead := lateRecords(tb, w), int64(len(w.dead))
	if int64(len(taken)) != results+late+dead {
		tb.Fatalf("of %d records %d are in results, %d late, %d dead\n%s over %d partitions to %d, records %t, bound %d\n%v\nout %v\nlate %q\ndead %q",
			len(taken), results, late, dead, s.window, s.inputs, s.targets, s.records, s.time.GetOutOfOrderMs(), s.partitions, w.out, w.late, w.dead)
	}
}

func TestEachRecordIsInAResultOrLateOrDead(t *testing.T) {
	for seed := range uint32(200) {
		s := newScenario(binary.BigEndian.AppendUint32(nil, seed))
		s.worsen()
		s.tumble()
		s.checkNothingVanishes(t)
	}
}

func TestEachRecordOfAnyWindowIsInAResultOrLateOrDead(t *testing.T) {
	for seed := range uint32(200) {
		s := newScenario(binary.BigEndian.AppendUint32(nil, seed))
		s.worsen()
		s.checkEachRecord(t)
	}
}

func FuzzEachRecord(f *testing.F) {
	for seed := range uint32(10) {
		f.Add(binary.BigEndian.AppendUint32(nil, seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newScenario(data)
		s.worsen()
		s.checkEachRecord(t)
	})
}

func FuzzNothingVanishes(f *testing.F) {
	for seed := range uint32(10) {
		f.Add(binary.BigEndian.AppendUint32(nil, seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newScenario(data)
		s.worsen()
		s.tumble()
		s.checkNothingVanishes(t)
	})
}
