package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/progress"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// packed is a bundle that is ready to go.
type packed struct {
	archive  []byte
	manifest manifest
	// statements is how many of a notebook went in, and left how many did not.
	statements, left int
	notes            []string
}

// manifest is what is needed here of a bundle's bundle.json.
type manifest struct {
	App   string `json:"app"`
	Entry struct {
		Kind     string `json:"kind"`
		Name     string `json:"name"`
		Function bool   `json:"function"`
	} `json:"entry"`
	Requirements []string `json:"requirements"`
	Files        []struct {
		Path string `json:"path"`
	} `json:"files"`
}

// bundleSuffix ends the names of bundles.
const bundleSuffix = ".pyudf"

// pack returns the bundle of a target, which is built unless it is one.
func (f *bundleFlags) pack(ctx context.Context, named string) (*packed, error) {
	if strings.HasSuffix(named, bundleSuffix) {
		return readPacked(named)
	}
	dir, err := os.MkdirTemp("", "pyudf-deploy-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // temporary files are the system's to sweep if need be
	build := *f
	build.out, build.output = filepath.Join(dir, "app"+bundleSuffix), "json"
	var said bytes.Buffer
	if err := build.bundling(ctx, &said, "build", named); err != nil {
		return nil, err
	}
	p := &packed{}
	if err := p.read(build.out); err != nil {
		return nil, err
	}
	return p, p.describe(said.Bytes())
}

// describe takes what the Python that made the bundle says of it.
func (p *packed) describe(said []byte) error {
	var described struct {
		Parts []struct {
			Taken bool `json:"taken"`
		} `json:"parts"`
		Notes []string `json:"notes"`
	}
	if err := json.Unmarshal(said, &described); err != nil {
		return fmt.Errorf("what python -m %s says of the bundle cannot be read: %w; the Python environment may have a pyudf of another version", bundlingModule, err)
	}
	for _, part := range described.Parts {
		if part.Taken {
			p.statements++
		} else {
			p.left++
		}
	}
	p.notes = described.Notes
	return nil
}

// readPacked reads a bundle that somebody built before.
func readPacked(path string) (*packed, error) {
	p := &packed{}
	err := p.read(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, outcome.Mendf("%s: %w; give the path of a bundle as seen from this directory", path, cause(err))
	case err != nil:
		return nil, outcome.Mendf("%s is no bundle that can be read: %w; build it again", path, err)
	}
	return p, nil
}

func (p *packed) read(path string) error {
	var err error
	if p.archive, err = os.ReadFile(path); err != nil {
		return err
	}
	archive, err := zip.NewReader(bytes.NewReader(p.archive), int64(len(p.archive)))
	if err != nil {
		return err
	}
	file, err := archive.Open("bundle.json")
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	return json.NewDecoder(io.LimitReader(file, 64<<20)).Decode(&p.manifest)
}

// fits says what is wrong with a bundle and what was said of a single function.
func (p *packed) fits(named string, function *controlv1.Function) error {
	single := p.manifest.Entry.Function
	switch {
	case single && (function.GetFrom() == "" || function.GetTo() == ""):
		return fmt.Errorf("%s is a single function: say what it reads with --from TOPIC, and where its results go with --to TOPIC", named)
	case !single && function != nil:
		return fmt.Errorf("%s has an app, which says itself what it reads and writes: leave out --from, --to, --column, --key and --time", named)
	default:
		return nil
	}
}

// name returns what the deployment is called if nobody says otherwise, empty if only the app itself knows.
func (p *packed) name() string {
	if p.manifest.Entry.Function {
		return p.manifest.Entry.Name
	}
	return p.manifest.App
}

// summary says in short what goes, and what somebody should know.
func (p *packed) summary(named string) []string {
	var parts []string
	if p.statements > 0 && p.manifest.Entry.Kind == "notebook" {
		parts = append(parts, progress.Count(int64(p.statements), "statement"))
	}
	parts = append(parts, progress.Count(int64(len(p.manifest.Files)), "file"), progress.Count(int64(len(p.manifest.Requirements)), "requirement"))
	lines := []string{fmt.Sprintf("%s: %s, %s; `pyudf bundle show %s` says which", named, strings.Join(parts, ", "), progress.Bytes(int64(len(p.archive))), named)}
	for _, note := range p.notes {
		lines = append(lines, "note: "+note)
	}
	return lines
}
