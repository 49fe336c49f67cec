package main

import (
	"strings"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/progress"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// windowed is an app that reads and writes topics, or files.
func windowed(files bool) *planv1.Plan {
	late := &planv1.Topic{Name: "heat.late"}
	window := &planv1.Step_Aggregate{Aggregate: &planv1.Aggregate{Late: late}}
	in := &planv1.Source{Id: "in", Kind: &planv1.Source_Topic{Topic: &planv1.Topic{Name: "weather"}}}
	to := &planv1.To{Kind: &planv1.To_Topic{Topic: &planv1.Topic{Name: "means"}}}
	if files {
		in.Kind = &planv1.Source_File{File: &planv1.File{Path: "weather.csv"}}
		to.Kind = &planv1.To_File{File: &planv1.File{Path: "means.jsonl"}}
	}
	return &planv1.Plan{App: "heat", Sources: []*planv1.Source{in}, Steps: []*planv1.Step{
		{Id: "1", Input: "in", Op: window},
		{Id: "2", Input: "in", Op: window},
		{Id: "3", Input: "1", Op: &planv1.Step_To{To: to}},
	}}
}

func TestHintsSayWhereToLookAndWhatToDo(t *testing.T) {
	const results = "look at the results: pyudf tail means -b"
	const many = "many records came late: out_of_order= of pu.event_time says how long windows wait for them, and grace= of a window how long it takes them in after its end"
	for name, test := range map[string]struct {
		files, keepsOpen bool
		counts           progress.Counts
		want             []string
	}{
		"nothing new":         {counts: progress.Counts{}, want: []string{"the group g has nothing new to read; --group ANOTHER begins where --start says"}},
		"only windows closed": {counts: progress.Counts{Out: 3}, want: []string{results}},
		"all went well":       {counts: progress.Counts{In: 1000, Out: 3}, want: []string{results}},
		"windows stay open": {counts: progress.Counts{In: 1000}, keepsOpen: true, want: []string{
			"windows that are not over wait for the next run; --flush closes them at the end", results,
		}},
		"a few are late": {counts: progress.Counts{In: 1000, Late: 10}, want: []string{"look at what came too late: pyudf tail heat.late -b", results}},
		"many are late":  {counts: progress.Counts{In: 1000, Late: 11}, want: []string{"look at what came too late: pyudf tail heat.late -b", many, results}},
		"files": {counts: progress.Counts{In: 1000, Late: 1, Dead: 1}, files: true, keepsOpen: true, want: []string{
			"look at what could not be handled, and why: heat.dlq.jsonl", "look at what came too late: heat.late.jsonl", "look at the results: means.jsonl",
		}},
	} {
		h := hints{plan: windowed(test.files), group: "g", brokers: " -b", keepsOpen: test.keepsOpen}
		got := strings.Join(h.lines(progress.State{Counts: test.counts}), "\n")
		if want := strings.Join(test.want, "\n"); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestWindowsOfAFileAreNotOpenAtItsEnd(t *testing.T) {
	plan := windowed(false)
	plan.Sources = windowed(true).GetSources()
	got := hints{plan: plan, keepsOpen: true}.lines(progress.State{Counts: progress.Counts{In: 1}})
	if len(got) != 1 || got[0] != "look at the results: pyudf tail means" {
		t.Errorf("got %q", got)
	}
}
