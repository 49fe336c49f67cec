package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/embedded"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/state"
)

func TestStateIsWhereTheFlagOrTheEnvironmentSays(t *testing.T) {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ flag, environment, want string }{
		{"dir", "/xdg", "dir"},
		{"", "/xdg", "/xdg/pyudf"},
		{"", "relative", filepath.Join(home, ".local", "state", "pyudf")},
		{"", "", filepath.Join(home, ".local", "state", "pyudf")},
	} {
		p := newProgram(t)
		p.env["XDG_STATE_HOME"] = test.environment
		got, err := stateHome(p.world, test.flag)
		if err != nil || got != test.want {
			t.Errorf("%+v: got %s (%v)", test, got, err)
		}
	}
}

func TestEveryNameIsADirectoryOfItsOwn(t *testing.T) {
	for name, want := range map[string]string{"heat": "heat", "a/b": "a%2Fb", "a%2Fb": "a%252Fb", ".": "%2E", "..": "%2E%2E", "a.b": "a.b"} {
		if got := safe(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// stateRig opens the state of a run on a broker.
type stateRig struct {
	flags  runFlags
	config embedded.Config
}

func (r stateRig) use(t *testing.T, use func(state.Root)) error {
	t.Helper()
	broker, err := embedded.Start(r.config)
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close() //nolint:errcheck // nothing of it is kept
	logger := slog.New(slog.DiscardHandler)
	cluster, err := connect(t.Context(), map[string]string{"bootstrap.servers": broker.Addr()}, logger)
	if err != nil {
		t.Fatal(err)
	}
	ports := &ports{config: portsConfig{group: "heat", logger: logger}, cluster: cluster}
	defer ports.close()
	kept, err := r.flags.openState(t.Context(), newProgram(t).world, &plan.Plan{Sources: []*plan.Source{{Keyed: true}}}, ports)
	if err != nil {
		return err
	}
	use(kept.root)
	kept.close()
	return nil
}

// leave writes a store; leftover tells whether there is what it wrote.
func leave(t *testing.T, root state.Root) {
	t.Helper()
	changes := &state.Changes{}
	changes.Set([]byte("k"), []byte("v"))
	store, err := root.Open("weather-0")
	if err == nil {
		err = errors.Join(store.Apply(changes), store.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func leftover(t *testing.T, root state.Root) bool {
	t.Helper()
	store, err := root.Open("weather-0")
	if err != nil {
		t.Fatal(err)
	}
	_, there, err := store.Get([]byte("k"))
	if err = errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	return there
}

func TestStateIsThatOfOneClusterUntilItIsReset(t *testing.T) {
	dir := t.TempDir()
	kept := embedded.Config{DataDir: t.TempDir()}
	for _, test := range []struct {
		name   string
		broker embedded.Config
		reset  bool
		want   bool
	}{
		{"a broker in memory", embedded.Config{}, false, false},
		{"another broker in memory", embedded.Config{}, false, false},
		{"a broker with data", kept, false, false},
		{"the same data", kept, false, true},
		{"the same data and --reset-state", kept, true, false},
		{"and once more", kept, false, true},
	} {
		rig := stateRig{runFlags{stateDir: dir, resetState: test.reset}, test.broker}
		err := rig.use(t, func(root state.Root) {
			if got := leftover(t, root); got != test.want {
				t.Errorf("%s: state is there: %t", test.name, got)
			}
			leave(t, root)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAStateDirThatIsNoneIsNamed(t *testing.T) {
	file := writeFile(t, "file", "")
	err := stateRig{flags: runFlags{stateDir: file}}.use(t, func(state.Root) { t.Error("it was opened") })
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "cannot be written") {
		t.Fatalf("got %v", err)
	}
}
