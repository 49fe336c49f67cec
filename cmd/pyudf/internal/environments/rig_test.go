package environments_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/environments"
)

// patience is how long a test waits for an event that is sure to come.
const patience = 60 * time.Second

// childEnv has the child of a test make an environment: it is the configuration and the requirements.
const childEnv = "PYUDF_TEST_ENSURE"

// gateEnv is where packages that are built tell that, and wait for leave.
const gateEnv = "PYUDF_TEST_GATE"

type childTask struct {
	Dir, Python, Installer, Version string
	Wheels, Requirements            []string
}

func TestMain(m *testing.M) {
	said := os.Getenv(childEnv)
	if said == "" {
		os.Exit(m.Run())
	}
	var task childTask
	if err := json.Unmarshal([]byte(said), &task); err != nil {
		panic(err)
	}
	b, err := environments.New(environments.Config{Dir: task.Dir, Python: task.Python, Installer: task.Installer, Wheels: task.Wheels})
	if err != nil {
		panic(err)
	}
	if _, err := b.Ensure(context.Background(), task.Requirements, task.Version, func(string) {}); err != nil {
		panic(err)
	}
}

// nodePython returns the interpreter that has pyudf, and skips the test where there is none; in CI it fails.
func nodePython(t *testing.T) string {
	t.Helper()
	interpreter := os.Getenv("PYUDF_PYTHON")
	if interpreter == "" {
		interpreter = filepath.Join("..", "..", "..", "..", ".venv", "bin", "python")
	}
	interpreter, err := filepath.Abs(interpreter)
	if err != nil {
		t.Fatal(err)
	}
	if said, err := exec.CommandContext(t.Context(), interpreter, "-c", "import pyudf._environment").CombinedOutput(); err != nil {
		unavailable(t, fmt.Sprintf("%s has no pyudf (%s): make .venv, or set PYUDF_PYTHON", interpreter, said))
	}
	return interpreter
}

func unavailable(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// versionOf returns the version of an interpreter, as in 3.11.
func versionOf(t *testing.T, interpreter string) string {
	t.Helper()
	return ask(t, interpreter, "import sys; print('%d.%d' % sys.version_info[:2])")
}

// ask returns what a line of Python prints, in an interpreter that sees its own environment only.
func ask(t *testing.T, interpreter, code string) string {
	t.Helper()
	python := exec.CommandContext(t.Context(), interpreter, "-I", "-c", code)
	said, err := python.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", code, err, said)
	}
	return strings.TrimSpace(string(said))
}

// eachInstaller runs a test with uv and with pip.
func eachInstaller(t *testing.T, run func(t *testing.T, installer string)) {
	t.Helper()
	for _, installer := range []string{environments.UV, environments.Pip} {
		t.Run(installer, func(t *testing.T) {
			if installer == environments.UV {
				beside := filepath.Join(filepath.Dir(nodePython(t)), "uv")
				_, inPath := exec.LookPath("uv")
				if _, err := exec.LookPath(beside); err != nil && inPath != nil {
					unavailable(t, "there is no uv in the PATH, nor in the environment of the tests: make .venv")
				}
			}
			run(t, installer)
		})
	}
}

// rig is a builder with what it tells.
type rig struct {
	*environments.Builder
	version string
	told    lines
}

// lines are collected by several goroutines.
type lines struct {
	mu   sync.Mutex // guards all and told
	all  []string
	told chan struct{}
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
	if l.told != nil {
		close(l.told)
		l.told = nil
	}
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(l.all), func(line string) bool { return !strings.Contains(line, part) }))
}

// await returns when a line has been told.
func (l *lines) await(t *testing.T, part string) {
	t.Helper()
	deadline := time.After(patience)
	for l.count(part) == 0 {
		l.mu.Lock()
		if l.told == nil {
			l.told = make(chan struct{})
		}
		told := l.told
		l.mu.Unlock()
		if l.count(part) > 0 {
			return
		}
		select {
		case <-told:
		case <-deadline:
			t.Fatalf("nobody tells %q, but: %s", part, l.text())
		}
	}
}

func newRig(t *testing.T, config environments.Config) *rig {
	t.Helper()
	t.Setenv("UV_CACHE_DIR", t.TempDir())
	t.Setenv("PIP_CACHE_DIR", t.TempDir())
	if config.Python == "" {
		config.Python = nodePython(t)
	}
	if config.Dir == "" {
		config.Dir = t.TempDir()
	}
	b, err := environments.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{Builder: b, version: versionOf(t, config.Python)}
}

func (r *rig) ensure(ctx context.Context, requirements ...string) (*environments.Lease, error) {
	return r.Ensure(ctx, requirements, r.version, r.told.add)
}

func (r *rig) must(t *testing.T, requirements ...string) *environments.Lease {
	t.Helper()
	lease, err := r.ensure(t.Context(), requirements...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lease.Release)
	return lease
}

// wheel is a package that a test writes.
type wheel struct {
	name, version string
	// metadata are lines such as Requires-Dist: x.
	metadata []string
	code     string
}

func (w wheel) write(t *testing.T, directory string) {
	t.Helper()
	info := fmt.Sprintf("%s-%s.dist-info/", w.name, w.version)
	var archive bytes.Buffer
	writer := zip.NewWriter(&archive)
	record := []string{info + "RECORD,,"}
	for _, file := range [][2]string{
		{w.name + "/__init__.py", w.code},
		{info + "METADATA", w.meta()},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
	} {
		record = append(record, file[0]+",,")
		zipped(t, writer, file[0], file[1])
	}
	zipped(t, writer, info+"RECORD", strings.Join(record, "\n"))
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(directory, fmt.Sprintf("%s-%s-py3-none-any.whl", w.name, w.version))
	if err := os.WriteFile(path, archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w wheel) meta() string {
	head := fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", w.name, w.version)
	return head + strings.Join(append(w.metadata, ""), "\n")
}

func zipped(t *testing.T, writer *zip.Writer, name, text string) {
	t.Helper()
	file, err := writer.Create(name)
	if err == nil {
		_, err = io.WriteString(file, text)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// tinyWheels is a directory with the package tiny.
func tinyWheels(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	wheel{name: "tiny", version: "1.0", code: "def greet(name):\n    return f'hello {name}'\n"}.write(t, directory)
	return directory
}

// gatedBackend builds a package, and waits for leave at a gate before.
const gatedBackend = `
import os, socket, zipfile

def get_requires_for_build_wheel(settings=None):
    host, _, port = os.environ["` + gateEnv + `"].rpartition(":")
    with socket.create_connection((host, int(port))) as gate:
        gate.recv(1)
    return []

def build_wheel(directory, settings=None, metadata=None):
    name = "gated-1.0-py3-none-any.whl"
    info = "gated-1.0.dist-info/"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        wheel.writestr("gated/__init__.py", "")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: gated\nVersion: 1.0\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(info + "RECORD", "gated/__init__.py,,\n")
    return name
`

// gatedWheels is a directory with the package gated.
func gatedWheels(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	writeSource(t, directory, "gated", gatedBackend)
	return directory
}

// writeSource writes a package that has to be built, by a backend of its own.
func writeSource(t *testing.T, directory, name, backend string) {
	t.Helper()
	var archive bytes.Buffer
	zipper := gzip.NewWriter(&archive)
	writer := tar.NewWriter(zipper)
	for file, text := range map[string]string{
		"PKG-INFO":       "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.0\n",
		"backend.py":     backend,
		"pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n",
	} {
		err := writer.WriteHeader(&tar.Header{Name: name + "-1.0/" + file, Mode: 0o644, Size: int64(len(text))})
		if err == nil {
			_, err = io.WriteString(writer, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(writer.Close(), zipper.Close()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(directory, name+"-1.0.tar.gz"), archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// gate is where builds of gated arrive and wait until their connection is closed.
type gate struct{ *net.TCPListener }

func openGate(t *testing.T) gate {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	t.Setenv(gateEnv, listener.Addr().String())
	return gate{listener}
}

func (g gate) arrival(t *testing.T) net.Conn {
	t.Helper()
	if err := g.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	build, err := g.Accept()
	if err != nil {
		t.Fatalf("no build begins: %v", err)
	}
	if err := build.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return build
}

func pass(t *testing.T, build net.Conn) {
	t.Helper()
	if err := build.Close(); err != nil {
		t.Fatal(err)
	}
}
