package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// program is a run of the program in the test's own process.
type program struct {
	world   *world
	in      *strings.Reader
	out     bytes.Buffer
	err     bytes.Buffer
	env     map[string]string
	signals chan os.Signal
}

func newProgram(t *testing.T) *program {
	t.Helper()
	p := &program{in: strings.NewReader(""), env: map[string]string{engineEnv: noEngine}, signals: make(chan os.Signal)}
	p.world = &world{
		in:       p.in,
		out:      &p.out,
		err:      &p.err,
		getenv:   func(name string) string { return p.env[name] },
		signals:  p.signals,
		exit:     func(code int) { t.Errorf("the program ended at once with %d", code) },
		terminal: func() (int, bool) { return 0, false },
	}
	return p
}

// run runs a command line and returns the exit code.
func (p *program) run(t *testing.T, args ...string) int {
	t.Helper()
	p.out.Reset()
	p.err.Reset()
	return execute(t.Context(), args, p.world)
}

// must runs a command line that has to end with 0.
func (p *program) must(t *testing.T, args ...string) {
	t.Helper()
	if code := p.run(t, args...); code != 0 {
		t.Fatalf("pyudf %s ended with %d: %s", strings.Join(args, " "), code, p.err.String())
	}
}

// refuses runs a command line that the user has to mend, and wants exactly this on stderr.
func (p *program) refuses(t *testing.T, want string, args ...string) {
	t.Helper()
	code := p.run(t, args...)
	if code != 2 || p.err.String() != want+"\n" {
		t.Errorf("pyudf %s ended with %d and\n%swant 2 and\n%s", strings.Join(args, " "), code, p.err.String(), want)
	}
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
