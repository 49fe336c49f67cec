package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/console"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/control/controltest"
	"github.com/pyudf/pyudf/engine/status"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// engineNode starts a node that p's commands ask.
func engineNode(t *testing.T, p *program) *controltest.Engine {
	t.Helper()
	engine := &controltest.Engine{App: "heat"}
	token, line, err := control.NewToken("ann", control.Admin)
	if err != nil {
		t.Fatal(err)
	}
	p.env[tokenEnv] = token
	server, err := control.Start(t.Context(), control.ServerConfig{Addr: "127.0.0.1:0", Engine: engine, Tokens: writeFile(t, "tokens", line), Version: version, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	p.env[engineEnv] = server.URL()
	p.env["XDG_STATE_HOME"] = t.TempDir()
	return engine
}

// bundleFile writes a bundle of an app, of which text makes it another one.
func bundleFile(t *testing.T, name, text string) string {
	t.Helper()
	return archived(t, name, `{"app":"heat","entry":{"kind":"notebook","name":"app"},"requirements":["numpy==2.4.6"],"files":[{"path":"heat_notebook.py"},{"path":"codes.json"}],"text":"`+text+`"}`)
}

func archived(t *testing.T, name, manifest string) string {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	file, err := archive.Create("bundle.json")
	if err == nil {
		_, err = file.Write([]byte(manifest))
	}
	if err := firstOf(err, archive.Close()); err != nil {
		t.Fatal(err)
	}
	return writeFile(t, name, out.String())
}

// bundlingPython returns an interpreter that builds a bundle that is there already.
func bundlingPython(t *testing.T, bundle string) string {
	t.Helper()
	return scripted(t, `for a in "$@"; do case $a in --out=*) cp `+bundle+` "${a#--out=}";; esac; done
echo '{"parts":[{"taken":true},{"taken":true},{"taken":false}],"notes":["numpy is imported, and not in pyproject.toml: it was added"]}'`)
}

// transcript writes down what commands say.
type transcript struct {
	text  strings.Builder
	names *strings.Replacer
}

func (s *transcript) run(t *testing.T, p *program, args ...string) {
	t.Helper()
	code := p.run(t, args...)
	fmt.Fprintf(&s.text, "$ pyudf %s\n%s%s", strings.Join(args, " "), p.err.String(), p.out.String())
	if code != 0 {
		fmt.Fprintf(&s.text, "(%d)\n", code)
	}
	s.text.WriteString("\n")
}

func (s *transcript) golden(t *testing.T, name string) {
	t.Helper()
	got, golden := s.names.Replace(s.text.String()), filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-rewrite writes it anew); got\n%s", golden, got)
	}
}

func TestADeploymentsLifeIsToldAsTheGoldenOne(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			p := newProgram(t)
			engine := engineNode(t, p)
			engine.Steps = []string{"building the environment", "starting workers"}
			engine.Lines = []*controlv1.LogsResponse{
				{Node: "n1", TimeMs: 1_700_000_000_123, Line: `{"time":"2023-11-14T22:13:20.123Z","level":"INFO","msg":"the app runs","version":1}`},
				{Node: "n2", TimeMs: 1_700_000_001_000, Line: `{"level":"WARN","msg":"a worker died","cause":"signal: killed","output":"one\ntwo"}`},
				{Node: "n2", TimeMs: 1_700_000_002_000, Line: "no JSON, and \x1b[31mred"},
			}
			one, two := bundleFile(t, "one.pyudf", "one"), bundleFile(t, "two.pyudf", "two")
			notebook := writeFile(t, "heat.ipynb", "{}")
			python := bundlingPython(t, one)
			s := &transcript{names: strings.NewReplacer(one, "one.pyudf", two, "two.pyudf", notebook, "heat.ipynb", python, "PYTHON", p.env[engineEnv], "URL")}
			for _, args := range [][]string{
				{"list"},
				{"deploy", notebook, "--python", python, "--workers", "2", "--secret", "KEY=env:WEATHER_KEY"},
				{"deploy", one},
				{"deploy", two, "--quiet"},
				{"list"},
				{"rollback", "heat"},
				{"rollback", "heat", "--to", "9", "--quiet"},
				{"history", "heat"},
				{"stop", "heat"},
				{"list"},
				{"start", "heat"},
				{"logs", "heat"},
				{"status", "heat"},
				{"delete", "heat", "--yes"},
				{"stop", "heat"},
				{"delete", "heat", "--yes"},
				{"history", "heat"},
			} {
				s.run(t, p, append(args, "--output", format)...)
			}
			s.golden(t, "remote "+format+".txt")
		})
	}
}

func TestAVersionThatDoesNotComeUpLeavesTheOneBefore(t *testing.T) {
	p := newProgram(t)
	engine := engineNode(t, p)
	engine.Fault = control.Refused("the app asks for the field humidity, which the topic weather does not have")
	one := bundleFile(t, "one.pyudf", "one")
	p.refuses(t, "pyudf: the app asks for the field humidity, which the topic weather does not have\n  heat is not deployed: nothing has changed", "deploy", one, "--quiet")
	engine.Fault = nil
	p.must(t, "deploy", one)
	engine.Fault = control.Refused("a window of 1h became one of 2h: its state would be lost; add --reset-state, or deploy it with another --name")
	p.refuses(t, "pyudf: a window of 1h became one of 2h: its state would be lost; add --reset-state, or deploy it with another --name\n  heat 1 goes on",
		"deploy", bundleFile(t, "two.pyudf", "two"), "--quiet")
	if p.out.Len() > 0 {
		t.Errorf("it wrote %s", p.out.String())
	}
}

func TestDeployRefusesWhatCannotGo(t *testing.T) {
	p := newProgram(t)
	engine := engineNode(t, p)
	one := bundleFile(t, "one.pyudf", "one")
	single := archived(t, "f.pyudf", `{"entry":{"name":"f","function":true},"files":[]}`)
	for _, test := range []struct {
		args []string
		want string
	}{
		{
			[]string{one, "--secret", "KEY=hunter2", "--secret", "hunter2", "--secret", "K-Y=env:A", "--secret", "F=file:db"},
			"--secret KEY: secrets go by reference, so that they are stored nowhere: write KEY=env:VARIABLE or KEY=file:PATH, and have each node know it\n" +
				"  --secret: there is no '=': write NAME=env:VARIABLE or NAME=file:PATH\n" +
				"  --secret \"K-Y\": that is no name of an environment variable\n" +
				"  --secret F: what follows file: has to be a whole path, such as /run/secrets/db, as nodes have other directories",
		},
		{
			[]string{one, "--workers", "-1", "--guarantee", "twice", "--start", "yesterday", "--commit-interval", "-1s"},
			"--workers -1: write 1 or more\n  --commit-interval -1s: write a time such as 5s\n  --guarantee twice: write exactly-once or at-least-once\n" +
				"  --start yesterday: write earliest, latest, or a time such as 2013-07-01T12:00:00Z",
		},
		{[]string{one, "--output", "yaml"}, "--output yaml: write text or json"},
		{[]string{one, "--to", "out"}, one + " has an app, which says itself what it reads and writes: leave out --from, --to, --column, --key and --time"},
		{[]string{single}, single + " is a single function: say what it reads with --from TOPIC, and where its results go with --to TOPIC"},
		{[]string{"nope.pyudf"}, "nope.pyudf: no such file or directory; give the path of a bundle as seen from this directory"},
		{[]string{writeFile(t, "bad.pyudf", "no zip")}, ""},
		{[]string{"nope.ipynb"}, "nope.ipynb: no such file or directory; give the path of your app as seen from this directory"},
		{[]string{one, "--token-file", "nope"}, "--token-file nope: no such file or directory"},
		{[]string{one, "--engine", "none"}, "--engine none names no node: write its URL, such as http://127.0.0.1:9191"},
	} {
		if test.want == "" {
			test.want = test.args[0] + " is no bundle that can be read: zip: not a valid zip file; build it again"
		}
		p.refuses(t, "pyudf: "+test.want, append([]string{"deploy"}, test.args...)...)
	}
	p.refuses(t, "pyudf: heat.ipynb cannot go as it is:\n  cell 1", "deploy", writeFile(t, "heat.ipynb", "{}"),
		"--python", scripted(t, "echo 'heat.ipynb cannot go as it is:' >&2; echo 'cell 1' >&2; exit 2"))
	if asked := engine.Asked(); len(asked) > 0 {
		t.Errorf("the node was asked for %v", asked)
	}
	p.must(t, "deploy", single, "--from", "weather", "--to", "heat", "--name", "f")
}

func TestSettingsReachTheNodeAsTheyWereGiven(t *testing.T) {
	p := newProgram(t)
	engineNode(t, p)
	p.must(t, "deploy", bundleFile(t, "one.pyudf", "one"), "--name", "trial", "--start", "2013-07-01", "--guarantee", "at-least-once", "--commit-interval", "10m", "--secret", "K=file:/run/k")
	p.must(t, "history", "trial", "--output", "json")
	var versions []struct {
		Settings map[string]any `json:"settings"`
	}
	if err := json.Unmarshal(p.out.Bytes(), &versions); err != nil || len(versions) != 1 {
		t.Fatalf("got %s (%v)", p.out.String(), err)
	}
	want := `map[commit_interval_ms:600000 guarantee:at-least-once secrets:map[K:file:/run/k] start:2013-07-01T00:00:00Z]`
	if got := fmt.Sprint(versions[0].Settings); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWithoutANodeCommandsSayHowToGetOne(t *testing.T) {
	p := newProgram(t)
	p.env[engineEnv] = "127.0.0.1:1"
	for _, args := range []string{"list", "deploy " + bundleFile(t, "one.pyudf", "one"), "history heat", "rollback heat", "stop heat", "start heat", "delete heat --yes", "logs heat", "status"} {
		code := p.run(t, strings.Fields(args)...)
		if code != 2 || !strings.HasPrefix(p.err.String(), "pyudf: nobody listens at http://127.0.0.1:1: start a node with `pyudf engine` or `pyudf dev`, or name one with --engine") {
			t.Errorf("%s ended with %d: %s", args, code, p.err.String())
		}
	}
}

func TestDeleteAsksFirst(t *testing.T) {
	p := newProgram(t)
	engine := engineNode(t, p)
	p.must(t, "deploy", bundleFile(t, "one.pyudf", "one"))
	p.must(t, "stop", "heat")
	p.refuses(t, "pyudf: delete forgets heat with all its versions, and asks first at a terminal: add --yes", "delete", "heat")
	p.world.terminal = func() (int, bool) { return 80, true }
	p.in.Reset("no\n")
	if code := p.run(t, "delete", "heat"); code != 2 || !strings.Contains(p.err.String(), "nothing was deleted") {
		t.Errorf("ended with %d: %s", code, p.err.String())
	}
	p.in.Reset("heat\n")
	p.must(t, "delete", "heat")
	if asked := engine.Asked(); asked[len(asked)-1] != "delete by "+strings.TrimPrefix(asked[0], "deploy by ") || len(asked) != 3 {
		t.Errorf("the node was asked for %v", asked)
	}
}

func TestStepsAreShownInPlaceOnATerminal(t *testing.T) {
	p := newProgram(t)
	engineNode(t, p).Steps = []string{"starting workers"}
	p.world.terminal = func() (int, bool) { return 80, true }
	p.must(t, "deploy", bundleFile(t, "one.pyudf", "one"))
	if !strings.HasSuffix(p.err.String(), "\r\x1b[Kstarting workers\r\x1b[K") {
		t.Errorf("got %q", p.err.String())
	}
}

func TestLogsAreFollowedUntilCtrlC(t *testing.T) {
	p := newProgram(t)
	engine := engineNode(t, p)
	engine.More = make(chan *controlv1.LogsResponse)
	ended := make(chan int, 1)
	go func() { ended <- execute(t.Context(), []string{"logs", "heat", "-f"}, p.world) }()
	engine.More <- &controlv1.LogsResponse{Node: "n1", Line: `{"msg":"it runs"}`}
	p.signals <- os.Interrupt
	if code := <-ended; code != 0 {
		t.Errorf("it ended with %d: %s", code, p.err.String())
	}
}

func TestStatusShowsRunsOfAllNodesInItsArray(t *testing.T) {
	p := newProgram(t)
	engineNode(t, p)
	p.must(t, "deploy", bundleFile(t, "one.pyudf", "one"))
	serving(t, filepath.Join(p.env["XDG_STATE_HOME"], "pyudf"), "mine", console.Config{})
	p.must(t, "status", "--json")
	var runs []status.Run
	if err := json.Unmarshal(p.out.Bytes(), &runs); err != nil || len(runs) != 2 || runs[0].Group != "heat" || runs[1].Group != "mine" {
		t.Errorf("got %s (%v)", p.out.String(), err)
	}
	p.must(t, "status", "mine")
	if !strings.Contains(p.out.String(), "group=mine") || strings.Contains(p.out.String(), "deployment=") {
		t.Errorf("of a run that is no deployment got %s", p.out.String())
	}
	code := p.run(t, "status", "cold")
	if code != 2 || !strings.Contains(p.err.String(), "and the node at "+p.env[engineEnv]+" knows no deployment cold") {
		t.Errorf("ended with %d: %s", code, p.err.String())
	}
	p.must(t, "status", "--engine", "none")
	if strings.Contains(p.out.String(), "node=n1 cluster") {
		t.Errorf("a node was asked: %s", p.out.String())
	}
}

func TestTheShellOffersDeployments(t *testing.T) {
	p := newProgram(t)
	engineNode(t, p)
	p.must(t, "deploy", bundleFile(t, "one.pyudf", "one"))
	for _, command := range []string{"history", "rollback", "stop", "start", "delete", "logs"} {
		p.must(t, "__completeNoDesc", command, "")
		if got := strings.Join(strings.Fields(p.out.String()), " "); got != "heat :4" {
			t.Errorf("%s: got %s", command, got)
		}
	}
}
