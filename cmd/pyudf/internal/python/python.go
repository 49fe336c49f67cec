// Package python owns the choice of the interpreter that runs workers.
//
// It starts nothing. The command calls it with its view of the file system.
package python

import (
	"fmt"
	"path/filepath"
)

// Chooser chooses. Its fields are what it sees of the world.
type Chooser struct {
	// Getenv is os.Getenv.
	Getenv func(string) string
	// Executable tells whether a path is a file that can be run.
	Executable func(path string) bool
	// Exists tells whether there is something at a path.
	Exists func(path string) bool
	// LookPath is exec.LookPath.
	LookPath func(name string) (string, error)
	// Program is the path of this program, empty if it is not known.
	Program string
}

// Choose returns the interpreter for the app at appPath: what the user asked for, else that of the environment into
// which this program was installed, as its SDK is the one that fits, else the active virtual environment, else .venv
// beside the app, else python3 of the PATH. Its error says what to do.
func (c Chooser) Choose(asked, appPath string) (string, error) {
	if asked != "" {
		return c.explicit(asked)
	}
	if own, ok := c.own(); ok {
		return own, nil
	}
	if env := c.Getenv("VIRTUAL_ENV"); env != "" {
		interpreter := filepath.Join(env, "bin", "python")
		if !c.Executable(interpreter) {
			return "", fmt.Errorf("the active virtual environment %s has no bin/python: activate another, or name an interpreter with --python", env)
		}
		return interpreter, nil
	}
	beside := filepath.Join(filepath.Dir(appPath), ".venv", "bin", "python")
	if c.Executable(beside) {
		return beside, nil
	}
	found, err := c.LookPath("python3")
	if err != nil {
		return "", fmt.Errorf("there is no Python: no virtual environment is active, %s does not exist and python3 is not in the PATH; install Python 3.11, or name an interpreter with --python", beside)
	}
	return found, nil
}

func (c Chooser) explicit(asked string) (string, error) {
	if inside := filepath.Join(asked, "bin", "python"); c.Executable(inside) {
		return inside, nil
	}
	found, err := c.LookPath(asked)
	if err != nil {
		return "", fmt.Errorf("--python %s: there is no such interpreter or virtual environment", asked)
	}
	return found, nil
}

// own returns the interpreter of the environment that this program is installed in, if it is in one: of python -m venv
// and its like, or of conda.
func (c Chooser) own() (interpreter string, ok bool) {
	bin := filepath.Dir(c.Program)
	interpreter = filepath.Join(bin, "python")
	if c.Program == "" || !c.Executable(interpreter) {
		return "", false
	}
	root := filepath.Dir(bin)
	return interpreter, c.Exists(filepath.Join(root, "pyvenv.cfg")) || c.Exists(filepath.Join(root, "conda-meta"))
}
