package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/console"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/node"
	"github.com/pyudf/pyudf/engine/status"
)

// serving is a process of a group that runs as far as others can see.
func serving(t *testing.T, home, group string, config console.Config) {
	t.Helper()
	slot, err := node.Claim(filepath.Join(home, "c1", safe(group)), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slot.Release() }) // ends with the test in any case
	config.Dir, config.Logger = slot.Dir(), slog.New(slog.DiscardHandler)
	if config.Status == nil {
		board := status.NewBoard(status.Run{App: "app", Group: group, Node: slot.ID(), PID: 4711, Started: time.Now(), Guarantee: "exactly-once", CommitInterval: 1000}, nil)
		board.Set("weather", 3, func(task *status.Task) { task.Phase, task.End = status.Running, 7 })
		config.Status = board.Snapshot
	}
	server, err := console.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() }) // as above
}

func TestStatusShowsTheRunsOfAMachineOrOfAGroup(t *testing.T) {
	p, home := newProgram(t), t.TempDir()
	serving(t, home, "heat", console.Config{})
	serving(t, home, "heat", console.Config{})
	serving(t, home, "a/b", console.Config{})
	for group, want := range map[string]int{"": 3, "heat": 2, "a/b": 1} {
		p.must(t, strings.Fields("status --state-dir "+home+" "+group)...)
		if got := strings.Count(p.out.String(), " source=weather partition=3 phase=running epoch=0 lag=7 "); got != want {
			t.Errorf("%q: got %s, want %d lines", group, p.out.String(), want)
		}
	}
}

func TestStatusIsJSONForPrograms(t *testing.T) {
	p := newProgram(t)
	p.env["XDG_STATE_HOME"] = t.TempDir()
	p.must(t, "status", "--json")
	if p.out.String() != "[]\n" {
		t.Errorf("of no runs got %s", p.out.String())
	}
	serving(t, filepath.Join(p.env["XDG_STATE_HOME"], "pyudf"), "heat", console.Config{})
	p.must(t, "status", "--json")
	var runs []status.Run
	if err := json.Unmarshal(p.out.Bytes(), &runs); err != nil || len(runs) != 1 || runs[0].PID != 4711 || runs[0].Tasks[0].Lag != 7 {
		t.Errorf("got %s (%v)", p.out.String(), err)
	}
}

func TestStatusOfNothingSaysWhatToDo(t *testing.T) {
	p, home := newProgram(t), t.TempDir()
	p.refuses(t, "pyudf: no app runs on this machine with its state in "+home+": start one with `pyudf run`, or name the --state-dir of the run", "status", "--state-dir", home)
	serving(t, home, "other", console.Config{})
	p.refuses(t, "pyudf: no process runs the group heat on this machine with its state in "+home+": start one with `pyudf run`, or name the --state-dir of the run",
		"status", "heat", "--state-dir", home)
}

func TestStatusIsWatchedUntilItIsInterrupted(t *testing.T) {
	p, home := newProgram(t), t.TempDir()
	serving(t, home, "heat", console.Config{})
	read, write := io.Pipe()
	p.world.out = write
	ended := make(chan int, 1)
	go func() {
		ended <- execute(t.Context(), []string{"status", "--watch", "--json", "--state-dir", home}, p.world)
	}()
	lines := json.NewDecoder(read)
	for range 2 {
		var runs []status.Run
		if err := lines.Decode(&runs); err != nil || len(runs) != 1 {
			t.Fatalf("got %v (%v)", runs, err)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, read) }() // one more may be on its way
	p.signals <- os.Interrupt
	if code := <-ended; code != 0 {
		t.Fatalf("it ended with %d: %s", code, p.err.String())
	}
}
