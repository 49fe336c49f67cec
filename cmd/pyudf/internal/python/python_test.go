package python_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/python"
)

// world is a file system and an environment of a few names.
func world(virtualEnv string, executables ...string) python.Chooser {
	has := func(path string) bool { return slices.Contains(executables, path) }
	return python.Chooser{
		Getenv:     func(string) string { return virtualEnv },
		Executable: has,
		Exists:     has,
		LookPath: func(name string) (string, error) {
			if has(name) {
				return name, nil
			}
			if has("/usr/bin/" + name) {
				return "/usr/bin/" + name, nil
			}
			return "", errors.New("not found")
		},
	}
}

// installed is a world in which this program is at a path.
func installed(program string, w python.Chooser) python.Chooser {
	w.Program = program
	return w
}

func TestTheNearestInterpreterIsChosen(t *testing.T) {
	const system, active, beside, other = "/usr/bin/python3", "/env/bin/python", "/apps/.venv/bin/python", "/opt/py/bin/python"
	for _, test := range []struct {
		name  string
		world python.Chooser
		asked string
		want  string
	}{
		{"one that was asked for", world("/env", system, active, beside, other), other, other},
		{"one of the PATH that was asked for", world("/env", active, "/usr/bin/python3.12"), "python3.12", "/usr/bin/python3.12"},
		{"an environment that was asked for", world("/env", active, other), "/opt/py", other},
		{"the active environment", world("/env", system, active, beside), "", active},
		{"the environment beside the app", world("", system, beside), "", beside},
		{"that of this program's own environment", installed("/own/bin/pyudf", world("/env", system, active, beside, "/own/bin/python", "/own/pyvenv.cfg")), "", "/own/bin/python"},
		{"that of this program's own conda environment", installed("/own/bin/pyudf", world("/env", active, "/own/bin/python", "/own/conda-meta")), "", "/own/bin/python"},
		{"none beside this program where there is no environment", installed("/usr/bin/pyudf", world("/env", active, "/usr/bin/python")), "", active},
		{"one that was asked for rather than this program's own", installed("/own/bin/pyudf", world("", other, "/own/bin/python", "/own/pyvenv.cfg")), other, other},
		{"the system's", world("", system), "", system},
	} {
		got, err := test.world.Choose(test.asked, "/apps/heat.py")
		if err != nil || got != test.want {
			t.Errorf("%s: got %s (%v), want %s", test.name, got, err, test.want)
		}
	}
}

func TestAMissingInterpreterIsExplained(t *testing.T) {
	for _, test := range []struct {
		name  string
		world python.Chooser
		asked string
		want  string
	}{
		{"asked for", world("", "/usr/bin/python3"), "python9", "--python python9: there is no such interpreter or virtual environment"},
		{"a broken environment", world("/gone", "/usr/bin/python3"), "", "the active virtual environment /gone has no bin/python: activate another, or name an interpreter with --python"},
		{"none at all", world(""), "", "there is no Python: no virtual environment is active, /apps/.venv/bin/python does not exist and python3 is not in the PATH; install Python 3.11, or name an interpreter with --python"},
	} {
		_, err := test.world.Choose(test.asked, "/apps/heat.py")
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}
