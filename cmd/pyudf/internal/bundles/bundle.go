package bundles

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/sdk"
)

// Bundle is a bundle on this node.
type Bundle struct {
	// File is where it lies: what a worker is started with.
	File string
	// Archive is the SHA-256 of the file, in hexadecimal digits, and Bytes its size.
	Archive string
	Bytes   int64
	// Hash is the bundle's own, and Content the one without the places of statements.
	Hash, Content string
	// App is the name of the app, empty if its code computes it.
	App string
	// Entry is what the app or function is called in the code, Target the notebook or file that it was made of.
	Entry, Target string
	// Function tells that it is a plain function, which has neither input nor output.
	Function bool
	// Requirements are what has to be installed, as pip reads them.
	Requirements []string
	// Python is the version that it was built with, as in 3.11, and Pyudf that of pyudf.
	Python, Pyudf string
}

// shown is what `python -m pyudf.bundling show` says, as far as it matters here.
type shown struct {
	Hash     string `json:"hash"`
	Content  string `json:"content_hash"`
	Manifest struct {
		App   string `json:"app"`
		Entry struct {
			Name     string `json:"name"`
			Target   string `json:"target"`
			Function bool   `json:"function"`
		} `json:"entry"`
		Python       string   `json:"python"`
		Pyudf        string   `json:"pyudf"`
		Requirements []string `json:"requirements"`
	} `json:"manifest"`
}

// look asks the SDK what is in a file. It refuses all that is not exactly as it was built.
func look(ctx context.Context, python, file string) (*Bundle, error) {
	answer, err := sdk.Ask(ctx, sdk.Question{
		Python: python,
		Module: "pyudf.bundling",
		Args:   []string{"show", "--output=json", "--", file},
	})
	if outcome.Code(err) == outcome.Mend {
		// Who sent it knows no file of this node.
		return nil, outcome.Mendable(errors.New(strings.ReplaceAll(err.Error(), file, "the bundle")))
	}
	if err != nil {
		return nil, err
	}
	var s shown
	if err := json.Unmarshal(answer, &s); err != nil {
		return nil, fmt.Errorf("look into a bundle: %w", err)
	}
	m := s.Manifest
	return &Bundle{
		Hash: s.Hash, Content: s.Content, App: m.App,
		Entry: m.Entry.Name, Target: m.Entry.Target, Function: m.Entry.Function,
		Requirements: m.Requirements, Python: m.Python, Pyudf: m.Pyudf,
	}, nil
}
