package overview_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/overview"
	"github.com/pyudf/pyudf/engine/status"
)

// now is when the runs are shown.
func now() time.Time { return time.Date(2024, 5, 1, 10, 0, 0, 0, time.UTC) }

func runs() []status.Run {
	return []status.Run{
		{
			App: "heat", Group: "trial", Node: "nabc", PID: 47, Started: now().Add(-3*time.Hour - 2*time.Minute), Guarantee: "exactly-once",
			CommitInterval: 200,
			Tasks: []status.Task{
				{
					Source: "weather", Partition: 0, Phase: status.Running, Epoch: 1200, Lag: 35000, Watermark: new(int64(1_356_998_400_000)),
					StateBytes: 5 << 20, Snapshot: status.Snapshot{Offset: 7, Time: now().Add(-12 * time.Second)}, RestoreEstimate: new(int64(3400)),
				},
				{Source: "weather", Partition: 10, Phase: status.Restoring, RestoreDone: 12000, RestoreTotal: 40000, RestoreLeft: 64000},
				{Source: "weather", Partition: 11, Phase: status.Restoring},
			},
		},
		{App: "two words", Group: "g", Node: "pod-7", Engine: "n1", PID: 48, Started: now(), Guarantee: "at-least-once", CommitInterval: 1000},
	}
}

func require(t *testing.T, got, want string) {
	t.Helper()
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestATerminalGetsATable(t *testing.T) {
	var out bytes.Buffer
	if err := overview.Table(&out, runs(), now()); err != nil {
		t.Fatal(err)
	}
	require(t, out.String(), `
heat  group trial  node nabc  pid 47  exactly-once, every 200ms  up 3h02m
  TASK          PHASE                                            EPOCH  LAG     WATERMARK             STATE   SNAPSHOT  RESTORE TAKES
  weather [0]   running                                          1,200  35,000  2013-01-01T00:00:00Z  5.0 MB  12s ago   about 3s
  weather [10]  restoring, 28,000 of 40,000 records left, 1m04s  0      0       -                     0 B     -         -
  weather [11]  restoring                                        0      0       -                     0 B     -         -

two words  group g  node pod-7  engine n1  pid 48  at-least-once, every 1s  up 0s
  no partitions yet`)
}

func TestAPipeGetsALineForEachTask(t *testing.T) {
	var out bytes.Buffer
	if err := overview.Lines(&out, runs(), now()); err != nil {
		t.Fatal(err)
	}
	require(t, out.String(), `
app=heat group=trial node=nabc pid=47 source=weather partition=0 phase=running epoch=1200 lag=35000 watermark=2013-01-01T00:00:00Z state_bytes=5242880 snapshot_age_s=12 restore_estimate_ms=3400
app=heat group=trial node=nabc pid=47 source=weather partition=10 phase=restoring epoch=0 lag=0 state_bytes=0 records_left=28000 left_ms=64000
app=heat group=trial node=nabc pid=47 source=weather partition=11 phase=restoring epoch=0 lag=0 state_bytes=0 records_left=0
app="two words" group=g node=pod-7 pid=48 engine=n1`)
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestAPipeThatIsClosedEndsIt(t *testing.T) {
	if err := overview.Lines(closed{}, runs(), now()); err == nil {
		t.Error("nobody noticed")
	}
	if err := overview.Table(closed{}, runs(), now()); err == nil {
		t.Error("nobody noticed")
	}
}

func TestTimesAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 59 * time.Second: "59s", 64 * time.Second: "1m04s", 5*time.Hour + 2*time.Minute: "5h02m", 76 * time.Hour: "3d04h",
	} {
		if got := overview.Age(d); got != want {
			t.Errorf("%s is %s, want %s", d, got, want)
		}
	}
}
