package environments

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/sdk"
)

// installer is a program that makes environments and fills them. All indexes, caches and credentials are as it is configured
// on this machine.
type installer struct {
	name string
	// create is the command that makes the environment, to which its directory is added.
	create []string
	// install is the command that fills it, to which requirements are added.
	install []string
	// settings say where people tell it of indexes.
	settings string
	// python is what to do if it finds no interpreter.
	python string
}

// installer returns the one to make an environment with.
func (b *Builder) installer(ctx context.Context, w *wanted) (*installer, error) {
	uv, found := b.findUV()
	switch {
	case b.config.Installer == UV && !found:
		return nil, outcome.Mendf("there is no uv in the PATH, nor beside %s: install it, or choose pip", b.config.Python)
	case b.config.Installer != Pip && found:
		return b.byUV(uv, w), nil
	default:
		return b.byPip(ctx, w)
	}
}

// findUV looks in the PATH, and in the node's own environment, which need not be active.
func (b *Builder) findUV() (string, bool) {
	if path, err := exec.LookPath(UV); err == nil {
		return path, true
	}
	path, err := exec.LookPath(filepath.Join(filepath.Dir(b.config.Python), UV))
	return path, err == nil
}

func (b *Builder) byUV(uv string, w *wanted) *installer {
	python := w.python
	if w.node.Python == w.python {
		python = b.config.Python
	}
	offline := []string{}
	if len(b.config.Wheels) > 0 {
		offline = append(offline, "--offline")
	}
	base := append([]string{uv, "--color=never", "--no-progress"}, offline...)
	return &installer{
		name:     UV,
		create:   append(slices.Clip(base), "venv", "--no-project", "--python="+python),
		install:  append(slices.Clip(base), "pip", "install", "--python="+w.interpreter()),
		settings: "UV_INDEX or uv.toml",
		python:   "install it, by `uv python install " + w.python + "` for example",
	}
}

// byPip makes environments with the standard library, and fills them with the node's pip, or with one of their own if it
// has none.
func (b *Builder) byPip(ctx context.Context, w *wanted) (*installer, error) {
	i := &installer{
		name:     Pip,
		settings: "PIP_INDEX_URL or pip.conf",
		python:   "install it so that python" + w.python + " is in the PATH",
	}
	python, err := b.findPython(ctx, w, i)
	if err != nil {
		return nil, err
	}
	i.create = []string{python, "-I", "-m", "venv"}
	i.install = []string{w.interpreter(), "-I", "-m", "pip"}
	if w.node.Pip {
		i.create = append(i.create, "--without-pip")
		i.install = []string{b.config.Python, "-I", "-m", "pip", "--python", w.interpreter()}
	}
	i.install = append(i.install, "--no-input", "--no-color", "--disable-pip-version-check", "install", "--progress-bar=off")
	return i, nil
}

// findPython returns an interpreter of the version that is wanted: the node's own, else one of the PATH. Some that are there
// do not run, as those of version managers that have others active.
func (b *Builder) findPython(ctx context.Context, w *wanted, i *installer) (string, error) {
	if w.node.Python == w.python {
		return b.config.Python, nil
	}
	for _, directory := range filepath.SplitList(os.Getenv("PATH")) {
		path, err := exec.LookPath(filepath.Join(directory, "python"+w.python))
		if err != nil {
			continue
		}
		said, err := exec.CommandContext(ctx, path, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").Output()
		if err == nil && strings.TrimSpace(string(said)) == w.python {
			return path, nil
		}
	}
	return "", b.noPython(w, i, nil)
}

func (b *Builder) noPython(w *wanted, i *installer, said []string) error {
	return outcome.Mendf("the bundle was built with Python %s, and this node has Python %s and no other of that version: %s, or build the bundle with Python %s%s",
		w.python, w.node.Python, i.python, w.node.Python, quote(said))
}

// create makes an empty environment, and links pyudf.
func (b *Builder) create(ctx context.Context, w *wanted, i *installer) error {
	said, err := b.run(ctx, append(i.create, w.dir()))
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return ctx.Err()
	case w.node.Python != w.python:
		return b.noPython(w, i, essence(said))
	case strings.Contains(strings.Join(said, "\n"), "ensurepip"):
		return outcome.Mendf("the Python of this node cannot make environments, as it has no pip: install uv, or the system's package for that, python3-venv on Debian%s", quote(essence(said)))
	default:
		return fmt.Errorf("make the environment %s by %s: %w%s", w.dir(), i.name, err, quote(essence(said)))
	}
	_, err = sdk.Ask(ctx, sdk.Question{Python: b.config.Python, Module: module, Args: []string{"link", w.interpreter()}})
	if err != nil {
		return fmt.Errorf("put pyudf into the environment %s: %w", w.dir(), err)
	}
	return nil
}

// fill installs what is required, and what pyudf needs, all in one go so that it fits together.
func (b *Builder) fill(ctx context.Context, w *wanted, i *installer) (err error) {
	command := i.install
	if len(b.config.Wheels) > 0 {
		own, err := os.MkdirTemp(w.dir(), ".wheels-")
		if err != nil {
			return unwritable(w.home, err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(own)) }()
		if err := b.packOwn(ctx, w, own); err != nil {
			return err
		}
		command = append(command, "--no-index")
		for _, directory := range append([]string{own}, b.config.Wheels...) {
			// As an address, because in a plain path a # would end it.
			address := url.URL{Scheme: "file", Path: directory}
			command = append(command, "--find-links", address.String())
		}
	}
	command = append(command, "--")
	command = append(append(command, w.node.Dependencies...), w.node.Requirements...)
	said, err := b.run(ctx, command)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return b.unresolved(w, i, essence(said))
	}
}

// packOwn writes wheels of what pyudf needs, so that the directories of the node need not have them. For another version of
// Python than the node's they may not fit.
func (b *Builder) packOwn(ctx context.Context, w *wanted, into string) error {
	_, err := sdk.Ask(ctx, sdk.Question{Python: b.config.Python, Module: module, Args: []string{"wheels", into}})
	if err != nil {
		return fmt.Errorf("pack what pyudf needs for the environment %s: %w", w.dir(), err)
	}
	return nil
}

// unresolved says what cannot be installed, and what to do about it.
func (b *Builder) unresolved(w *wanted, i *installer, said []string) error {
	where := "tell this node's " + i.name + " of an index that has it (" + i.settings + ")"
	if len(b.config.Wheels) > 0 {
		where = "put a wheel that fits into " + strings.Join(b.config.Wheels, " or ")
	}
	what := "what the bundle requires"
	if blamed := named(said, w.node.Requirements); len(blamed) > 0 {
		what = some(blamed, ", ")
	}
	if own := named(said, w.node.Dependencies); len(own) > 0 {
		what += " (pyudf itself needs " + some(own, ", ") + ")"
	}
	return outcome.Mendf("%s cannot be installed for Python %s: change what is required and build the bundle again, or %s; %s says:%s",
		b.hide(what), w.python, where, i.name, quote(said))
}
