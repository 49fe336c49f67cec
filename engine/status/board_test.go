package status_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/pyudf/pyudf/engine/status"
)

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) wait(d time.Duration) { c.now = c.now.Add(d) }

func newBoard() (*status.Board, *clock) {
	c := &clock{now: time.Date(2024, 5, 1, 10, 0, 0, 0, time.UTC)}
	return status.NewBoard(status.Run{App: "heat", Group: "trial"}, func() time.Time { return c.now }), c
}

// only returns the one task of a board.
func only(t *testing.T, b *status.Board) status.Task {
	t.Helper()
	tasks := b.Snapshot().Tasks
	if len(tasks) != 1 {
		t.Fatalf("there are %d tasks, want 1", len(tasks))
	}
	return tasks[0]
}

func TestTasksComeInTheirOrderAndGo(t *testing.T) {
	b, _ := newBoard()
	for _, at := range []struct {
		source    string
		partition int32
	}{{"weather", 10}, {"weather", 2}, {"s3", 0}, {"weather", 2}} {
		b.Set(at.source, at.partition, func(task *status.Task) { task.Epoch++ })
	}
	b.Remove("s3", 0)
	b.Remove("nowhere", 7)
	run := b.Snapshot()
	if run.App != "heat" || run.Group != "trial" || len(run.Tasks) != 2 {
		t.Fatalf("got %+v", run)
	}
	if first, second := run.Tasks[0], run.Tasks[1]; first.Partition != 2 || first.Epoch != 2 || second.Partition != 10 {
		t.Fatalf("got %+v", run.Tasks)
	}
}

func TestASnapshotIsTheCallersOwn(t *testing.T) {
	b, _ := newBoard()
	watermark := int64(7)
	b.Set("weather", 0, func(task *status.Task) { task.Watermark = &watermark })
	shown := only(t, b)
	watermark = 8
	if *shown.Watermark != 7 {
		t.Errorf("the watermark moved to %d in what was shown", *shown.Watermark)
	}
}

func TestLagIsWhatIsNotCommitted(t *testing.T) {
	b, _ := newBoard()
	for _, test := range []struct{ committed, end, want int64 }{{-1, 5, 5}, {3, 5, 2}, {5, 5, 0}, {6, 5, 0}} {
		b.Set("weather", 0, func(task *status.Task) { task.Committed, task.End = test.committed, test.end })
		if got := only(t, b).Lag; got != test.want {
			t.Errorf("committed %d of %d: the lag is %d, want %d", test.committed, test.end, got, test.want)
		}
	}
}

func TestARestoreSaysHowLongTheRestTakesAtThePaceSoFar(t *testing.T) {
	b, c := newBoard()
	b.Set("weather", 0, func(task *status.Task) { task.Phase, task.RestoreTotal = status.Restoring, 1000 })
	if left := only(t, b).RestoreLeft; left != 0 {
		t.Errorf("%d ms are left before anything was done", left)
	}
	c.wait(2 * time.Second)
	b.Set("weather", 0, func(task *status.Task) { task.RestoreDone = 400 })
	if left := only(t, b).RestoreLeft; left != 3000 {
		t.Errorf("%d ms are left, want 3000", left)
	}
	b.Set("weather", 0, func(task *status.Task) { task.Phase = status.Running })
	if left := only(t, b).RestoreLeft; left != 0 {
		t.Errorf("%d ms are left after the end", left)
	}
}

// commit is an epoch that wrote so many records and bytes to the changelog.
func commit(b *status.Board, c *clock, records, bytes int64) {
	c.wait(time.Second)
	b.Set("weather", 0, func(task *status.Task) {
		task.Phase = status.Running
		task.Changelog += records
		task.LastCommit = status.LastCommit{Time: c.now, Duration: 20, Bytes: bytes}
	})
}

func TestTheEstimateIsTheSnapshotsCopyAndTheTail(t *testing.T) {
	const mb = 1 << 20
	b, c := newBoard()
	estimate := func() int64 {
		t.Helper()
		e := only(t, b).RestoreEstimate
		if e == nil {
			return -1
		}
		return *e
	}
	b.Set("weather", 0, func(task *status.Task) { task.StateBytes = 200 * mb })
	if got := estimate(); got != -1 {
		t.Errorf("without a changelog it is %d ms", got)
	}
	commit(b, c, 10, 5*mb)
	if got := estimate(); got != -1 {
		t.Errorf("before the size of a record is known it is %d ms", got)
	}
	commit(b, c, 10, 20*mb)
	if got := estimate(); got != 2000 { // 20 records of 2 MB at 20 MB/s
		t.Errorf("without a snapshot it is %d ms, want 2000", got)
	}
	b.Set("weather", 0, func(task *status.Task) { task.Snapshot = status.Snapshot{Offset: 20, Time: c.now} })
	if got := estimate(); got != 2000 { // 200 MB at 100 MB/s
		t.Errorf("with a snapshot of all it is %d ms, want 2000", got)
	}
	commit(b, c, 5, 10*mb)
	if got := estimate(); got != 2500 {
		t.Errorf("5 records behind the snapshot it is %d ms, want 2500", got)
	}
}

func TestTheEstimateGoesByTheLastRestoreOfThisProcess(t *testing.T) {
	b, c := newBoard()
	b.Set("weather", 0, func(task *status.Task) { task.Phase, task.RestoreTotal = status.Restoring, 300 })
	c.wait(3 * time.Second)
	b.Set("weather", 0, func(task *status.Task) { task.RestoreDone, task.Changelog, task.Phase = 300, 300, status.Running })
	commit(b, c, 0, 0)
	commit(b, c, 100, 1000)
	if got := only(t, b).RestoreEstimate; got == nil || *got != 4000 { // 400 records at 100 records/s
		t.Errorf("got %v, want 4000 ms", got)
	}
}

func TestWhatIsNotKnownIsNotInTheJSON(t *testing.T) {
	b, _ := newBoard()
	b.Set("weather", 0, func(task *status.Task) { task.Phase = status.Running })
	text, err := json.Marshal(only(t, b))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"source":"weather","partition":0,"phase":"running","epoch":0,"committed_offset":0,"end_offset":0,"lag":0,"state_bytes":0,"changelog_offset":0}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestManyGoroutinesWriteToOneBoard(t *testing.T) {
	b, _ := newBoard()
	var wg sync.WaitGroup
	for partition := range int32(8) {
		wg.Go(func() {
			for range 100 {
				b.Set("weather", partition%4, func(task *status.Task) { task.Epoch++ })
				b.Snapshot()
			}
		})
	}
	wg.Wait()
	tasks := b.Snapshot().Tasks
	if len(tasks) != 4 {
		t.Fatalf("there are %d tasks, want 4", len(tasks))
	}
	for _, task := range tasks {
		if task.Epoch != 200 {
			t.Errorf("partition %d has epoch %d, want 200", task.Partition, task.Epoch)
		}
	}
}
