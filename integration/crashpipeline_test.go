package integration_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// partitionsOfCrash is how many partitions the input of crash.py has.
const partitionsOfCrash = 4

// pipeline is crash.py on topics of its own, under load, run by nodes that tests end in all ways there are.
type pipeline struct {
	*stream

	load      *load
	snapshots string
	nodes     []*node
}

// node is a process of the pipeline, which is one again with its state when it starts anew.
type node struct {
	*pipeline

	name    string
	dir     string
	flags   []string // more flags
	broker  string   // the address it begins at
	program *program // the last that was started
	runs    int      // how many were
}

// newPipeline prepares a node for each state directory, of which several may have the same. None runs yet.
func newPipeline(t *testing.T, b *kafkatest.Broker, seed uint64, dirs ...string) *pipeline {
	t.Helper()
	s := newStream(t, b, "crash.py", partitionsOfCrash)
	p := &pipeline{stream: s, load: newLoad(t, s, seed), snapshots: t.TempDir()}
	for i, dir := range dirs {
		p.nodes = append(p.nodes, &node{pipeline: p, name: fmt.Sprintf("node-%d", i), dir: dir, broker: b.Addr()})
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(strings.Join(b.Owners(t, p.app), "\n"))
		}
	})
	return p
}

// start starts a node, which must not run. What is given beside the usual comes last.
func (n *node) start(t *testing.T, more env, flags ...string) {
	t.Helper()
	environment := n.env()
	environment["PYUDF_BROKERS"] = n.broker
	maps.Copy(environment, more)
	args := []string{
		"run", n.file, "--commit-interval", "200ms", "--state-dir", n.dir,
		"--snapshots", n.snapshots, "--snapshot-interval", "2s", "--metrics-addr", "127.0.0.1:0",
		"-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=300",
	}
	n.program = start(t, n.pipeline.broker, environment, append(append(args, n.flags...), flags...)...)
	n.runs++
	n.keep(t, fmt.Sprintf("%s-%s-run-%d.log", strings.ReplaceAll(t.Name(), "/", "-"), n.name, n.runs))
}

// keep leaves what a program wrote below build/ if the test fails; if the program still runs, with what its goroutines do.
func (n *node) keep(t *testing.T, name string) {
	t.Helper()
	program := n.program
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		if program.running() {
			_ = program.cmd.Process.Signal(syscall.SIGQUIT) // it may end meanwhile
			select {
			case <-program.done:
			case <-time.After(5 * time.Second):
			}
		}
		build := filepath.Join(kafkatest.Root(t), "build")
		err := os.MkdirAll(build, 0o755)
		if err == nil {
			err = os.WriteFile(filepath.Join(build, name), []byte(program.err.String()), 0o600)
		}
		if err != nil {
			t.Log(err)
		}
	})
}

// interrupt asks a node to stop, once it has begun: before, the signal ends it as a kill does, or it gives up.
func (n *node) interrupt(t *testing.T) {
	t.Helper()
	n.program.await(t, `\d in  \d`)
	n.program.interrupt(t, syscall.SIGTERM)
}

func (p *pipeline) start(t *testing.T) {
	t.Helper()
	for _, n := range p.nodes {
		n.start(t, nil)
	}
}

// works tells whether a node has written results since it was started.
func (n *node) works(t *testing.T) bool {
	t.Helper()
	if !n.program.running() {
		t.Fatalf("%s has ended:\n%s", n.name, shorten(n.program.err.String()))
	}
	return metricsServed.MatchString(n.program.err.String()) && n.program.measured(t)["pyudf_records_out_total"] > 0
}

// awaitWork sends readings until a node has written results.
func (n *node) awaitWork(t *testing.T) {
	t.Helper()
	n.load.until(t, "results of "+n.name, func() bool { return n.works(t) })
}

// finish ends the nodes that still run in good order, and then does as flush.
func (p *pipeline) finish(t *testing.T) {
	t.Helper()
	for _, n := range p.nodes {
		if n.program.running() {
			n.interrupt(t)
			n.program.succeed(t)
		}
	}
	if len(p.nodes) > 1 {
		away(t, 7*time.Second) // until then the others have their partitions, though they are gone
	}
	p.flush(t)
}

// flush has the first node read all that is left and close all windows, and compares everything that was committed with what
// had to come.
func (p *pipeline) flush(t *testing.T) {
	t.Helper()
	p.nodes[0].start(t, nil, "--until-end", "--flush")
	p.nodes[0].program.succeed(t)
	outcomeOf(t, p.stream).equals(t, "after crashes", due(p.load.sent))
	t.Logf("%d readings", len(p.load.sent))
}

// again is the pipeline with the same input and other outputs, run once without a crash.
func (p *pipeline) again(t *testing.T) outcome {
	t.Helper()
	s := *p.stream
	s.app, s.out = kafkatest.Name(t, "app"), kafkatest.Name(t, "out")
	all := s.start(t, "--until-end", "--flush", "--state-dir", t.TempDir())
	all.succeedWithin(t, patience+time.Duration(len(p.load.sent))*time.Millisecond)
	return outcomeOf(t, &s)
}

// running tells whether a program has not ended yet.
func (p *program) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}
