package supervise

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

func TestAJournalKeepsTheLastLines(t *testing.T) {
	j := newJournal("n1")
	for i := range kept + 5 {
		write(t, j, i)
	}
	var got []string
	emit := func(l *controlv1.LogsResponse) error { got = append(got, l.GetLine()); return nil }
	for last, want := range map[int]int{3: 3, kept: kept, 10 * kept: kept} {
		got = nil
		if err := j.follow(t.Context(), last, false, emit); err != nil {
			t.Fatal(err)
		}
		if len(got) != want || got[len(got)-1] != "line 1004" {
			t.Errorf("of the last %d there are %d, the last %q", last, len(got), got[len(got)-1])
		}
	}
}

func TestFollowersGetAllLinesAndNoneHoldsUpWhoWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal("n1")
		ctx, cancel := context.WithCancel(t.Context())
		stuck := make(chan struct{})
		counts := make([]int, 3)
		ended := make(chan error, len(counts))
		for i := range counts {
			go func() {
				ended <- j.follow(ctx, 100, true, func(*controlv1.LogsResponse) error {
					if i == 0 {
						<-stuck
					}
					counts[i]++
					return nil
				})
			}()
		}
		for i := range 3 * kept {
			write(t, j, i)
			if i%100 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		if counts[1] != 3*kept || counts[2] != 3*kept || counts[0] != 0 {
			t.Errorf("they got %v lines", counts)
		}
		close(stuck)
		synctest.Wait()
		cancel()
		for range counts {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if counts[0] < kept || counts[0] > kept+200 {
			t.Errorf("the slow one got %d lines", counts[0])
		}
	})
}

func TestLogsAreThoseOfAllNodesFromTheFirstDeployOn(t *testing.T) {
	inTown(t, "n1 n2", func(t *testing.T, w *town) {
		w.mustDeploy("n1", "A")
		from := map[string]int{}
		err := w.nodes["n2"].Logs(t.Context(), &controlv1.LogsRequest{Deployment: "heat"}, func(l *controlv1.LogsResponse) error {
			if strings.Contains(l.GetLine(), `"archive":"A"`) {
				from[l.GetNode()]++
			}
			return nil
		})
		if err != nil || from["n1"] != 1 || from["n2"] != 1 {
			t.Errorf("what preparing logged came %v times: %v", from, err)
		}
	})
}

func TestANodeThatDoesNotAnswerIsSaidSo(t *testing.T) {
	inTown(t, "n1 n2 n3", func(t *testing.T, w *town) {
		w.mustDeploy("n1", "A")
		w.slow = "n2"
		began := time.Now()
		answer, err := w.nodes["n1"].Status(t.Context(), &controlv1.StatusRequest{Deployment: "heat"})
		if err != nil || len(answer.GetNodes()) != 3 {
			t.Fatal(answer, err)
		}
		for _, node := range answer.GetNodes() {
			if silent := node.GetNode().GetId() == "n2"; silent != (node.GetError() != "") || silent != (len(node.GetRuns()) == 0) {
				t.Errorf("it says %v", node)
			}
		}
		if took := time.Since(began); took != patience {
			t.Errorf("it took %s", took)
		}
	})
}

func write(t *testing.T, j *journal, i int) {
	t.Helper()
	if _, err := fmt.Fprintf(j, "line %d\n", i); err != nil {
		t.Error(err)
	}
}
