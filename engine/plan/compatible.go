package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pyudf/pyudf/engine/record"
)

// IncompatibleError says what a version of an app cannot take over from the one before. Each fault is a sentence for a person.
type IncompatibleError struct{ Faults []string }

func (e *IncompatibleError) Error() string {
	return "the new version cannot go on with what the one before keeps:\n  - " + strings.Join(e.Faults, "\n  - ") +
		"\nput it back as it was, begin anew with --reset-state, or deploy under another name"
}

// Compatible returns an error, of type *IncompatibleError, if a version of an app that follows another one would lose or misread
// what that keeps: windows, states and timers, and records on their way to another key. It holds in both directions for
// records on their way, as processes of the group run either version for a while.
//
// Steps that keep nothing may come and go, and functions change. What is new begins empty.
func Compatible(before, after *Plan) error {
	c := &comparison{before: before, after: after}
	for _, was := range before.Sources {
		is := after.like(was)
		if is == nil {
			c.gone(was)
			continue
		}
		c.kept(was, is)
		if was.Hop == nil {
			c.times(was, is)
		} else {
			c.travels(was, is)
		}
	}
	if len(c.faults) > 0 {
		return &IncompatibleError{c.faults}
	}
	return nil
}

// like returns the source of a plan that takes the place of another plan's; nil if there is none.
func (p *Plan) like(other *Source) *Source {
	for _, s := range p.Sources {
		if s.kind() == other.kind() && s.Slug() == other.Slug() {
			return s
		}
	}
	return nil
}

// Has tells whether a plan reads what is a source of another plan too, in the same place of the pipeline.
func (p *Plan) Has(other *Source) bool { return p.like(other) != nil }

func (s *Source) kind() string {
	switch {
	case s.Hop != nil:
		return "stage"
	case s.Proto.GetFile() != nil:
		return "file"
	default:
		return "topic"
	}
}

// comparison gathers the faults between two plans.
type comparison struct {
	before, after *Plan
	faults        []string
}

func (c *comparison) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// gone is for a source that is there no more.
func (c *comparison) gone(was *Source) {
	if was.Hop != nil {
		step := c.before.stepOf(was.Hop)
		c.fault("%s leads to no step any more: records on their way to their new key would be lost", step.place())
	}
	for _, step := range was.keepers() {
		c.fault("%s would be lost: %s is not read any more", step.kept(), was.words(c.before))
	}
}

// words says what a source is.
func (s *Source) words(p *Plan) string {
	if s.Hop != nil {
		return "what comes of " + p.stepOf(s.Hop).place()
	}
	return s.kind() + " " + s.Name
}

// stepOf returns the step that leads to a hop.
func (p *Plan) stepOf(hop *Hop) *Step {
	var found *Step
	for _, s := range p.Sources {
		walk(s.Steps, func(step *Step) {
			if step.KeyBy != nil && step.KeyBy.Hop == hop {
				found = step
			}
		})
	}
	return found
}

func (s *Source) keepers() []*Step {
	var out []*Step
	walk(s.Steps, func(step *Step) {
		if step.Keeps() {
			out = append(out, step)
		}
	})
	return out
}

// place says which step it is, and where.
func (s *Step) place() string {
	if s.At == "" {
		return s.Label
	}
	return s.Label + " at " + s.At
}

// kept says what a step keeps.
func (s *Step) kept() string {
	if s.Stateful == nil {
		return "the open windows of " + s.place()
	}
	what := "the states"
	switch f := s.Stateful.Call.Function; {
	case len(f.States) == 0:
		what = "the timers"
	case len(f.Timers) > 0:
		what = "the states and timers"
	}
	return what + " of " + s.place()
}

// kept compares what the steps of a source keep.
func (c *comparison) kept(was, is *Source) {
	now, lost := map[string]*Step{}, []*Step{}
	for _, step := range is.keepers() {
		now[step.State] = step
	}
	for _, step := range was.keepers() {
		same := now[step.State]
		if same == nil {
			lost = append(lost, step)
			continue
		}
		delete(now, step.State)
		if !c.identified(step, was, is) {
			c.fault("%s cannot be told from those of another step that keeps the same: a step behind which nothing of it is written "+
				"has its place now; keep the order of the steps, and put new ones behind", step.kept())
		}
	}
	for _, step := range lost {
		c.lost(step, slices.Collect(maps.Values(now)))
	}
}

// lost is for a step that is there no more, unless one of those that are new was made of it.
func (c *comparison) lost(step *Step, added []*Step) {
	var successors []*Step
	for _, s := range added {
		if (s.Stateful != nil) == (step.Stateful != nil) && (s.Label == step.Label || s.At != "" && s.At == step.At) {
			successors = append(successors, s)
		}
	}
	if len(successors) != 1 {
		c.fault("%s would be lost: the new version has no step that keeps %s", step.kept(), step.Shape())
		return
	}
	c.fault("%s would be lost: it kept %s, and %s keeps %s", step.kept(), step.Shape(), successors[0].place(), successors[0].Shape())
}

// identified tells whether a step is still the same where several of a source keep the same: it leads to one of the places
// that it led to.
func (c *comparison) identified(step *Step, was, is *Source) bool {
	alike := func(s *Source) (out []*Step) {
		for _, other := range s.keepers() {
			if other.Shape() == step.Shape() {
				out = append(out, other)
			}
		}
		return out
	}
	now := alike(is)
	if len(now) == 1 && len(alike(was)) == 1 {
		return true
	}
	ends := map[string]bool{}
	walk([]*Step{step}, func(s *Step) { ends[s.end()] = true })
	delete(ends, "")
	for _, other := range now {
		found := false
		walk([]*Step{other}, func(s *Step) { found = found || ends[s.end()] })
		if other.State == step.State {
			return found
		}
	}
	return false
}

// end is the place that a step writes to or leads to; empty: nowhere.
func (s *Step) end() string {
	switch {
	case s.Sink != nil:
		return s.Sink.Name
	case s.KeyBy != nil && s.KeyBy.Hop != nil:
		return s.KeyBy.Hop.Stage.Name
	default:
		return ""
	}
}

// times compares when the records of a source happened, if something depends on it.
func (c *comparison) times(was, is *Source) {
	if !was.Keyed || !is.Keyed {
		return
	}
	if a, b := was.clock(), is.clock(); a != b {
		c.fault("%s was read with %s as event time, and is read with %s: windows and timers would mix both", was.words(c.before), a, b)
	}
}

func (s *Source) clock() string {
	if s.Time.GetField() == "" {
		return "the record's timestamp"
	}
	unit := strings.ToLower(strings.TrimPrefix(s.Time.GetUnit().String(), "TIME_UNIT_"))
	return fmt.Sprintf("the field %q (unit %s)", s.Time.GetField(), unit)
}

// travels compares what is on its way to a stage: each version reads what the other one sent.
func (c *comparison) travels(was, is *Source) {
	step := c.before.stepOf(was.Hop)
	for _, fault := range c.before.unreadable(was, is) {
		c.fault("records on their way from %s %s for the new version", step.place(), fault)
	}
	for _, fault := range c.after.unreadable(is, was) {
		c.fault("records that the new version sends from %s %s for the version before, which other processes run meanwhile", step.place(), fault)
	}
}

// unreadable says which fields of records on their way another version of the stage does not find, or not in that type.
func (p *Plan) unreadable(sent, reader *Source) []string {
	var faults []string
	rows, feeder := sent.Hop.rows, p.feeder(sent.Hop)
	for _, field := range slices.Sorted(maps.Keys(reader.reads)) {
		read := reader.reads[field]
		_, known := sent.reads[field]
		_, before := feeder.reads[field]
		switch {
		case !rows.has(field):
			faults = append(faults, fmt.Sprintf("have no field %q", field))
		case rows.made[field] && !Converts(rows.types[field], read):
			faults = append(faults, fmt.Sprintf("have %s in the field %q, not %s,", rows.types[field], field, read))
		case !rows.made[field] && reader.Hop.rows.made[field] && !known && !before && rows.types[field] == record.Unknown:
			faults = append(faults, fmt.Sprintf("have no field %q", field))
		}
	}
	return faults
}

// feeder returns the source whose steps lead to a hop.
func (p *Plan) feeder(hop *Hop) *Source {
	return p.Sources[slices.IndexFunc(p.Sources, func(s *Source) bool { return s.Feeds(hop) })]
}
