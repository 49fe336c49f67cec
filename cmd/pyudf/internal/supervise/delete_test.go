package supervise

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

func TestADeletedDeploymentLeavesNothingAndItsNameBeginsAnew(t *testing.T) {
	inTown(t, "n1 n2", func(t *testing.T, w *town) {
		n1, n2 := w.nodes["n1"], w.nodes["n2"]
		w.mustDeploy("n1", "A")
		refused(t, n1.Delete(t.Context(), "ann", "heat"), "stop it first")
		if _, err := n2.Stop(t.Context(), "ann", "heat"); err != nil {
			t.Fatal(err)
		}
		w.forget = errors.New("the brokers do not allow it")
		refused(t, n1.Delete(t.Context(), "ann", "heat"), "not wholly deleted", "the brokers do not allow it")
		_, err := n1.Start(t.Context(), "ann", "heat")
		refused(t, err, "is being deleted")
		_, err = w.deploy("n1", "B")
		refused(t, err, "is being deleted")
		w.forget = nil
		synctest.Wait()
		if err := n1.Delete(t.Context(), "ann", "heat"); err != nil {
			t.Fatal(err)
		}
		for id, node := range w.nodes {
			if told := node.stage.told(); !strings.HasSuffix(told, "A is closed, clear 1") {
				t.Errorf("%s: %s", id, told)
			}
		}
		w.mustDeploy("n2", "B")
		w.runs("B")
	})
}

func TestANameThatIsDeletedAndDeployedAtOnceIsAnotherDeployment(t *testing.T) {
	inTown(t, "n1", func(t *testing.T, w *town) {
		w.mustDeploy("n1", "A")
		w.mu.Lock() // one look of the node sees both
		w.deployments["heat"] = wanting(9, version(1, "B"))
		w.tell()
		w.mu.Unlock()
		w.runs("B")
		if told := w.nodes["n1"].stage.told(); told != "prepare A, A runs, A ends (context canceled), A is closed, clear 1, prepare B, B runs" {
			t.Error(told)
		}
	})
}

func TestAnotherMachinesClockDoesNotMatter(t *testing.T) {
	now := time.Now()
	node := func(said time.Time) []*controlv1.Node { return []*controlv1.Node{{Id: "n2", SeenMs: said.UnixMilli()}} }
	for name, skewed := range map[string]time.Duration{"ahead": time.Hour, "behind": -time.Hour, "right": 0} {
		t.Run(name, func(t *testing.T) {
			s := sights{}
			alive := []bool{}
			for _, at := range []time.Duration{0, heartbeat, 2 * heartbeat} {
				alive = append(alive, len(s.look(node(now.Add(at+skewed)), now.Add(at))) == 1)
			}
			if want := []bool{skewed == 0, true, true}; !slices.Equal(alive, want) {
				t.Errorf("while it speaks it is there: %v, want %v", alive, want)
			}
			last := now.Add(2 * heartbeat)
			if len(s.look(node(last.Add(skewed)), last.Add(presumed))) != 0 {
				t.Error("it counts long after it has said something")
			}
		})
	}
}
