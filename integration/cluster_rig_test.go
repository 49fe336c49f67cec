package integration_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/engine/status"
	"github.com/pyudf/pyudf/integration/kafkatest"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// cluster is nodes as processes, on topics of their own, with a load for what is deployed on them.
type cluster struct {
	*versioned

	name string
}

// engineNode is a node of a cluster.
type engineNode struct {
	*program

	id, url string
	// home is its --state-dir.
	home string
}

func newCluster(t *testing.T, b *kafkatest.Broker) *cluster {
	t.Helper()
	v := &versioned{stream: newStream(t, b, "deployed.py", 4), producer: b.Producer(t)}
	settings := map[string]string{}
	if b.Name == "kafka" {
		settings["message.timestamp.type"] = "LogAppendTime"
	}
	for _, end := range []string{"", "-windows", "-regions"} {
		b.CreateTopicWith(t, v.out+end, 4, settings)
	}
	return &cluster{versioned: v, name: kafkatest.Name(t, "cluster")}
}

// launch starts a node with its state in a directory, and returns while it is about to come up.
func (c *cluster) launch(t *testing.T, home string, more env, flags ...string) *engineNode {
	t.Helper()
	args := slices.Concat([]string{
		"engine", "--cluster", c.name, "--state-dir", home, "--listen", "127.0.0.1:0", "--ready-file", filepath.Join(home, "ready"),
		"-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=300",
	}, flags)
	_ = os.Remove(filepath.Join(home, "ready")) // a node that was killed leaves it
	return &engineNode{program: start(t, c.broker, more, args...), home: home}
}

// node starts a node, and returns when it listens.
func (c *cluster) node(t *testing.T, home string, more env, flags ...string) *engineNode {
	t.Helper()
	n := c.launch(t, home, more, flags...)
	n.up(t)
	return n
}

// up waits until a node listens.
func (n *engineNode) up(t *testing.T) {
	t.Helper()
	n.id = n.await(t, `the node is ready node=(\S+)`)
	eventually(t, "the node's ready file", func() bool {
		text, err := os.ReadFile(filepath.Join(n.home, "ready"))
		n.url = strings.TrimSpace(string(text))
		return err == nil
	})
}

// write writes the app with some lines replaced, given as old, new, old, new, and returns its file.
func (c *cluster) write(t *testing.T, replaced ...string) string {
	t.Helper()
	text, err := os.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	code := strings.NewReplacer(`"APP"`, fmt.Sprintf("%q", c.app), `"IN"`, fmt.Sprintf("%q", c.in), `"OUT"`, fmt.Sprintf("%q", c.out)).Replace(string(text))
	for pair := range slices.Chunk(replaced, 2) {
		if !strings.Contains(code, pair[0]) {
			t.Fatalf("%s has no %q", c.file, pair[0])
		}
		code = strings.Replace(code, pair[0], pair[1], 1)
	}
	return c.put(t, "deployed.py", code)
}

// version writes the app as a version of a number.
func (c *cluster) version(t *testing.T, number int) string {
	t.Helper()
	return c.write(t, "VERSION = 1", fmt.Sprintf("VERSION = %d", number))
}

// put writes a file in a directory of its own.
func (c *cluster) put(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ask runs a command on a node to its end, whatever that is.
func (n *engineNode) ask(t *testing.T, more env, args ...string) *program {
	t.Helper()
	environment := env{"PYUDF_ENGINE": n.url}
	maps.Copy(environment, more)
	p := start(t, nil, environment, args...)
	p.wait(t)
	return p
}

// answer runs a command on a node, which has to succeed, and reads its JSON.
func (n *engineNode) answer(t *testing.T, into any, args ...string) {
	t.Helper()
	p := n.ask(t, nil, append(args, "--output", "json")...).succeed(t)
	if err := json.Unmarshal([]byte(p.out.String()), into); err != nil {
		t.Fatalf("pyudf %s said %s: %v", strings.Join(args, " "), p.out, err)
	}
}

// deployed is what a command says of a deployment.
type deployed struct {
	Name      string
	Revision  int
	Version   int
	State     string
	Nodes     []struct{ Node, Phase, Message, Attached string }
	Unchanged bool `json:"-"`
}

// change runs a command that changes what runs.
func (n *engineNode) change(t *testing.T, args ...string) deployed {
	t.Helper()
	var done struct {
		Deployment deployed
		Unchanged  bool
	}
	n.answer(t, &done, args...)
	done.Deployment.Unchanged = done.Unchanged
	return done.Deployment
}

func (n *engineNode) deploy(t *testing.T, target string, flags ...string) deployed {
	t.Helper()
	return n.change(t, append([]string{"deploy", target, "--commit-interval", "200ms"}, flags...)...)
}

// refuse has a command refused, and returns what it said.
func (n *engineNode) refuse(t *testing.T, more env, args ...string) string {
	t.Helper()
	p := n.ask(t, more, args...)
	if code := p.wait(t); code != 2 {
		t.Errorf("pyudf %s ended with %d, want 2:\n%s", strings.Join(args, " "), code, shorten(p.err.String()))
	}
	return p.err.String()
}

// call asks a node as programs do, by JSON over HTTP.
func (n *engineNode) call(t *testing.T, method string, into proto.Message) {
	t.Helper()
	response, err := http.Post(n.url+"/pyudf.control.v1.ControlService/"+method, "application/json", strings.NewReader("{}")) //nolint:noctx // of our own program
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s (%v)\n%s", method, response.Status, err, text)
	}
	if err := protojson.Unmarshal(text, into); err != nil {
		t.Fatalf("%s said %s: %v", method, text, err)
	}
}

// settled waits until a node knows that a number of nodes stand so with a deployment.
func (n *engineNode) settled(t *testing.T, name string, phase controlv1.Phase, version uint32, nodes int) {
	t.Helper()
	var found controlv1.ListResponse
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("node %s knew last: %v", n.id, found.GetNodes())
		}
	})
	eventually(t, fmt.Sprintf("version %d on %d nodes: %s", version, nodes, phase), func() bool {
		n.call(t, "List", &found)
		so := 0
		for _, node := range found.GetNodes() {
			for _, s := range node.GetStandings() {
				if s.GetDeployment() == name && s.GetPhase() == phase && s.GetVersion() == version {
					so++
				}
			}
		}
		return so >= nodes
	})
}

func (n *engineNode) list(t *testing.T) []deployed {
	t.Helper()
	var all []deployed
	n.answer(t, &all, "list")
	return all
}

// tasks returns which partitions each node works on, by the ids of their processes.
func (n *engineNode) tasks(t *testing.T) map[int][]string {
	t.Helper()
	var answer controlv1.StatusResponse
	n.call(t, "Status", &answer)
	tasks := map[int][]string{}
	for _, node := range answer.GetNodes() {
		for _, said := range node.GetRuns() {
			var run status.Run
			if err := json.Unmarshal([]byte(said.GetStatusJson()), &run); err != nil {
				t.Fatal(err)
			}
			for _, task := range run.Tasks {
				if task.Phase != status.Restoring {
					tasks[run.PID] = append(tasks[run.PID], fmt.Sprint(task.Source, task.Partition))
				}
			}
		}
	}
	return tasks
}

// shared waits until nodes, of which this is one, have all partitions among them, and each some. A partition may be shown by
// the node that had it before, too.
func (n *engineNode) shared(t *testing.T, others ...*engineNode) {
	t.Helper()
	const partitions = 8 // of the input and of the hop
	var last map[int][]string
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the partitions were shared so, by processes: %v", last)
		}
	})
	eventually(t, "all partitions to be shared", func() bool {
		last = n.tasks(t)
		total := map[string]bool{}
		for _, one := range append(others, n) {
			mine := last[one.cmd.Process.Pid]
			if len(mine) == 0 {
				return false
			}
			for _, task := range mine {
				total[task] = true
			}
		}
		return len(total) == partitions
	})
}

// bundles are the hashes of what the cluster's topic keeps parts of.
func (c *cluster) bundles(t *testing.T) []string {
	t.Helper()
	kept := map[string]bool{}
	for _, r := range c.broker.ReadVisible(t, "_pyudf-"+c.name) {
		if rest, part := strings.CutPrefix(string(r.Key), "bundle/"); part {
			sha, _, _ := strings.Cut(rest, "/")
			kept[sha] = r.Value != nil
		}
	}
	maps.DeleteFunc(kept, func(_ string, there bool) bool { return !there })
	return slices.Sorted(maps.Keys(kept))
}

// visible is how many records came out.
func (c *cluster) visible(t *testing.T) int {
	t.Helper()
	return len(c.broker.ReadVisible(t, c.out))
}

// awaitVersion waits until records come out that were sent after this was called, and that a version marked.
func (c *cluster) awaitVersion(t *testing.T, version int) {
	t.Helper()
	before := c.sent.Load()
	c.broker.AwaitNext(t, c.out, func(r kafkatest.Record) bool {
		out := countedOf(t, r)
		return out.Version == version && int64(out.N) > before
	})
}

// awaitAll waits until all that was sent up to now came out.
func (c *cluster) awaitAll(t *testing.T) {
	t.Helper()
	sent := int(c.sent.Load())
	c.broker.Await(t, c.out, sent)
}

// timed says how long something took.
func timed(t *testing.T, what string, do func()) {
	t.Helper()
	began := time.Now()
	do()
	t.Logf("%s: %s", what, time.Since(began).Round(time.Millisecond))
}
