package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/exchange/local"
	"github.com/pyudf/pyudf/engine/metrics"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/source/sourcetest"
	"github.com/pyudf/pyudf/engine/state/memstate"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// shelf is files and the runs of an app over them, one after the other.
type shelf struct {
	t      *testing.T
	plan   *planv1.Plan
	files  map[string][]string
	edited string // what tells the files from those that they were
	ledger *ledger
	state  *memstate.Root
	// deliver is what the next run's transactions do.
	deliver func(entries []entry, commit func()) error
	// endless are files that do not end in the next run.
	endless map[string]bool
	sources map[string]*sourcetest.Fake
}

// fakeFile is a source that says which file it is.
type fakeFile struct {
	*sourcetest.Fake

	identity string
}

func (f *fakeFile) Identity() string { return f.identity }

// Poll says now and then that nothing happens, as a file does not but others do that wait for an end.
func (f *fakeFile) Poll(ctx context.Context) (source.Event, error) {
	moment, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	event, err := f.Fake.Poll(moment)
	if err != nil && ctx.Err() == nil && moment.Err() != nil {
		return source.Event{Idle: true}, nil
	}
	return event, err
}

// newShelf returns an app that copies each file to the topic that has its name with "-out".
func newShelf(t *testing.T, files ...string) *shelf {
	t.Helper()
	s := &shelf{t: t, plan: &planv1.Plan{App: "copy"}, files: map[string][]string{}, ledger: newLedger(), state: memstate.New()}
	for _, name := range files {
		for i := range 20 + 7*len(s.files) {
			s.files[name] = append(s.files[name], fmt.Sprintf(`{"%s":%d}`, name, i))
		}
		s.plan.Sources = append(s.plan.Sources, fileSource(name))
		to := &planv1.To{Kind: &planv1.To_Topic{Topic: &planv1.Topic{Name: name + "-out"}}}
		s.plan.Steps = append(s.plan.Steps, &planv1.Step{Id: "to-" + name, Input: name, Op: &planv1.Step_To{To: to}})
	}
	return s
}

func fileSource(name string) *planv1.Source {
	return &planv1.Source{Id: name, Kind: &planv1.Source_File{File: &planv1.File{Path: name}}}
}

// run runs the app once. What deliver and endless say holds for this run alone.
func (s *shelf) run() error {
	s.t.Helper()
	s.sources = map[string]*sourcetest.Fake{}
	config := newWorld(s.t).config
	config.Plan, config.State, config.ResumeFiles, config.CommitInterval = s.plan, s.state, true, 1
	config.Metrics = metrics.New(prometheus.NewRegistry())
	config.Changelogs = &engine.Changelogs{Log: s.ledger, Topic: func(from *plan.Source) string { return from.Slug() + ".changelog" }}
	sources := sharedSources(s)
	config.OpenSource = func(_ context.Context, of *planv1.Source) (source.Source, error) { return sources[of.GetId()](), nil }
	config.OpenOutlet = func(context.Context, string) (engine.Outlet, error) {
		return &transaction{ledger: s.ledger, deliver: s.deliver}, nil
	}
	config.OpenHop = func(_ context.Context, to engine.HopTo) (engine.Hop, error) {
		hop := local.New(to.Stage, 3)
		return engine.Hop{Source: hop.Source(), Sink: hop.Sink(), Partitions: 3, Queue: hop}, nil
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	err := engine.Run(ctx, config)
	if ctx.Err() != nil {
		s.t.Fatal("the run has not ended")
	}
	s.deliver, s.endless = nil, nil
	return err
}

// sharedSources returns what opens each file of a shelf.
func sharedSources(s *shelf) map[string]func() source.Source {
	open := map[string]func() source.Source{}
	for name, values := range s.files {
		s.sources[name] = sourcetest.New()
		open[name] = func() source.Source {
			p := record.Partition{Topic: name}
			events := []source.Event{{Assigned: []record.Partition{p}}}
			for at := 0; at < len(values); at += 3 {
				events = append(events, records(p, int64(at), values[at:min(at+3, len(values))]...))
			}
			if !s.endless[name] {
				events = append(events, source.Event{Ended: []record.Partition{p}})
			}
			from := s.sources[name]
			if from.Closed() { // by an attempt before
				from = sourcetest.New()
			}
			from.Push(events...)
			return &fakeFile{from, name + s.edited}
		}
	}
	return open
}

func (s *shelf) succeed() {
	s.t.Helper()
	if err := s.run(); err != nil {
		s.t.Fatal(err)
	}
}

// count returns how many results are among entries and in the ledger.
func (s *shelf) count(entries []entry) int {
	n := 0
	for _, e := range entries {
		if strings.HasSuffix(e.topic, "-out") {
			n++
		}
	}
	for name := range s.files {
		n += len(s.ledger.all(name + "-out"))
	}
	return n
}

func (s *shelf) rows() int {
	n := 0
	for _, values := range s.files {
		n += len(values)
	}
	return n
}

// complete fails unless each file was copied so many times, in its order.
func (s *shelf) complete(times int) {
	s.t.Helper()
	for name, values := range s.files {
		if got := s.ledger.all(name + "-out"); !slices.Equal(got, slices.Repeat(values, times)) {
			s.t.Errorf("%s: got %v, want %d times %v", name, got, times, values)
		}
	}
}

// begun returns the row at which a file was begun by the last run.
func (s *shelf) begun(name string) int64 { return s.sources[name].Begun()[0].Offset }

func TestARunOverFilesThatCrashesInAnyEpochGoesOnThere(t *testing.T) {
	for _, files := range [][]string{{"a"}, {"a", "b"}} {
		for at := 1; at < newShelf(t, files...).rows(); at += 2 {
			for _, made := range []bool{false, true} {
				s := newShelf(t, files...)
				s.deliver = func(entries []entry, commit func()) error {
					if n := s.count(entries); n < at || n == s.rows() {
						commit()
						return nil
					}
					if made {
						commit()
					}
					return errPower
				}
				if err := s.run(); err == nil {
					s.complete(1) // one epoch had all that was left
					continue
				} else if !errors.Is(err, errPower) {
					t.Fatal(err)
				}
				if at%3 == 0 { // on another machine
					s.state = memstate.New()
				}
				s.succeed()
				s.complete(1)
			}
		}
	}
}

func TestARunOverFilesBehindOneThatCameToItsEndBeginsAnew(t *testing.T) {
	for _, files := range [][]string{{"a"}, {"a", "b"}} {
		s := newShelf(t, files...)
		s.succeed()
		s.succeed()
		s.complete(2)
		s.state = memstate.New()
		s.edited = "later" // nobody minds
		s.succeed()
		s.complete(3)
	}
}

func TestAFileThatEndedIsNotReadAgainBeforeTheOthersOfTheRunEnded(t *testing.T) {
	s := newShelf(t, "a", "b")
	s.endless = map[string]bool{"b": true}
	s.deliver = func(_ []entry, commit func()) error {
		commit()
		if s.count(nil) == s.rows() {
			return errPower
		}
		return nil
	}
	if err := s.run(); !errors.Is(err, errPower) {
		t.Fatal(err)
	}
	s.succeed()
	if at := s.begun("a"); at != int64(len(s.files["a"])) {
		t.Errorf("a was begun at row %d", at)
	}
	s.complete(1)
}

func TestAnEndOfWhichNobodyKnowsIsTheEnd(t *testing.T) {
	for _, made := range []bool{false, true} {
		s := newShelf(t, "a", "b")
		ends := 0
		s.deliver = func(entries []entry, commit func()) error {
			last := slices.ContainsFunc(entries, func(e entry) bool { return strings.Contains(e.value, "aended") })
			if last {
				ends++
			}
			if last && ends == 1 {
				if made {
					commit()
				}
				return fmt.Errorf("%w: the answer was lost", sink.ErrAborted)
			}
			commit()
			return nil
		}
		s.succeed()
		if want := map[bool]int{false: 2, true: 1}[made]; ends != want {
			t.Errorf("it ended %d times, want %d", ends, want)
		}
		s.complete(1)
		s.succeed()
		s.complete(2)
	}
}

func TestARunThatAnotherProcessEndedIsNotBegunAnew(t *testing.T) {
	s := newShelf(t, "a")
	other := *s
	other.state = memstate.New()
	s.deliver = func(_ []entry, commit func()) error {
		if s.count(nil) == 0 {
			commit()
			return nil
		}
		s.deliver = nil
		other.succeed()
		return fmt.Errorf("%w: it is fenced", sink.ErrAborted)
	}
	if err := s.run(); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("it ended with %v", err)
	}
	s.complete(1)
}

func TestAnotherFileThanTheInterruptedRunReadIsRefused(t *testing.T) {
	s := newShelf(t, "a", "b")
	s.deliver = func(_ []entry, commit func()) error {
		commit()
		if s.count(nil) > 10 {
			return errPower
		}
		return nil
	}
	if err := s.run(); !errors.Is(err, errPower) {
		t.Fatal(err)
	}
	before := s.count(nil)
	s.edited = "otherwise"
	if err := s.run(); err == nil || !strings.Contains(err.Error(), "--reset-state") {
		t.Errorf("it ended with %v", err)
	}
	if after := s.count(nil); after != before {
		t.Errorf("it wrote %d results", after-before)
	}
	s.edited = ""
	s.succeed()
	s.complete(1)
}

func TestWindowsBehindHopsOfAFileAreWholeAfterACrashInAnyEpoch(t *testing.T) {
	const crashes = 15
	happened := 0
	for crash := 1; crash < crashes; crash++ {
		h := newHopped(t, uint64(crash)) //nolint:gosec // few
		h.input = h.input[:1]
		s := &shelf{t: t, plan: hopping(), files: map[string][]string{"in": h.input[0]}, ledger: newLedger(), state: memstate.New()}
		s.plan.Sources[0].Kind = fileSource("in").GetKind()
		for _, made := range []bool{true, false} {
			delivered := 0
			s.deliver = func(entries []entry, commit func()) error {
				last := slices.ContainsFunc(entries, func(e entry) bool { return strings.Contains(e.value, "aended") })
				if delivered++; delivered != crash || last {
					commit()
					return nil
				}
				if made {
					commit()
				}
				return errPower
			}
			if err := s.run(); err == nil {
				break
			} else if !errors.Is(err, errPower) {
				t.Fatal(err)
			}
			happened++
			if crash%2 == 0 {
				s.state = memstate.New()
			}
		}
		if len(s.ledger.all("small")) < len(h.expected()["small"]) {
			s.succeed()
		}
		for _, topic := range []string{"small", "large", "late"} {
			h.read(topic, s.ledger.all(topic))
		}
		h.complete(false)
		if t.Failed() {
			t.Fatalf("crash in epoch %d", crash)
		}
	}
	if happened < crashes {
		t.Errorf("there were %d crashes", happened)
	}
}
