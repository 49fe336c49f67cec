package environments

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/sdk"
)

// module is what the node's interpreter is asked by.
const module = "pyudf._environment"

// marker is the file that makes an environment whole. It is written last and removed first.
const marker = "pyudf-environment.json"

// answer is what the node's own environment is, and how it stands to what a bundle needs.
type answer struct {
	Python       string   `json:"python"`
	Platform     string   `json:"platform"`
	Pyudf        string   `json:"pyudf"`
	Package      string   `json:"package"`
	Dependencies []string `json:"dependencies"`
	Pip          bool     `json:"pip"`
	Requirements []string `json:"requirements"`
	Missing      []string `json:"missing"`
	Faults       []string `json:"faults"`
}

func (b *Builder) ask(ctx context.Context, requirements []string) (*answer, error) {
	if requirements == nil {
		requirements = []string{}
	}
	question, err := json.Marshal(map[string]any{"requirements": requirements})
	if err != nil {
		return nil, fmt.Errorf("ask for what is installed: %w", err)
	}
	said, err := sdk.Ask(ctx, sdk.Question{Python: b.config.Python, Module: module, Args: []string{"check"}, Input: question})
	if err != nil {
		return nil, err
	}
	var a answer
	if err := json.Unmarshal(said, &a); err != nil {
		return nil, fmt.Errorf("ask %s for what is installed: %w", b.config.Python, err)
	}
	return &a, nil
}

// wanted is an environment that somebody needs.
type wanted struct {
	node   *answer
	python string
	home   string
}

// identity is what makes two environments the same, and what its marker says of one.
type identity struct {
	Requirements []string `json:"requirements"`
	Python       string   `json:"python"`
	Platform     string   `json:"platform"`
	Pyudf        string   `json:"pyudf"`
	// Package is where pyudf is linked from: two installations of one version may differ.
	Package      string   `json:"package"`
	Dependencies []string `json:"dependencies"`
}

func (w *wanted) describe() []byte {
	encoded, err := json.Marshal(identity{
		Requirements: w.node.Requirements, Python: w.python, Platform: w.node.Platform,
		Pyudf: w.node.Pyudf, Package: w.node.Package, Dependencies: w.node.Dependencies,
	})
	if err != nil {
		panic(err) // texts are always JSON
	}
	return encoded
}

// hashDigits are enough for all environments ever, and leave room in the first line of scripts.
const hashDigits = 24

func (w *wanted) hash() string {
	sum := sha256.Sum256(w.describe())
	return hex.EncodeToString(sum[:])[:hashDigits]
}

func (w *wanted) dir() string { return filepath.Join(w.home, w.hash()) }

func (w *wanted) interpreter() string { return filepath.Join(w.dir(), "bin", "python") }

// isWhole tells whether the environment was made to its end, and the Python that it is of is still there.
func (w *wanted) isWhole() bool {
	_, marked := os.Stat(filepath.Join(w.dir(), marker))
	_, runs := os.Stat(w.interpreter())
	return marked == nil && runs == nil
}

func (w *wanted) finish() error {
	if err := os.WriteFile(filepath.Join(w.dir(), marker), append(w.describe(), '\n'), 0o600); err != nil {
		return unwritable(w.home, err)
	}
	return nil
}

// discard removes an environment, or what there is of it.
func discard(dir string) error {
	err := os.Remove(filepath.Join(dir, marker))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		return fmt.Errorf("remove the environment %s: %w", dir, err)
	}
	return nil
}
