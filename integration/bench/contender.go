package main

import "path/filepath"

// contender is a program that reads the topic $IN and writes the topic $OUT on $BROKERS until it is told to stop.
type contender struct {
	name  string
	title string
	// args are the command; every argument that names a file is relative to the project's root.
	args func(out, brokers string) []string
}

func ours(app string) func(out, brokers string) []string {
	path := filepath.Join("integration", "bench", "apps", app)
	return func(out, brokers string) []string {
		return []string{"bin/pyudf", "run", path, "--brokers", brokers, "--group", out, "--start", "earliest", "--python", python}
	}
}

func fixed(args ...string) func(out, brokers string) []string {
	return func(string, string) []string { return args }
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
	{floor, "bare Python loop", fixed(python, "integration/bench/apps/bare.py")},
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
