package main

import "path/filepath"

// contender is a program that reads the topic $IN and writes the topic $OUT on $BROKERS until it is told to stop.
type contender struct {
	name  string
	title string
	// args are the command; every argument that names a file is relative to the project's root.
	args func(at places) []string
}

// places are what a run of a contender has for itself.
type places struct{ out, brokers, state string }

func ours(app string, flags ...string) func(at places) []string {
	path := filepath.Join("integration", "bench", "apps", app)
	return func(at places) []string {
		return append([]string{
			"bin/pyudf", "run", path, "--brokers", at.brokers, "--group", at.out, "--start", "earliest",
			"--python", python, "--state-dir", at.state,
		}, flags...)
	}
}

// loop is a bare Python loop.
func loop(script string) func(at places) []string {
	return fixed(python, filepath.Join("integration", "bench", "apps", script))
}

func fixed(args ...string) func(at places) []string {
	return func(places) []string { return args }
}

const (
	limit  = "passthrough"
	floor  = "bare"
	python = ".venv/bin/python"
)

//nolint:gochecknoglobals // the field of contenders is what this program is
var contenders = []contender{
	{limit, "Go pass-through (limit)", fixed("bin/passthrough")},
	{"vectorised", "pyudf, numpy", ours("vectorised.py")},
	{"scalar", "pyudf, scalar", ours("scalar.py")},
	{"record", "pyudf, dict -> dict", ours("record.py")},
	{floor, "bare Python loop", loop("bare.py")},
}

// field is who takes part: everybody, or one beside the two that all are compared with.
func field(only string) []contender {
	var chosen []contender
	for _, c := range contenders {
		if only == "" || c.name == only || c.name == limit || c.name == floor {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// task is work with windows, which pyudf and a bare loop do.
type task struct {
	name  string
	title string
	ours  contender
	loop  contender
	// goal says what is right.
	goal func(c *census) goal
}

//nolint:gochecknoglobals // as contenders
var tasks = []task{
	newTask("win", "Count and mean of each station in windows of 10 s", (*census).byStation),
	newTask("rekey", "Count and mean of each region in windows of 10 s, of readings that are keyed by station", (*census).byRegion),
	newTask("session", "Count and mean of each station's sessions with a gap of 5 s", (*census).bySession),
	newTask("agg", "Spread of each station in windows of 10 s, by a Python class", (*census).byStation),
}

func newTask(name, title string, goal func(c *census) goal) task {
	return task{
		name: name, title: title, goal: goal,
		ours: contender{name, "pyudf", ours(name + ".py")},
		loop: contender{floor + "-" + name, "bare Python loop", loop(floor + "_" + name + ".py")},
	}
}
