package integration_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// flow produces n numbered records, in goes, while something is done to those who read them.
type flow struct {
	stream   *stream
	producer *kafkatest.Producer
	sent     int
}

func newFlow(t *testing.T, b *kafkatest.Broker, partitions int) *flow {
	t.Helper()
	return &flow{stream: newStream(t, b, "count.py", partitions), producer: b.Producer(t)}
}

// send sends the next records.
func (f *flow) send(t *testing.T, count int) {
	t.Helper()
	records := make([]kafkatest.Record, 0, count)
	for _, value := range numbered(f.sent, count) {
		records = append(records, kafkatest.Record{Partition: kafkatest.ByKey, Key: fmt.Append(nil, len(records)%31), Value: []byte(value)})
	}
	f.producer.Produce(t, f.stream.in, records...)
	f.sent += count
}

// workers are the processes that a program has started and that still run.
func workers(t *testing.T, p *program) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var children []int
	for _, path := range stats {
		text, err := os.ReadFile(path) //nolint:gosec // of the kernel
		if err != nil {
			continue // it ended meanwhile
		}
		// PID (NAME) STATE PARENT ...
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && len(fields) > 1 && fields[0] != "Z" && fields[1] == strconv.Itoa(p.cmd.Process.Pid) {
			children = append(children, pid)
		}
	}
	return children
}

// killWorker kills one worker of a program, which may be about to get one. A program that has written all records gets
// none before the next ones come.
func killWorker(t *testing.T, p *program, records int) {
	t.Helper()
	eventually(t, "a worker to kill", func() bool {
		if alive := workers(t, p); len(alive) > 0 {
			return syscall.Kill(alive[0], syscall.SIGKILL) == nil
		}
		return p.measured(t)["pyudf_records_out_total"] >= float64(records)
	})
}

// processes are the workers that had records.
func processes(t *testing.T, records []kafkatest.Record) map[int]bool {
	t.Helper()
	all := map[int]bool{}
	for _, r := range records {
		var value struct{ Process int }
		if err := json.Unmarshal(r.Value, &value); err != nil {
			t.Fatal(err)
		}
		all[value.Process] = true
	}
	return all
}

func TestKillingWorkersLosesAndRepeatsNothing(t *testing.T) {
	const kills, total = 20, 200_000
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		f := newFlow(t, b, 4)
		run := f.stream.start(t, "--commit-interval", "200ms", "--metrics-addr", "127.0.0.1:0")
		for i := range kills {
			f.send(t, total/kills)
			run.awaitOut(t, f.sent-total/kills*3/4) // it is in the midst of these
			killWorker(t, run, f.sent)
			if i%5 == 4 {
				killWorker(t, run, f.sent) // most likely while it starts
			}
		}
		run.awaitOut(t, total)
		restarts := run.measured(t)["pyudf_worker_restarts_total"]
		run.stop(t)
		results := f.stream.results(t)
		exactlyOnce(t, results, total)
		if letters := f.stream.deadLetters(t); len(letters) > 0 {
			t.Errorf("%d dead letters: %s", len(letters), letters[0].Header("pyudf.message"))
		}
		if had := len(processes(t, results)); restarts < kills/2 || had < kills/2 {
			t.Errorf("%d kills led to %v restarts, and %d workers had records", kills, restarts, had)
		}
	})
}

func TestKillingTheEngineLosesNothing(t *testing.T) {
	const kills, total = 5, 120_000
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		f := newFlow(t, b, 4)
		// A killed member keeps its partitions until its session times out.
		flags := []string{"--commit-interval", "50ms", "-X", "session.timeout.ms=6000", "-X", "group.instance.id=one"}
		for range kills {
			run := f.stream.start(t, append(flags, "--metrics-addr", "127.0.0.1:0")...)
			f.send(t, total/(kills+1))
			run.awaitOut(t, total/(kills+1)/4)
			run.kill()
		}
		f.send(t, total-f.sent)
		f.stream.run(t, flags...)
		atLeastOnce(t, f.stream.results(t), total)
	})
}

func TestAStopDrainsAndCommits(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		const part = 30_000
		f := newFlow(t, b, 4)
		for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
			f.send(t, part)
			run := f.stream.start(t, "--commit-interval", "5m", "--metrics-addr", "127.0.0.1:0")
			run.awaitOut(t, 1)
			run.interrupt(t, signal)
			run.succeed(t)
			if drained := len(f.stream.results(t)); drained == 0 || drained > f.sent {
				t.Errorf("%v: %d of %d records came out before it stopped", signal, drained, f.sent)
			}
		}
		f.send(t, part)
		f.stream.run(t)
		exactlyOnce(t, f.stream.results(t), f.sent)
	})
}
