package environments_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/bundles"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/environments"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/udfworker/host"
)

func TestTheNodesOwnEnvironmentIsUsedAsItIsIfItHasAllThatIsRequired(t *testing.T) {
	r := newRig(t, environments.Config{})
	lease := r.must(t, "Msgspec>=0.19", "absent ; python_version < '3'", "pyudf==0.0.1")
	if lease.Python != nodePython(t) || lease.Hash != "" {
		t.Errorf("got %s (%s)", lease.Python, lease.Hash)
	}
	if r.told.count("the node's own environment has Python "+r.version) != 1 {
		t.Errorf("it tells: %s", r.told.text())
	}
}

func TestAWorkerStartsInAnEnvironmentWithWhatItsBundleNeeds(t *testing.T) {
	eachInstaller(t, func(t *testing.T, installer string) {
		dir := filepath.Join(t.TempDir(), "state #1 of a node")
		r := newRig(t, environments.Config{Dir: dir, Wheels: []string{tinyWheels(t)}, Installer: installer})
		bundle := bundleOf(t, filepath.Join("testdata", "greet.py"), "Tiny==1.0", "msgspec>=0.19")
		lease := r.must(t, bundle.Requirements...)
		if r.told.count("tiny==1.0 is not installed") != 1 || r.told.count("the environment is ready") != 1 {
			t.Errorf("it tells: %s", r.told.text())
		}
		if got := greeting(t, lease.Python, bundle.File); got != "hello Ada" {
			t.Errorf("the function says %q", got)
		}
		other := r.must(t, "MSGSPEC >=0.19", "tiny == 1.0")
		if other.Hash != lease.Hash || r.told.count("making an environment") != 1 {
			t.Errorf("the same set in another order and case is %s, not %s; told: %s", other.Hash, lease.Hash, r.told.text())
		}
	})
}

// bundleOf builds a bundle and puts it into a cache, as a node does.
func bundleOf(t *testing.T, app string, requirements ...string) *bundles.Bundle {
	t.Helper()
	directory, python := t.TempDir(), nodePython(t)
	list, file := filepath.Join(directory, "requirements.txt"), filepath.Join(directory, "x.pyudf")
	if err := os.WriteFile(list, []byte(strings.Join(requirements, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), python, "-m", "pyudf.bundling", "build", app, "--requirements", list, "-o", file)
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	archive, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cache, err := bundles.Open(bundles.Config{Dir: filepath.Join(directory, "cache"), Python: python})
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := cache.Put(t.Context(), archive)
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

// greeting starts a worker on a bundle, without any help from the environment of the tests, and calls its function.
func greeting(t *testing.T, python, bundle string) string {
	t.Helper()
	environ := slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "PYTHON") })
	worker, err := host.Start(t.Context(), host.Config{
		Python: python, Args: []string{bundle}, Env: append(environ, "PYUDF_CACHE_DIR="+t.TempDir()), StartTimeout: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(worker.Kill)
	name := record.NewBuilder(record.String, 1)
	name.Text([]byte("Ada"))
	columns := []record.Column{name.Column()}
	function := worker.Description().GetPlan().GetFunctions()[0].GetId()
	result, err := worker.Run(t.Context(), &dispatch.Call{Function: function, Rows: 1, Columns: columns})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Failures) > 0 {
		t.Fatalf("the function fails: %+v", result.Failures)
	}
	return string(result.Column.Text.At(0))
}

func TestMarkersAndExtrasAreFollowed(t *testing.T) {
	wheels := t.TempDir()
	wheel{name: "tiny", version: "1.0", metadata: []string{"Provides-Extra: more", "Requires-Dist: other; extra == 'more'", "Requires-Dist: pyudf"}}.write(t, wheels)
	wheel{name: "other", version: "2.0"}.write(t, wheels)
	eachInstaller(t, func(t *testing.T, installer string) {
		r := newRig(t, environments.Config{Wheels: []string{wheels}, Installer: installer})
		lease := r.must(t, "tiny[More]", `absent==1.0 ; python_version < "3"`)
		code := "import tiny, other, pyudf, importlib.metadata as m; print(m.version('other'), m.version('pyudf') == pyudf.__version__)"
		if got := ask(t, lease.Python, code); got != "2.0 True" {
			t.Errorf("got %s", got)
		}
		// The node of this very environment has all of it, and need not make another.
		own := newRig(t, environments.Config{Python: lease.Python})
		if again := own.must(t, "tiny[more]"); again.Hash != "" {
			t.Errorf("it makes another: %s", own.told.text())
		}
	})
}

func TestRequirementsThatDoNotResolveAreRefused(t *testing.T) {
	wheels := tinyWheels(t)
	wheel{name: "picky", version: "1.0", metadata: []string{"Requires-Dist: tiny<1"}}.write(t, wheels)
	writeSource(t, wheels, "broken", "def build_wheel(*args):\n    print(*range(200), sep='\\n')\n    raise ValueError('no compiler here')\n")
	for _, test := range []struct {
		name     string
		required []string
		want     []string
	}{
		{"one that is nowhere", []string{"no_such.thing==9.9", "tiny"}, []string{"no-such-thing==9.9 cannot be installed for Python", "build the bundle again, or put a wheel that fits into " + wheels}},
		{"a version that is nowhere", []string{"tiny==7.0"}, []string{"tiny==7.0 cannot be installed", "says:\n"}},
		{"two that exclude each other", []string{"picky==1.0", "tiny==1.0"}, []string{"picky==1.0, tiny==1.0 cannot be installed", "tiny<1"}},
		{"one that pyudf does not go with", []string{"msgspec<0.1"}, []string{"msgspec<0.1 (pyudf itself needs msgspec<1,>=0.19) cannot be installed"}},
		{"one that cannot be built", []string{"broken"}, []string{"broken cannot be installed", "ValueError: no compiler here"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachInstaller(t, func(t *testing.T, installer string) {
				dir := t.TempDir()
				r := newRig(t, environments.Config{Dir: dir, Wheels: []string{wheels}, Installer: installer})
				_, err := r.ensure(t.Context(), test.required...)
				requireRefusal(t, err, append(test.want, installer+" says:")...)
				if lines := strings.Count(err.Error(), "\n"); lines > 13 {
					t.Errorf("%d lines are too many:\n%v", lines, err)
				}
				requireNoEnvironment(t, dir)
			})
		})
	}
}

func requireRefusal(t *testing.T, err error, parts ...string) {
	t.Helper()
	if outcome.Code(err) != outcome.Mend {
		t.Fatalf("it is not refused: %v", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not said: %v", part, err)
		}
	}
}

// requireNoEnvironment fails if anything but locks is left.
func requireNoEnvironment(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range left {
		if !strings.HasSuffix(path, ".lock") {
			t.Errorf("%s is left", path)
		}
	}
}

func TestAPythonThatIsNotHereIsRefused(t *testing.T) {
	t.Setenv("UV_PYTHON_DOWNLOADS", "never")
	eachInstaller(t, func(t *testing.T, installer string) {
		dir := t.TempDir()
		r := newRig(t, environments.Config{Dir: dir, Installer: installer})
		_, err := r.Ensure(t.Context(), nil, "3.99", r.told.add)
		requireRefusal(t, err, "the bundle was built with Python 3.99, and this node has Python "+r.version, "install it", "or build the bundle with Python "+r.version)
		requireNoEnvironment(t, dir)
		_, err = r.Ensure(t.Context(), nil, "3.11/../x", r.told.add)
		requireRefusal(t, err, "no version such as 3.11")
	})
}

func TestWhatIsNoRequirementIsRefused(t *testing.T) {
	r := newRig(t, environments.Config{})
	for _, test := range [][2]string{
		{"--index-url=http://somewhere", "cannot be read"},
		{"tiny @ file:///etc/passwd", "the requirement tiny is a file of another machine"},
		{"tiny @ https://me:geheim@host/tiny.whl", "the requirement tiny has a user or a password in its address"},
	} {
		_, err := r.ensure(t.Context(), test[0])
		requireRefusal(t, err, test[1], "build the bundle again")
		if strings.Contains(err.Error(), "geheim") {
			t.Errorf("a password is told: %v", err)
		}
	}
}

func TestCredentialsOfIndexesAreNeverTold(t *testing.T) {
	index := httptest.NewServer(http.NotFoundHandler())
	defer index.Close()
	address := strings.Replace(index.URL, "://", "://somebody:geheim@", 1) + "/simple"
	t.Setenv("PIP_INDEX_URL", address)
	t.Setenv("UV_DEFAULT_INDEX", address)
	eachInstaller(t, func(t *testing.T, installer string) {
		var logged lines
		logger := slog.New(slog.NewTextHandler(writerTo(logged.add), &slog.HandlerOptions{Level: slog.LevelDebug}))
		r := newRig(t, environments.Config{Isolated: true, Installer: installer, Logger: logger})
		_, err := r.ensure(t.Context(), "no-such-thing @ "+index.URL+"/no_such_thing-1.0-py3-none-any.whl", "another")
		requireRefusal(t, err, "cannot be installed", installer+" of an index that has it")
		for _, text := range []string{err.Error(), r.told.text(), logged.text()} {
			if strings.Contains(text, "geheim") || strings.Contains(text, "somebody") {
				t.Errorf("a password is told: %s", text)
			}
		}
		if logged.count("installer") == 0 {
			t.Error("nothing is logged")
		}
	})
}

type writerTo func(string)

func (w writerTo) Write(text []byte) (int, error) {
	w(string(text))
	return len(text), nil
}

func TestEnvironmentsThatNobodyUsedForLongAreRemoved(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	config := environments.Config{Dir: dir, Isolated: true, Wheels: []string{tinyWheels(t)}, Now: func() time.Time { return now }}
	node, other := newRig(t, config), newRig(t, config)
	lease := node.must(t, "tiny")
	keep := func(whose *rig, hashes ...string) {
		t.Helper()
		if err := whose.Keep(hashes); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(8 * 24 * time.Hour)
	keep(other) // it is leased
	lease.Release()
	keep(other) // it has just been used
	now = now.Add(8 * 24 * time.Hour)
	keep(node, lease.Hash) // it is named
	keep(other)            // which counts as use
	if _, err := os.Stat(lease.Python); err != nil {
		t.Fatalf("an environment is removed that is in use: %v", err)
	}
	now = now.Add(8 * 24 * time.Hour)
	keep(other)
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left (%v)", left, err)
	}
}

func TestAConfigurationThatCannotWorkIsRefusedAtOnce(t *testing.T) {
	for _, test := range []struct {
		config environments.Config
		want   string
	}{
		{environments.Config{Python: "/no/python"}, "there is no Python interpreter /no/python"},
		{environments.Config{Python: "/bin/sh", Wheels: []string{"/no/wheels"}}, "there is no directory /no/wheels"},
		{environments.Config{Python: "/bin/sh", Installer: "conda"}, `there is no installer "conda": name uv or pip`},
	} {
		test.config.Dir = t.TempDir()
		_, err := environments.New(test.config)
		requireRefusal(t, err, test.want)
	}
	b, err := environments.New(environments.Config{Dir: t.TempDir(), Python: "/bin/sh"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Ensure(context.Background(), nil, "3.11", func(string) {}); err == nil {
		t.Error("a shell is taken for a Python")
	}
}
