package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/console"
)

func TestTheCommandsOfThePageForOperationsWork(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	running, stopped := t.TempDir(), t.TempDir()
	serving(t, filepath.Join(running, "pyudf"), "heat", console.Config{})
	leaveState(t, filepath.Join(stopped, "pyudf", "c1", "heat"), "topic-weather-0", "shape")
	p, ran := newProgram(t), 0
	for _, block := range regexp.MustCompile("(?ms)^```bash\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		for line := range strings.Lines(block[1]) {
			args := strings.Fields(line)
			if p.env["XDG_STATE_HOME"] = stopped; args[1] == "status" {
				p.env["XDG_STATE_HOME"] = running
			}
			p.must(t, args[1:]...)
			ran++
		}
	}
	if ran != 7 {
		t.Errorf("%d commands were found, want 7", ran)
	}
}
