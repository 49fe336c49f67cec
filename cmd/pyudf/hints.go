package main

import (
	"slices"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/deadletter"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/progress"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// hints say after a run where to look next, and what to do.
type hints struct {
	plan  *planv1.Plan
	group string
	// brokers is what `pyudf tail` needs to reach the same brokers.
	brokers string
	// keepsOpen tells that windows which are open at the end wait for the next run.
	keepsOpen bool
}

func (h hints) lines(state progress.State) []string {
	home, topic := deadletter.Home(h.plan)
	if state.In == 0 && state.Out == 0 && topic {
		return []string{"the group " + h.group + " has nothing new to read; --group ANOTHER begins where --start says"}
	}
	var lines []string
	if state.Dead > 0 {
		lines = append(lines, "look at what could not be handled, and why: "+h.look(home, topic))
	}
	if state.Late > 0 {
		lines = append(lines, h.late(topic)...)
	}
	if state.OftenLate() {
		lines = append(lines, "many records came late: out_of_order= of pu.event_time says how long windows wait for them, and grace= of a window how long it takes them in after its end")
	}
	if h.keepsOpen && readsTopic(h.plan) && len(lateTopics(h.plan)) > 0 {
		lines = append(lines, "windows that are not over wait for the next run; --flush closes them at the end")
	}
	return append(lines, h.results()...)
}

// readsTopic tells whether there is input that goes on; the windows of files close at the end of the file.
func readsTopic(plan *planv1.Plan) bool {
	return slices.ContainsFunc(plan.GetSources(), func(s *planv1.Source) bool { return s.GetTopic() != nil })
}

// late says where the records are that came too late.
func (h hints) late(topic bool) []string {
	var lines []string
	for _, name := range lateTopics(h.plan) {
		if !topic {
			name = lateFileName(name)
		}
		lines = append(lines, "look at what came too late: "+h.look(name, topic))
	}
	return lines
}

func (h hints) results() []string {
	var lines []string
	topics, files := destinations(h.plan)
	for _, name := range topics {
		lines = append(lines, "look at the results: "+h.look(name, true))
	}
	for _, name := range files {
		lines = append(lines, "look at the results: "+h.look(name, false))
	}
	return lines
}

func (h hints) look(name string, topic bool) string {
	if topic {
		return "pyudf tail " + name + h.brokers
	}
	return name
}
