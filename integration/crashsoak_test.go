package integration_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// residents are bytes that a node had in memory, its workers included, at moments of its life that are alike.
type residents []int64

// flat fails unless memory is at the end what it was once the pipeline had run for a while, but for a quarter of it.
func (r residents) flat(t *testing.T, what string) {
	t.Helper()
	t.Logf("%s, MB: %s", what, r)
	if len(r) < 4 {
		t.Fatalf("%s: measured %d times, which tells nothing: soak for longer", what, len(r))
	}
	quarter := len(r) / 4
	before, after := slices.Max(r[quarter:2*quarter]), slices.Max(r[len(r)-quarter:])
	if after > before+before/4 {
		t.Errorf("%s had %d MB in its second quarter and %d in its last", what, before>>20, after>>20)
	}
}

func (r residents) String() string {
	var text []string
	for _, bytes := range r {
		text = append(text, strconv.FormatInt(bytes>>20, 10))
	}
	return strings.Join(text, " ")
}

// resident returns the bytes that a program and its workers have in memory.
func resident(t *testing.T, p *program) int64 {
	t.Helper()
	total := int64(0)
	for _, pid := range append(workers(t, p), p.cmd.Process.Pid) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue // a worker that ended meanwhile
		}
		_, after, _ := strings.Cut(string(text), "VmRSS:")
		line, _, _ := strings.Cut(after, " kB")
		kb, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if err != nil {
			t.Fatalf("the memory of process %d: %v", pid, err)
		}
		total += kb << 10
	}
	return total
}

// TestSoakUnderLoadWithCrashes is for make soak. Two of three nodes are killed in turn, the third one lives through it all.
func TestSoakUnderLoadWithCrashes(t *testing.T) {
	if *soakFlag == 0 {
		t.Skip("it lasts for as long as -soak says: run make soak")
	}
	const between = 30 * time.Second
	p := newPipeline(t, kafkatest.OwnKafka(t), seeded(t), t.TempDir(), t.TempDir(), t.TempDir())
	p.start(t)
	survivor := p.nodes[2]
	var lived, restarted residents
	for i, end := 0, time.Now().Add(*soakFlag); time.Now().Before(end); i++ {
		p.load.lasting(t, between)
		lived = append(lived, resident(t, survivor.program))
		dying := p.nodes[i%2]
		restarted = append(restarted, resident(t, dying.program))
		dying.program.kill()
		dying.start(t, nil)
		t.Logf("%s: %d readings; lived %d MB, killed at %d MB", time.Until(end).Round(time.Second), len(p.load.sent), lived[i]>>20, restarted[i]>>20)
	}
	if !survivor.program.running() {
		t.Errorf("the node that nobody killed ended:\n%s", shorten(survivor.program.err.String()))
	}
	p.finish(t)
	lived.flat(t, "the node that lived")
	restarted.flat(t, "nodes before each kill")
}
