package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
)

func TestTokenMakesTheLineThatNodesRead(t *testing.T) {
	p := newProgram(t)
	p.must(t, "token", "ann", "admin")
	lines := strings.Split(p.out.String(), "\n")
	if _, err := control.ParseTokens(lines[3]); err != nil || !strings.HasPrefix(strings.TrimSpace(lines[1]), "pyudf_") {
		t.Errorf("got %s (%v)", p.out.String(), err)
	}
	path := filepath.Join(t.TempDir(), "tokens")
	for _, name := range []string{"ann", "dan"} {
		p.must(t, "token", name, "viewer", "--tokens", path)
		if text := p.out.String(); !strings.HasPrefix(text, "pyudf_") || strings.Count(text, "\n") != 1 {
			t.Errorf("got %s", text)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "\n") != 2 {
		t.Errorf("the file has %s (%v)", text, err)
	}
	if _, err := control.ParseTokens(string(text)); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v (%v)", info, err)
	}
	p.refuses(t, `pyudf: there is no role "boss": write viewer, deployer, admin`, "token", "ann", "boss")
}
