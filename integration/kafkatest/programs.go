package kafkatest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Pyudf is the path of the pyudf program, built from this tree once in a run of the tests, with the race detector
// if the tests have it. It kills itself at the point that PYUDF_CRASH names, if that is set (build tag crash).
func Pyudf(t testing.TB) string {
	t.Helper()
	path, err := shared.pyudf()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Python is the interpreter with the SDK and its test dependencies installed.
func Python(t testing.TB) string {
	t.Helper()
	path, err := findPython()
	if err != nil {
		needs(t, err)
	}
	return path
}

// Root is the directory of the project.
func Root(t testing.TB) string {
	t.Helper()
	root, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// needs ends a test for want of something that the machine lacks: a skip for a developer, a failure for CI.
func needs(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
}

func (r *run) buildPyudf() (string, error) {
	dir, err := r.dir()
	if err != nil {
		return "", err
	}
	root, err := findRoot()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "pyudf")
	args := append([]string{"build", "-tags", "crash"}, raceFlags...)
	cmd := exec.Command("go", append(args, "-o", path, "./cmd/pyudf")...) //nolint:noctx // go test bounds the run
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program under test: %w\n%s", err, out)
	}
	return path, nil
}

func findPython() (string, error) {
	root, err := findRoot()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, ".venv", "bin", "python")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("the Python workers need the virtual environment: %w; run `make venv`", err)
	}
	return path, nil
}

// findJars says where Kafka is, or what to do to have it.
func findJars() (string, error) {
	if _, err := exec.LookPath("java"); err != nil {
		return "", fmt.Errorf("a real Kafka needs java: %w; install Java 17 or newer", err)
	}
	dir := os.Getenv("PYUDF_KAFKA_JARS")
	if dir == "" {
		root, err := findRoot()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, ".kafka", "jars")
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "kafka_*.jar")); len(found) == 0 {
		return "", fmt.Errorf("no jars of Kafka in %s: run `make kafka`, or set PYUDF_KAFKA_JARS", dir)
	}
	return dir, nil
}

// findRoot walks up from the directory of the running test.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		dir = filepath.Dir(dir)
	}
	return "", errors.New("the test does not run inside the project: no go.mod above its directory")
}
