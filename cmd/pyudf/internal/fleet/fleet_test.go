package fleet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/fleet"
	"github.com/pyudf/pyudf/engine/status"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

func require(t *testing.T, got, want string) {
	t.Helper()
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func heat() *controlv1.Deployment {
	return &controlv1.Deployment{Name: "heat", Revision: 4, Current: 2, Versions: []*controlv1.Version{
		{Number: 1, DeployedMs: 1_700_000_000_000, DeployedBy: "ann", Bundle: "3f9a1c22b07d99", Bytes: 2048},
		{Number: 2, DeployedMs: 1_700_000_060_000, DeployedBy: "dan", Bundle: "3f9a1c22b07d99", Bytes: 2048, RollbackOf: 1},
	}}
}

// nodes stand with heat in given phases, running version 2.
func nodes(phases ...controlv1.Phase) []*controlv1.Node {
	var all []*controlv1.Node
	for i, phase := range phases {
		s := &controlv1.Standing{Deployment: "heat", Version: 2, Phase: phase, PauseMs: int64(100 * i)}
		if phase == controlv1.Phase_PHASE_FAILED {
			s.Version, s.Message = 1, "no matching distribution for nope==1\n\x1b[2Jbecause of requirements.txt"
		}
		all = append(all, &controlv1.Node{Id: "n" + string(rune('1'+i)), Standings: []*controlv1.Standing{{Deployment: "other"}, s}})
	}
	return all
}

func TestADeploymentIsAsItsNodesAre(t *testing.T) {
	const running, preparing, failed = controlv1.Phase_PHASE_RUNNING, controlv1.Phase_PHASE_PREPARING, controlv1.Phase_PHASE_FAILED
	for _, test := range []struct {
		phases []controlv1.Phase
		want   fleet.State
		runs   int
	}{
		{nil, fleet.Waiting, 0},
		{[]controlv1.Phase{running, running}, fleet.Running, 2},
		{[]controlv1.Phase{running, preparing}, fleet.Preparing, 1},
		{[]controlv1.Phase{preparing, failed, running}, fleet.Failed, 1},
	} {
		d := fleet.New(heat(), nodes(test.phases...))
		if d.State != test.want || len(d.Running()) != test.runs {
			t.Errorf("%v: it is %s on %v", test.phases, d.State, d.Running())
		}
	}
	stopped := heat()
	stopped.Stopped = true
	if d := fleet.New(stopped, nodes(running)); d.State != fleet.Stopped {
		t.Errorf("a stopped one is %s", d.State)
	}
	if d := fleet.New(heat(), nodes(running, running)); d.Pause() != 100*time.Millisecond {
		t.Errorf("the pause is %s", d.Pause())
	}
}

func TestPeopleGetATableAndWhatWentWrong(t *testing.T) {
	var out bytes.Buffer
	all := fleet.All([]*controlv1.Deployment{heat(), {Name: "cold"}}, nodes(controlv1.Phase_PHASE_RUNNING, controlv1.Phase_PHASE_FAILED))
	if err := fleet.Table(&out, all); err != nil {
		t.Fatal(err)
	}
	require(t, out.String(), `
NAME  VERSION  STATE    NODES   DEPLOYED              BY
cold  0        waiting  0 of 0  -                     -
heat  2        failed   1 of 2  2023-11-14T22:14:20Z  dan

heat on n2: failed
    no matching distribution for nope==1
    "\x1b[2Jbecause of requirements.txt"`)
	out.Reset()
	if err := fleet.HistoryTable(&out, fleet.History(heat())); err != nil {
		t.Fatal(err)
	}
	require(t, out.String(), `
VERSION  DEPLOYED              BY   BUNDLE        SIZE    NOTE
2        2023-11-14T22:14:20Z  dan  3f9a1c22b07d  2.0 KB  current, rollback to 1
1        2023-11-14T22:13:20Z  ann  3f9a1c22b07d  2.0 KB  -`)
}

func TestNodesAreShownWithWhyTheyDoNotAnswer(t *testing.T) {
	seen, err := fleet.NewStatus(&controlv1.StatusResponse{Nodes: []*controlv1.NodeStatus{
		{Node: &controlv1.Node{Id: "n2", Cluster: "test", Address: "https://b:9191", Version: "1.2.3", StartedMs: 1_700_000_000_000, SeenMs: 1_700_000_060_000}, Error: "nobody listens\nthere"},
		{Node: &controlv1.Node{Id: "n1"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := fleet.NodeTable(&out, seen.Nodes, time.UnixMilli(1_700_000_061_000)); err != nil {
		t.Fatal(err)
	}
	require(t, out.String(), `
NODE  CLUSTER  ADDRESS         PYUDF  UP     SEEN
n1    -        -               -      -      -
n2    test     https://b:9191  1.2.3  1m01s  1s ago, and does not answer: nobody listens`)
}

func TestARunIsShownOnceWithTheEngineNodeThatItIsOn(t *testing.T) {
	run := status.Run{Group: "heat", Node: "n1", PID: 7, Started: time.UnixMilli(1_700_000_000_000).UTC()}
	text, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := fleet.NewStatus(&controlv1.StatusResponse{Nodes: []*controlv1.NodeStatus{{Node: &controlv1.Node{Id: "n2"}, Runs: []*controlv1.Run{{StatusJson: string(text)}}}}})
	if err != nil {
		t.Fatal(err)
	}
	other := run
	other.PID = 8
	seen.Join([]status.Run{run, other})
	if len(seen.Runs) != 2 || seen.Runs[0].Engine != "n2" {
		t.Errorf("got %v", seen.Runs)
	}
	_, err = fleet.NewStatus(&controlv1.StatusResponse{Nodes: []*controlv1.NodeStatus{{Runs: []*controlv1.Run{{Deployment: "heat", StatusJson: "{"}}}}})
	if err == nil || !strings.Contains(err.Error(), "the status of heat") {
		t.Errorf("got %v", err)
	}
}

func TestALogLineDoesNoHarmToATerminal(t *testing.T) {
	for line, want := range map[string]string{
		`{"level":"INFO","msg":"it runs","time":"x","n":3,"empty":"","two":"a b"}`: `2023-11-14T22:13:20.000Z n1 info   it runs n=3 empty="" two="a b"`,
		`{"msg":"one\ntwo","out":"\u001b[2J"}`:                                     "2023-11-14T22:13:20.000Z n1 info   one\n    two out=\"\\x1b[2J\"",
		`{"level":"WARN","msg":"x","trace":"a\nb\n"}`:                              "2023-11-14T22:13:20.000Z n1 warn   x trace=\n    a\n    b",
		"plain \x1b[31m": `2023-11-14T22:13:20.000Z n1 "plain \x1b[31m"`,
		`{"msg":`:        `2023-11-14T22:13:20.000Z n1 {"msg":`,
		`[1]`:            `2023-11-14T22:13:20.000Z n1 [1]`,
	} {
		if got := fleet.LogText(&controlv1.LogsResponse{Node: "n1", TimeMs: 1_700_000_000_000, Line: line}); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", line, got, want)
		}
	}
}

func TestALogLineInJSONHasItsNodeAndItsOrder(t *testing.T) {
	for line, want := range map[string]string{
		`{"time":"x","level":"INFO","msg":"<a>","node":"z","b":[1]}`: `{"node":"n1","time":"2023-11-14T22:13:20Z","level":"INFO","msg":"<a>","b":[1]}`,
		"no <JSON>": `{"node":"n1","time":"2023-11-14T22:13:20Z","msg":"no <JSON>"}`,
	} {
		got := string(fleet.LogJSON(&controlv1.LogsResponse{Node: "n1", TimeMs: 1_700_000_000_000, Line: line}))
		if got != want || !json.Valid([]byte(got)) {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestAPipeThatIsClosedEndsIt(t *testing.T) {
	d := fleet.New(heat(), nodes(controlv1.Phase_PHASE_FAILED))
	seen := fleet.Status{Deployments: []fleet.Deployment{d}}
	for name, err := range map[string]error{
		"table": fleet.Table(closed{}, seen.Deployments), "history": fleet.HistoryTable(closed{}, fleet.History(heat())),
		"nodes": fleet.NodeTable(closed{}, nil, time.Time{}), "lines": fleet.Lines(closed{}, seen),
	} {
		if err == nil {
			t.Errorf("%s: nobody noticed", name)
		}
	}
}
