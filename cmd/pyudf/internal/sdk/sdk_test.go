package sdk_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/sdk"
)

// nodePython returns the interpreter that has pyudf, and skips the test where there is none; in CI it fails.
func nodePython(t *testing.T) string {
	t.Helper()
	interpreter := os.Getenv("PYUDF_PYTHON")
	if interpreter == "" {
		interpreter = filepath.Join("..", "..", "..", "..", ".venv", "bin", "python")
	}
	if err := exec.CommandContext(t.Context(), interpreter, "-c", "import pyudf").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s has no pyudf: %v", interpreter, err)
		}
		t.Skipf("%s has no pyudf (%v): make .venv, or set PYUDF_PYTHON", interpreter, err)
	}
	return interpreter
}

func TestAModuleIsAskedAndAnswers(t *testing.T) {
	got, err := sdk.Ask(t.Context(), sdk.Question{Python: nodePython(t), Module: "json.tool", Args: []string{"--compact"}, Input: []byte(`{"a": 1}`)})
	if err != nil || string(got) != "{\"a\":1}\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestWhatLiesInTheWorkingDirectoryHidesNoModule(t *testing.T) {
	python, err := filepath.Abs(nodePython(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("json.py", []byte("raise SystemExit('the wrong json')"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sdk.Ask(t.Context(), sdk.Question{Python: python, Module: "json.tool", Input: []byte("1")}); err != nil {
		t.Error(err)
	}
}

func TestWhatSomebodyHasToMendIsSaidInTheModulesWords(t *testing.T) {
	python := nodePython(t)
	for _, test := range []struct {
		name     string
		question sdk.Question
		want     string
	}{
		{"a refusal", sdk.Question{Python: python, Module: "pyudf.bundling", Args: []string{"show", "none.pyudf"}}, "none.pyudf: No such file or directory"},
		{"no module", sdk.Question{Python: python, Module: "pyudf.absent"}, "No module named pyudf.absent): install pyudf there"},
		{"no interpreter", sdk.Question{Python: "/no/python", Module: "pyudf"}, "/no/python cannot be run"},
	} {
		_, err := sdk.Ask(t.Context(), test.question)
		if outcome.Code(err) != outcome.Mend || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}

func TestAModuleThatFailsIsNoFaultOfTheUser(t *testing.T) {
	_, err := sdk.Ask(t.Context(), sdk.Question{Python: nodePython(t), Module: "json.tool", Input: []byte("{")})
	if outcome.Code(err) != outcome.Failed || !strings.Contains(err.Error(), "json.tool") {
		t.Errorf("got %v", err)
	}
}

func TestAskingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sdk.Ask(ctx, sdk.Question{Python: nodePython(t), Module: "json.tool"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
