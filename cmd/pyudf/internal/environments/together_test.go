package environments_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/environments"
)

// outcomeOf is what a call of Ensure came to.
type outcomeOf struct {
	lease *environments.Lease
	err   error
}

func (r *rig) begin(ctx context.Context, requirements ...string) <-chan outcomeOf {
	done := make(chan outcomeOf, 1)
	go func() {
		lease, err := r.ensure(ctx, requirements...)
		done <- outcomeOf{lease, err}
	}()
	return done
}

func TestTwoWhoNeedTheSameEnvironmentMakeItOnce(t *testing.T) {
	g := openGate(t)
	config := environments.Config{Dir: t.TempDir(), Wheels: []string{gatedWheels(t)}}
	one, two := newRig(t, config), newRig(t, config)
	first := one.begin(t.Context(), "gated")
	build := g.arrival(t)
	second := two.begin(t.Context(), "gated")
	two.told.await(t, "waiting")
	pass(t, build)
	a, b := <-first, <-second
	if a.err != nil || b.err != nil {
		t.Fatal(a.err, b.err)
	}
	defer a.lease.Release()
	defer b.lease.Release()
	if a.lease.Python != b.lease.Python || two.told.count("making an environment") != 0 {
		t.Errorf("they made %s and %s; the second told: %s", a.lease.Python, b.lease.Python, two.told.text())
	}
}

func TestWhatAKilledBuilderLeftIsMadeAnew(t *testing.T) {
	eachInstaller(t, func(t *testing.T, installer string) {
		g := openGate(t)
		config := environments.Config{Dir: t.TempDir(), Wheels: []string{gatedWheels(t)}, Installer: installer}
		r := newRig(t, config)
		task, err := json.Marshal(childTask{
			Dir: config.Dir, Python: nodePython(t), Installer: installer, Version: r.version,
			Wheels: config.Wheels, Requirements: []string{"gated"},
		})
		if err != nil {
			t.Fatal(err)
		}
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), childEnv+"="+string(task))
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		build := g.arrival(t)
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := child.Wait(); err == nil {
			t.Fatal("the builder was not killed")
		}
		pass(t, build)
		pythons, err := filepath.Glob(filepath.Join(config.Dir, "*", "bin", "python"))
		if err != nil || len(pythons) != 1 {
			t.Fatalf("the builder left %v (%v)", pythons, err)
		}
		leftover := filepath.Join(filepath.Dir(pythons[0]), "leftover")
		if err := os.WriteFile(leftover, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		again := r.begin(t.Context(), "gated")
		pass(t, g.arrival(t))
		made := <-again
		if made.err != nil {
			t.Fatal(made.err)
		}
		defer made.lease.Release()
		if _, err := os.Stat(leftover); made.lease.Python != pythons[0] || err == nil {
			t.Errorf("%s is made on top of what was left in %s", made.lease.Python, pythons[0])
		}
		ask(t, made.lease.Python, "import gated, pyudf.worker")
	})
}

func TestCancellingEndsTheInstallerAndAllThatItStarted(t *testing.T) {
	eachInstaller(t, func(t *testing.T, installer string) {
		g := openGate(t)
		dir := t.TempDir()
		r := newRig(t, environments.Config{Dir: dir, Wheels: []string{gatedWheels(t)}, Installer: installer})
		ctx, cancel := context.WithCancel(t.Context())
		done := r.begin(ctx, "gated")
		build := g.arrival(t)
		cancel()
		if _, err := build.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the build goes on: %v", err)
		} else if !errors.Is(err, io.EOF) {
			t.Logf("the build ended: %v", err)
		}
		if got := <-done; !errors.Is(got.err, context.Canceled) {
			t.Errorf("it ends with %v", got.err)
		}
		requireNoEnvironment(t, dir)
		pass(t, build)
	})
}
