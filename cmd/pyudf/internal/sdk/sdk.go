// Package sdk owns how the program asks the Python package that it belongs to: it runs one of its modules to the end.
//
// It knows no module. bundles and environments call it.
package sdk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
)

// Question is a call of a module.
type Question struct {
	// Python is the interpreter that has pyudf.
	Python string
	// Module is what it runs, with Args.
	Module string
	Args   []string
	// Input is what the module reads.
	Input []byte
}

// Ask returns what the module writes. What it refuses is an error to be mended, with its own words.
func Ask(ctx context.Context, question Question) ([]byte, error) {
	// -P: what lies in the working directory hides nothing.
	arguments := append([]string{"-P", "-m", question.Module}, question.Args...)
	python := exec.CommandContext(ctx, question.Python, arguments...)
	var said bytes.Buffer
	python.Stdin, python.Stderr = bytes.NewReader(question.Input), &said
	answer, err := python.Output()
	if err == nil {
		return answer, nil
	}
	return nil, question.explain(ctx, err, strings.TrimSpace(said.String()))
}

func (q Question) explain(ctx context.Context, err error, said string) error {
	exit, ended := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case ended && exit.ExitCode() == outcome.Mend && !strings.HasPrefix(said, "usage:"):
		return outcome.Mendable(errors.New(said))
	case strings.Contains(said, "No module named"), strings.Contains(strings.ToLower(said), "unknown option"):
		return outcome.Mendf("the Python interpreter %s cannot run %s (%s): install pyudf there in the version of this program, or name another with --python", q.Python, q.Module, lastLine(said))
	case ended:
		return fmt.Errorf("%s of %s: %w\n%s", q.Module, q.Python, err, said)
	default:
		return outcome.Mendf("the Python interpreter %s cannot be run: %w; name another with --python", q.Python, err)
	}
}

func lastLine(text string) string { return text[strings.LastIndexByte(text, '\n')+1:] }
