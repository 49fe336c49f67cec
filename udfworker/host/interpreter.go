package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/pyudf/pyudf/udfworker/plugin"
)

// InterpreterError is a Python interpreter that cannot be a worker, or none at all.
type InterpreterError struct {
	Python string
	// Message says what is missing and what to do next.
	Message string
	Err     error
}

func (e *InterpreterError) Error() string { return e.Message }

func (e *InterpreterError) Unwrap() error { return e.Err }

var missingModule = regexp.MustCompile(`No module named '?([\w.]+)`)

// explain turns the failed start of an interpreter into what the user can do about it. Other errors it returns.
func explain(config Config, err error) error {
	python := config.Python
	fault := &InterpreterError{Python: python, Err: err}
	var exit *plugin.ExitError
	switch {
	case isMissing(config.Dir):
		return fmt.Errorf("the working directory %q of the worker does not exist: %w", config.Dir, err)
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		fault.Message = fmt.Sprintf("There is no Python interpreter %q. Name one with --python.", python)
	case errors.Is(err, fs.ErrPermission):
		fault.Message = fmt.Sprintf("The Python interpreter %q cannot be executed. Name another with --python.", python)
	case errors.As(err, &exit) && fault.describeMissing(exit.Lines):
	default:
		return err
	}
	return fault
}

func isMissing(directory string) bool {
	if directory == "" {
		return false
	}
	_, err := os.Stat(directory)
	return errors.Is(err, fs.ErrNotExist)
}

// describeMissing looks for the module that the worker missed. It can only be one of pyudf's: the user's own are
// missed later, and the worker itself tells.
func (e *InterpreterError) describeMissing(lines []string) bool {
	match := missingModule.FindStringSubmatch(strings.Join(lines, "\n"))
	if match == nil {
		return false
	}
	what := "the package pyudf"
	if missing := match[1]; missing != "pyudf" && !strings.HasPrefix(missing, "pyudf.") {
		what = fmt.Sprintf("the module %s, which pyudf needs", missing)
	}
	e.Message = fmt.Sprintf("The Python interpreter %q does not have %s. Install it with `%s -m pip install pyudf`, "+
		"or name another interpreter with --python.", e.Python, what, e.Python)
	return true
}
