package supervise

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/registry"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// town is some nodes of a cluster in memory.
type town struct {
	*memory

	t     *testing.T
	nodes map[string]*resident
	// check and forget are what versions are refused with, and what deleting ends with.
	check, forget error
	// slow is an address that does not answer.
	slow string
}

// resident is a node, and the theater of what it runs.
type resident struct {
	*Node

	stage *theater
	stop  context.CancelFunc
	ended chan struct{}
}

// inTown runs a test with some nodes and a clock of their own, and fails if something is left of them.
func inTown(t *testing.T, ids string, test func(t *testing.T, w *town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		w := &town{memory: newMemory(), t: t, nodes: map[string]*resident{}}
		for id := range strings.FieldsSeq(ids) {
			w.begin(id)
		}
		synctest.Wait()
		test(t, w)
		for id := range w.nodes {
			w.end(id)
		}
	})
}

func (w *town) begin(id string) *resident {
	r := &resident{stage: newTheater(), ended: make(chan struct{})}
	r.Node = New(Config{
		Self: &controlv1.Node{Id: id, Protocol: control.Protocol, Address: id}, Registry: w.view(), Peers: w,
		Prepare: func(ctx context.Context, job Job, _ func(string)) (Candidate, error) {
			job.Logger.Info("prepare", "archive", job.Version.GetArchive())
			return r.stage.prepare(ctx, job.Version)
		},
		Check: func(context.Context, *controlv1.Version, *controlv1.Version) error { return w.check },
		Open: func(_ context.Context, archive []byte) (*Bundle, error) {
			return &Bundle{App: "heat", Archive: string(archive), Content: string(archive)}, nil
		},
		Forget: func(context.Context, *controlv1.Deployment) error { return w.forget },
		Clear:  func(d *controlv1.Deployment) error { r.stage.note("clear %d", len(d.GetVersions())); return nil },
		Tidy:   func([]*controlv1.Version) {}, Level: slog.LevelInfo, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, stop := context.WithCancel(w.t.Context())
	r.stop = stop
	go func() {
		defer close(r.ended)
		if err := r.Run(ctx); err != nil {
			w.t.Error(err)
		}
	}()
	w.nodes[id] = r
	return r
}

// end ends a node, and fails if it left something.
func (w *town) end(id string) {
	w.t.Helper()
	r := w.nodes[id]
	r.stop()
	<-r.ended
	delete(w.nodes, id)
	if err := r.stage.faults(); err != nil {
		w.t.Errorf("node %s: %v", id, err)
	}
}

// Status implements Peers.
func (w *town) Status(ctx context.Context, address string, req *controlv1.StatusRequest) (*controlv1.StatusResponse, error) {
	if address == w.slow {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return w.nodes[address].Status(ctx, req)
}

// Logs implements Peers.
func (w *town) Logs(ctx context.Context, address string, req *controlv1.LogsRequest, emit func(*controlv1.LogsResponse) error) error {
	return w.nodes[address].Logs(ctx, req, emit)
}

func (w *town) deploy(id, archive string) (*controlv1.Deployed, error) {
	return w.nodes[id].Deploy(w.t.Context(), "ann", &controlv1.DeployRequest{Bundle: []byte(archive)}, func(string) {})
}

func (w *town) mustDeploy(id, archive string) *controlv1.Deployed {
	w.t.Helper()
	done, err := w.deploy(id, archive)
	if err != nil {
		w.t.Fatalf("deploy %s: %v", archive, err)
	}
	synctest.Wait()
	return done
}

// runs fails unless this is wanted, and runs on all nodes.
func (w *town) runs(want string) {
	w.t.Helper()
	pass(time.Second)
	synctest.Wait()
	d, _ := w.Deployment("heat")
	if got := current(d).GetArchive(); got != want {
		w.t.Errorf("%q is wanted, not %q", got, want)
	}
	for id, node := range w.nodes {
		got := ""
		if c, there := node.runsOf("heat")["heat"]; there {
			got = c.Status().App
		}
		if got != want {
			w.t.Errorf("%q runs on %s, not %q", got, id, want)
		}
	}
}

func refused(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("the error is %v, which does not say %q", err, word)
		}
	}
}

func TestADeploymentRunsOnAllNodesAndIsPreparedOnceOnEach(t *testing.T) {
	inTown(t, "n1 n2", func(t *testing.T, w *town) {
		w.mustDeploy("n1", "A")
		w.runs("A")
		w.mustDeploy("n2", "B")
		w.runs("B")
		for id, want := range map[string]string{"n1": "prepare A, A runs, prepare B, A ends (B follows), B runs, A is closed", "n2": "prepare A, A runs, prepare B, A ends (B follows), B runs, A is closed"} {
			if got := w.nodes[id].stage.told(); got != want {
				t.Errorf("%s: %s", id, got)
			}
		}
	})
}

func TestNothingIsWrittenIfAVersionIsNotFit(t *testing.T) {
	inTown(t, "n1", func(t *testing.T, w *town) {
		w.nodes["n1"].stage.plays("A", role{unfit: errors.New("no such package")})
		_, err := w.deploy("n1", "A")
		refused(t, err, "no such package")
		w.check = errors.New("a window is lost")
		_, err = w.deploy("n1", "B")
		refused(t, err, "a window is lost")
		if w.written != 0 {
			t.Error("something was written")
		}
	})
}

func TestTheSameBundleIsNotDeployedAgain(t *testing.T) {
	inTown(t, "n1", func(t *testing.T, w *town) {
		w.mustDeploy("n1", "A")
		if done := w.mustDeploy("n1", "A"); !done.GetUnchanged() || w.written != 1 {
			t.Errorf("it was deployed again: %v", done)
		}
	})
}

func TestOfTwoChangesAtOnceOneIsRefused(t *testing.T) {
	inTown(t, "n1 n2", func(t *testing.T, w *town) {
		w.mustDeploy("n1", "A")
		ready, done := make(chan struct{}), make(chan error, 1)
		w.nodes["n1"].stage.plays("B", role{prepared: ready})
		go func() { _, err := w.deploy("n1", "B"); done <- err }()
		synctest.Wait()
		w.mustDeploy("n2", "C")
		close(ready)
		refused(t, <-done, "somebody else changed heat meanwhile")
		w.runs("C")
	})
}

func TestAllNodesGoBackIfOneCannotFollow(t *testing.T) {
	inTown(t, "n1 n2", func(t *testing.T, w *town) {
		w.nodes["n2"].stage.plays("B", role{fails: errors.New("no such secret")})
		_, err := w.deploy("n1", "B")
		refused(t, err, "version 1 of heat does not come up on node n2: no such secret", "Nothing runs under that name")
		w.runs("")
		_, err = w.deploy("n1", "B")
		refused(t, err, "no such secret")
		w.mustDeploy("n1", "A")
		w.runs("A")
		_, err = w.deploy("n1", "B")
		refused(t, err, "version 2 of heat does not come up on node n2: no such secret", "Version 1 goes on")
		w.runs("A")
	})
}

func TestAllNodesGoBackThoughWhoDeployedWentAway(t *testing.T) {
	inTown(t, "n1 n2", func(t *testing.T, w *town) {
		w.mustDeploy("n1", "A")
		ready, done := make(chan struct{}), make(chan error, 1)
		w.nodes["n2"].stage.plays("B", role{prepared: ready, unfit: errors.New("no such secret")})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			_, err := w.nodes["n1"].Deploy(ctx, "ann", &controlv1.DeployRequest{Bundle: []byte("B")}, func(string) {})
			done <- err
		}()
		pass(time.Second)
		cancel()
		synctest.Wait()
		close(ready)
		refused(t, <-done, "no such secret", "Version 1 goes on")
		w.runs("A")
	})
}

func TestANodeThatHangsHasAllGoBack(t *testing.T) {
	inTown(t, "n1 n2", func(t *testing.T, w *town) {
		w.mustDeploy("n1", "A")
		w.nodes["n2"].stage.plays("B", role{mute: true})
		_, err := w.deploy("n1", "B")
		refused(t, err, "on node n2: it has not followed within 5m", "Version 1 goes on")
		w.runs("A")
	})
}

func TestANodeThatEndsGivesUpItsChanges(t *testing.T) {
	inTown(t, "n1 n2", func(t *testing.T, w *town) {
		done := make(chan error, 2)
		w.nodes["n1"].stage.plays("A", role{prepared: make(chan struct{})})
		w.nodes["n2"].stage.plays("B", role{mute: true})
		n1 := w.nodes["n1"]
		go func() {
			_, err := n1.Deploy(t.Context(), "ann", &controlv1.DeployRequest{Name: "other", Bundle: []byte("A")}, func(string) {})
			done <- err
		}()
		go func() { _, err := w.deploy("n1", "B"); done <- err }()
		pass(time.Second)
		w.end("n1")
		for range 2 {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("a change ended with %v", err)
			}
		}
		_, err := n1.Deploy(t.Context(), "ann", &controlv1.DeployRequest{Bundle: []byte("C")}, func(string) {})
		refused(t, err, "is stopping")
	})
}

func TestRollbackGoesToTheVersionThatRanBefore(t *testing.T) {
	inTown(t, "n1", func(t *testing.T, w *town) {
		n := w.nodes["n1"]
		back := func(to uint32) error {
			_, err := n.Rollback(t.Context(), "ann", &controlv1.RollbackRequest{Name: "heat", Version: to}, func(string) {})
			return err
		}
		refused(t, back(0), "there is no deployment")
		w.mustDeploy("n1", "A")
		refused(t, back(0), "no earlier version")
		w.mustDeploy("n1", "B")
		for _, c := range []struct {
			to   uint32
			want string
		}{{0, "A"}, {0, "B"}, {1, "A"}} {
			if err := back(c.to); err != nil {
				t.Fatal(err)
			}
			w.runs(c.want)
		}
		refused(t, back(5), "is the one that runs")
		refused(t, back(9), "no version 9")
		done, err := n.Deploy(t.Context(), "ann", &controlv1.DeployRequest{Bundle: []byte("A"), Settings: &controlv1.Settings{Workers: 2}}, func(string) {})
		if err != nil || done.GetUnchanged() {
			t.Fatal(done, err)
		}
		if err := back(0); err != nil {
			t.Fatal(err)
		}
		if d, _ := w.Deployment("heat"); current(d).GetRollbackOf() != 5 {
			t.Errorf("it went back to version %d, not to the one with other settings", current(d).GetRollbackOf())
		}
	})
}

func TestTheLastVersionsAreRemembered(t *testing.T) {
	inTown(t, "n1 n2", func(t *testing.T, w *town) {
		for i := range remembered + 2 {
			w.mustDeploy("n1", fmt.Sprint("A", i))
		}
		w.nodes["n2"].stage.plays("B", role{unfit: errors.New("no")})
		_, err := w.deploy("n1", "B")
		refused(t, err, "Version 12 goes on")
		d, _ := w.Deployment("heat")
		if len(d.GetVersions()) != remembered-1 || d.GetVersions()[0].GetNumber() != 4 || d.GetCurrent() != 12 {
			t.Errorf("after a version that made room did not come up there is %v", d)
		}
		w.runs("A11")
	})
}

func TestWhatCannotBeReadGoesOn(t *testing.T) {
	inTown(t, "n1", func(t *testing.T, w *town) {
		w.mustDeploy("n1", "A")
		w.mu.Lock()
		kept := w.deployments["heat"]
		delete(w.deployments, "heat")
		w.asides = []registry.Aside{{Key: "deployment/heat", Deployment: "heat", Reason: "it is of a later pyudf"}}
		w.tell()
		w.mu.Unlock()
		synctest.Wait()
		if len(w.nodes["n1"].runsOf("")) != 1 {
			t.Error("it was stopped")
		}
		w.mu.Lock()
		w.deployments["heat"], w.asides = kept, nil
		w.tell()
		w.mu.Unlock()
		w.runs("A")
	})
}
