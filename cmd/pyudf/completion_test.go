package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// completions returns what a shell would offer for the last of args, and what it does about files.
func completions(t *testing.T, args ...string) string {
	t.Helper()
	p := newProgram(t)
	p.must(t, append([]string{cobra.ShellCompNoDescRequestCmd}, args...)...)
	return strings.Join(strings.Fields(p.out.String()), " ")
}

func TestTheShellOffersWhatFits(t *testing.T) {
	state := t.TempDir()
	for _, dir := range []string{"c1/heat", "c1/heat,nodes/slot-0", "c2/heat", "c2/silent,nodes/slot-0", "c2/a%2Fb"} {
		if err := os.MkdirAll(filepath.Join(state, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// :4 is no files, :8 files with these extensions, :16 directories, :36 no files and the order as it is.
	for args, want := range map[string]string{
		"run |":                              "py :8",
		"run heat.py |":                      ":4",
		"plan |":                             "py :8",
		"plan --format |":                    "text json dot svg :36",
		"run --guarantee |":                  "exactly-once at-least-once :36",
		"run --workers |":                    ":4",
		"run --state-dir |":                  ":16",
		"run --config |":                     ":0",
		"produce |":                          ":4",
		"produce weather |":                  "csv json jsonl ndjson :8",
		"produce --format |":                 "csv json :36",
		"tail |":                             ":4",
		"tail --format |":                    "text json :36",
		"status --state-dir " + state + " |": "a/b heat silent :4",
		"state |":                            "inspect export import :4",
		"state export --state-dir " + state + " |":      "a/b heat silent :4",
		"state import --state-dir " + state + " heat |": "parquet :8",
		"deploy |":                             "ipynb py pyudf :8",
		"engine --wheels |":                    ":16",
		"engine --installer |":                 "uv pip :36",
		"engine --tls-cert |":                  ":0",
		"dev --listen |":                       ":4",
		"state inspect --state-dir /nowhere |": ":4",
	} {
		if got := completions(t, strings.Split(strings.TrimSuffix(args, "|"), " ")...); got != want {
			t.Errorf("%s: got %s, want %s", args, got, want)
		}
	}
}

func TestEveryChoiceIsOneThatTheCommandTakes(t *testing.T) {
	root := newRoot(newProgram(t).world)
	for _, cmd := range root.Commands() {
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			for _, choice := range choices(cmd.Name(), flag.Name) {
				if flag.Name != "offset" && !strings.Contains(flag.Usage, choice) && flag.DefValue != choice {
					t.Errorf("%s --%s offers %s, of which its help says nothing", cmd.Name(), flag.Name, choice)
				}
			}
		})
	}
}
