package environments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
)

// The installers.
const (
	UV  = "uv"
	Pip = "pip"
)

// Config says where environments lie and how they are made.
type Config struct {
	// Dir is the directory that they lie in, each under the hash of what is in it.
	Dir string
	// Python is the node's interpreter, which has pyudf: a path, or a name to look for in PATH.
	Python string
	// Wheels are directories with wheels. If there are any, no index is asked.
	Wheels []string
	// Isolated has environments made even where the node's own has all that is needed.
	Isolated bool
	// Installer is UV or Pip; empty: uv where it is, else pip.
	Installer string
	// KeepFor is how long an environment stays that nobody uses; 0: a week.
	KeepFor time.Duration
	// Logger gets what installers write, as debug; nil: nothing is logged.
	Logger *slog.Logger
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// EnsureDefaults sets what is empty.
func (c *Config) EnsureDefaults() {
	if c.KeepFor == 0 {
		c.KeepFor = 7 * 24 * time.Hour
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// Builder makes environments. Its methods may be called by several goroutines, and by several processes with one directory.
type Builder struct {
	config Config
	secrets
}

// New returns a builder. Its errors say what of the configuration is to be mended.
func New(config Config) (*Builder, error) {
	config.EnsureDefaults()
	if err := config.resolve(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, unwritable(config.Dir, err)
	}
	return &Builder{config: config, secrets: secretsOf(os.Environ())}, nil
}

// resolve makes paths absolute and finds what they name.
func (c *Config) resolve() error {
	if !slices.Contains([]string{"", UV, Pip}, c.Installer) {
		return outcome.Mendf("there is no installer %q: name %s or %s", c.Installer, UV, Pip)
	}
	python, err := exec.LookPath(c.Python)
	if err != nil {
		return outcome.Mendf("there is no Python interpreter %s: name one with --python", c.Python)
	}
	wheels := make([]string, len(c.Wheels))
	for i, directory := range c.Wheels {
		if info, err := os.Stat(directory); err != nil || !info.IsDir() {
			return outcome.Mendf("there is no directory %s with wheels: name one that is there", directory)
		}
		wheels[i] = directory
	}
	c.Wheels = wheels
	paths := []*string{&c.Dir, &python}
	for i := range wheels {
		paths = append(paths, &wheels[i])
	}
	for _, path := range paths {
		if *path, err = filepath.Abs(*path); err != nil {
			return fmt.Errorf("find %s: %w", *path, err)
		}
	}
	c.Python = python
	return nil
}

var minorVersion = regexp.MustCompile(`^3\.[0-9]{1,3}$`)

// Ensure returns an environment with a version of Python, as in 3.11, that has all requirements and pyudf as this node has it.
// It makes one if there is none, and progress gets a line for each part of that. What cannot be had is an error to be mended.
// The caller releases the environment when the last worker in it has ended.
func (b *Builder) Ensure(ctx context.Context, requirements []string, python string, progress func(string)) (*Lease, error) {
	if !minorVersion.MatchString(python) {
		return nil, outcome.Mendf("the bundle was built with Python %q, which is no version such as 3.11: build it again", python)
	}
	node, err := b.ask(ctx, requirements)
	if err != nil {
		return nil, err
	}
	if len(node.Faults) > 0 {
		return nil, outcome.Mendf("%s: correct it where the bundle has it from, and build the bundle again", b.hide(strings.Join(node.Faults, "; ")))
	}
	if !b.config.Isolated && node.Python == python && len(node.Missing) == 0 {
		progress(fmt.Sprintf("the node's own environment has Python %s and all that is required", python))
		return &Lease{Python: b.config.Python}, nil
	}
	return b.acquire(ctx, &wanted{node: node, python: python, home: b.config.Dir}, progress)
}

// acquire takes an environment for use, and makes it before if need be.
func (b *Builder) acquire(ctx context.Context, w *wanted, progress func(string)) (*Lease, error) {
	for made := false; ; made = true {
		lease, err := b.lease(ctx, w, progress)
		if lease != nil && !made {
			progress("the environment is there already")
		}
		if err != nil || lease != nil {
			return lease, err
		}
		if err := b.makeOnce(ctx, w, progress); err != nil {
			return nil, err
		}
	}
}

// makeOnce makes an environment if nobody else has meanwhile.
func (b *Builder) makeOnce(ctx context.Context, w *wanted, progress func(string)) error {
	lock, err := b.hold(ctx, w.hash(), alone, waiting(progress))
	if err != nil {
		return err
	}
	defer release(lock)
	if w.isWhole() {
		return nil
	}
	began := b.config.Now()
	if err := b.make(ctx, w, progress); err != nil {
		return errors.Join(err, discard(w.dir()))
	}
	progress(fmt.Sprintf("the environment is ready after %.1f s", b.config.Now().Sub(began).Seconds()))
	return nil
}

// make makes an environment. REQUIRES: its lock is held alone.
func (b *Builder) make(ctx context.Context, w *wanted, progress func(string)) error {
	if w.node.Dependencies == nil {
		return outcome.Mendf("pyudf lies in %s without having been installed, so that nobody knows what it needs: install it into the environment of %s, and start the node again", w.node.Package, b.config.Python)
	}
	// What somebody began who was killed.
	if err := discard(w.dir()); err != nil {
		return err
	}
	if reasons := b.reasons(w); reasons != "" {
		progress(reasons)
	}
	i, err := b.installer(ctx, w)
	if err != nil {
		return err
	}
	progress(fmt.Sprintf("making an environment with Python %s by %s", w.python, i.name))
	if err := b.create(ctx, w, i); err != nil {
		return err
	}
	progress("installing " + b.hide(sentence(w)))
	if err := b.fill(ctx, w, i); err != nil {
		return err
	}
	return w.finish()
}

// reasons says why the node's own environment does not do.
func (b *Builder) reasons(w *wanted) string {
	switch {
	case w.node.Python != w.python:
		return "the node's own environment has Python " + w.node.Python
	case len(w.node.Missing) == 0:
		return ""
	default:
		return "the node's own environment does not do: " + b.hide(some(w.node.Missing, ", "))
	}
}

func sentence(w *wanted) string {
	if len(w.node.Requirements) == 0 {
		return "what pyudf needs"
	}
	return some(w.node.Requirements, ", ") + " and what pyudf needs"
}

// some joins the first few.
func some(all []string, separator string) string {
	const few = 5
	if len(all) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:few], separator), len(all)-few)
	}
	return strings.Join(all, separator)
}

func waiting(progress func(string)) func() {
	return func() { progress("somebody else is at work on this environment: waiting for that") }
}

func unwritable(dir string, err error) error {
	return fmt.Errorf("environments cannot be written to %s: %w; make room, let this user write there, or choose another --state-dir", dir, err)
}
