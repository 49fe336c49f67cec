package integration_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// filed is an app that reads a file and writes topics of its own, with a state of its own.
type filed struct {
	broker   *kafkatest.Broker
	file     string
	in       string
	app, out string
	// ends are what stands behind out in the names of the topics that it writes.
	ends []string
	dir  string
}

// filedRows is how many rows the file has: so long that they are several batches.
const filedRows = 4000

// pad makes rows long.
func pad() string { return strings.Repeat("x", 4500) }

// mappedFile is a function on each row of a CSV file.
func mappedFile(t *testing.T, b *kafkatest.Broker) *filed {
	t.Helper()
	var text strings.Builder
	text.WriteString("sensor,ts,v,wait_ms,pad\n")
	for i, e := range eventsFrom(hour, filedRows) {
		fmt.Fprintf(&text, "s%d,%d,%d,%d,%s\n", e.sensor, e.ts, e.v, waits(i), pad())
	}
	return newFiled(t, b, "patient.py", written(t, "in.csv", text.String()), "")
}

// windowedFile is windows by another key than that of the rows, of JSON lines.
func windowedFile(t *testing.T, b *kafkatest.Broker) *filed {
	t.Helper()
	var text strings.Builder
	for i, e := range eventsFrom(hour, filedRows) {
		fmt.Fprintf(&text, `{"sensor":"s%d","region":%q,"ts":%d,"v":%d,"wait_ms":%d,"pad":%q}`+"\n", e.sensor, e.region(), e.ts, e.v, waits(i), pad())
	}
	return newFiled(t, b, "rekey.py", written(t, "in.jsonl", text.String()), "", "-sessions")
}

// waits is how many ms the function takes for a row.
func waits(row int) int {
	if row%10 == 0 {
		return 3
	}
	return 0
}

func newFiled(t *testing.T, b *kafkatest.Broker, app, in string, ends ...string) *filed {
	t.Helper()
	f := &filed{broker: b, file: filepath.Join("testdata", "apps", app), in: in, ends: ends}
	f.anew(t)
	return f
}

// anew has the app be another one, with other topics and another state.
func (f *filed) anew(t *testing.T) {
	t.Helper()
	f.app, f.out, f.dir = kafkatest.Name(t, "app"), kafkatest.Name(t, "out"), t.TempDir()
}

func (f *filed) start(t *testing.T, more env, flags ...string) *program {
	t.Helper()
	environment := env{"IN": f.in, "OUT": f.out, "APP": f.app, "OUT_OF_ORDER": "200ms", "IDLE": "1m"}
	maps.Copy(environment, more)
	args := []string{"run", f.file, "--state-dir", f.dir, "--commit-interval", "20ms", "--metrics-addr", "127.0.0.1:0"}
	return start(t, f.broker, environment, append(args, flags...)...)
}

// crash runs until the program kills itself at a point of its commits.
func (f *filed) crash(t *testing.T, where string) {
	t.Helper()
	p := f.start(t, env{"PYUDF_CRASH": where})
	p.wait(t)
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the run ended before it came to %s: %s", where, p.cmd.ProcessState)
	}
}

// results are what was committed, by topic, each in its order.
func (f *filed) results(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, end := range f.ends {
		for _, r := range f.broker.ReadAll(t, f.out+end) {
			at := fmt.Sprintf("%s[%d]", end, r.Partition)
			all[at] = append(all[at], fmt.Sprintf("%d %s %s", r.Time.UnixMilli(), r.Key, bytes.ReplaceAll(r.Value, []byte(pad()), nil)))
		}
	}
	return all
}

// undisturbed returns the results of a run of the same app that nothing happens to.
func (f *filed) undisturbed(t *testing.T) map[string][]string {
	t.Helper()
	other := *f
	other.anew(t)
	other.start(t, nil).succeed(t)
	return other.results(t)
}

// inTurn fails unless the results are those that are wanted, so many times one after the other.
func inTurn(t *testing.T, got, want map[string][]string, times int) {
	t.Helper()
	for at, once := range want {
		all := slices.Repeat(once, times)
		if !slices.Equal(got[at], all) {
			lost, again := differ(got[at], all)
			t.Errorf("%s: of %d results %d are missing and %d are too many; it %s", at, len(all), lost, again, firstDifference(got[at], all))
		}
	}
	if len(got) != len(want) || len(want) == 0 {
		t.Errorf("there are results in %d partitions, want %d", len(got), len(want))
	}
}

const wentOn = "going on where the run before was interrupted"

// eachFiled runs a test on both brokers and with both apps.
func eachFiled(t *testing.T, test func(t *testing.T, f *filed)) {
	t.Helper()
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		for name, open := range map[string]func(*testing.T, *kafkatest.Broker) *filed{"map": mappedFile, "windows": windowedFile} {
			t.Run(name, func(t *testing.T) { test(t, open(t, b)) })
		}
	})
}

func TestARunOverAFileThatIsKilledAgainAndAgainWritesEachResultOnce(t *testing.T) {
	eachFiled(t, func(t *testing.T, f *filed) {
		want := f.undisturbed(t)
		f.crash(t, "produce:1")
		for _, where := range []string{"committed:2", "produce:2", "apply:1", "begin:2", "applied:1"} {
			f.crash(t, where)
		}
		for range 2 {
			p := f.start(t, nil)
			p.awaitOut(t, 1)
			p.kill()
		}
		last := f.start(t, nil).succeed(t)
		contains(t, "what the last run said", last.err.String(), wentOn, f.in)
		inTurn(t, f.results(t), want, 1)
		again := f.start(t, nil).succeed(t)
		if strings.Contains(again.err.String(), wentOn) {
			t.Error("a run behind one that came to its end did not begin anew")
		}
		inTurn(t, f.results(t), want, 2)
	})
}

func TestARunOverAFileThatIsStoppedGoesOnOnAnotherMachine(t *testing.T) {
	eachFiled(t, func(t *testing.T, f *filed) {
		want := f.undisturbed(t)
		first := f.start(t, nil)
		first.awaitOut(t, 1)
		first.stop(t)
		f.dir = t.TempDir()
		f.crash(t, "committed:2")
		f.dir = t.TempDir()
		contains(t, "what the last run said", f.start(t, nil).succeed(t).err.String(), wentOn)
		inTurn(t, f.results(t), want, 1)
	})
}

func TestAFileThatIsAnotherOneThanTheInterruptedRunReadIsRefused(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		f := windowedFile(t, b)
		want := f.undisturbed(t)
		f.crash(t, "committed:2")
		before := f.results(t)
		text := read(t, f.in)
		for _, other := range []string{text + "\n", strings.Replace(text, "xxx", "xyx", 1)} {
			if err := os.WriteFile(f.in, []byte(other), 0o600); err != nil {
				t.Fatal(err)
			}
			refused := f.start(t, nil)
			if code := refused.wait(t); code == 0 {
				t.Error("it went on")
			}
			contains(t, "what it said", refused.err.String(), f.in, "give it back as it was", "--reset-state")
		}
		inTurn(t, f.results(t), before, 1)
		if err := os.WriteFile(f.in, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f.start(t, nil).succeed(t)
		inTurn(t, f.results(t), want, 1)
	})
}

func TestResetStateBeginsAFileAnew(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		f := windowedFile(t, b)
		want := f.undisturbed(t)
		f.crash(t, "begin:1") // before anything was written
		f.crash(t, "committed:2")
		before := f.results(t)
		f.start(t, nil, "--reset-state").succeed(t)
		for at := range want {
			want[at] = append(slices.Clone(before[at]), want[at]...)
		}
		inTurn(t, f.results(t), want, 1)
	})
}

func TestOneProcessOfAGroupReadsItsFiles(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		f := windowedFile(t, b)
		want := f.undisturbed(t)
		first := f.start(t, nil)
		first.awaitOut(t, 1)
		first.interrupt(t, syscall.SIGSTOP)
		second := f.start(t, nil)
		if code := second.wait(t); code == 0 {
			t.Error("two processes on a machine read the file")
		}
		contains(t, "what it said", second.err.String(), "another process on this machine runs as node files of the group")
		f.dir = t.TempDir()
		f.start(t, nil).succeed(t)
		first.interrupt(t, syscall.SIGCONT)
		if code := first.wait(t); code == 0 {
			t.Error("the first process did not see that another one took over")
		}
		contains(t, "what it said", first.err.String(), "another process")
		inTurn(t, f.results(t), want, 1)
	})
}
