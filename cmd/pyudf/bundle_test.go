package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// scripted returns an interpreter that runs a shell script in place of Python.
func scripted(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "python")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBundleHandsItsFlagsToThePythonOfTheProject(t *testing.T) {
	p := newProgram(t)
	python := scripted(t, `echo "$@"`)
	notebook := writeFile(t, "heat.ipynb", "{}")
	p.must(t, "bundle", "build", notebook+":app", "--python", python, "-o", "x.pyudf", "--with", "a", "--with", "b", "--requirements", "r.txt", "--output", "json")
	want := "-m pyudf.bundling build --max-file=10MB --output=json --out=x.pyudf --with=a --with=b --requirements=r.txt -- " + notebook + ":app\n"
	if p.out.String() != want {
		t.Errorf("got %swant %s", p.out.String(), want)
	}
	p.must(t, "bundle", "show", notebook, "--python", python)
	if want := "-m pyudf.bundling show --max-file=10MB --output=text -- " + notebook + "\n"; p.out.String() != want {
		t.Errorf("got %swant %s", p.out.String(), want)
	}
}

func TestBundleEndsAsItsPythonDoes(t *testing.T) {
	p := newProgram(t)
	notebook := writeFile(t, "heat.ipynb", "{}")
	p.refuses(t, "pyudf: heat.ipynb cannot go as it is:\n  cell 1", "bundle", "build", notebook,
		"--python", scripted(t, "echo 'heat.ipynb cannot go as it is:' >&2; echo 'cell 1' >&2; exit 2"))
	code := p.run(t, "bundle", "build", notebook, "--python", scripted(t, "echo broken >&2; exit 1"))
	if code != 1 || !strings.Contains(p.err.String(), "broken") {
		t.Errorf("ended with %d: %s", code, p.err.String())
	}
	code = p.run(t, "bundle", "build", notebook, "--python", scripted(t, "echo 'No module named pyudf.bundling' >&2; exit 1"))
	if code != 2 || !strings.Contains(p.err.String(), "install pyudf there, or name another with --python") {
		t.Errorf("ended with %d: %s", code, p.err.String())
	}
}
