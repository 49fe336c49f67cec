package console_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/console"
	"github.com/pyudf/pyudf/engine/status"
)

func start(t *testing.T, config console.Config) *console.Server {
	t.Helper()
	config.Logger = slog.New(slog.DiscardHandler)
	if config.Status == nil {
		config.Status = func() status.Run { return status.Run{App: "heat"} }
	}
	s, err := console.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // closed twice at most
	return s
}

// long is a slot whose path is too long for a socket. Temporary files have another place in the test.
func long(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	t.Setenv("TMPDIR", short(t))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// short is a directory with a short path.
func short(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "t") //nolint:usetesting // the path must be short, wherever temporary files are
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range all {
		names = append(names, entry.Name())
	}
	return names
}

func TestARunSaysHowItIs(t *testing.T) {
	for name, slot := range map[string]func(*testing.T) string{"a short path": short, "a long path": long} {
		t.Run(name, func(t *testing.T) {
			dir := slot(t)
			watermark := int64(1000)
			start(t, console.Config{Dir: dir, Status: func() status.Run {
				return status.Run{App: "heat", PID: 7, Tasks: []status.Task{{Source: "weather", Partition: 3, Watermark: &watermark}}}
			}})
			run, err := console.Status(t.Context(), dir)
			if err != nil || run.App != "heat" || run.PID != 7 || len(run.Tasks) != 1 || *run.Tasks[0].Watermark != 1000 {
				t.Errorf("got %+v (%v)", run, err)
			}
		})
	}
}

func TestOnlyTheUserMayAsk(t *testing.T) {
	dir := long(t)
	start(t, console.Config{Dir: dir})
	address, err := os.ReadFile(filepath.Join(dir, "address"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{string(address): 0o600, filepath.Dir(string(address)): 0o700} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("the mode of %s is %v (%v), want %v", path, info.Mode(), err, want)
		}
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	for name, slot := range map[string]func(*testing.T) string{"a short path": short, "a long path": long} {
		t.Run(name, func(t *testing.T) {
			dir := slot(t)
			if err := start(t, console.Config{Dir: dir}).Close(); err != nil {
				t.Fatal(err)
			}
			if left := entries(t, dir); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			if left := entries(t, os.TempDir()); name == "a long path" && len(left) > 0 {
				t.Errorf("left among temporary files: %v", left)
			}
			if _, err := console.Status(t.Context(), dir); !errors.Is(err, console.ErrNobody) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// die leaves a slot as a process does that is killed.
func die(t *testing.T, dir, socket string) {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	unix, ok := listener.(*net.UnixListener)
	if !ok {
		t.Fatalf("got a %T", listener)
	}
	unix.SetUnlinkOnClose(false)
	err = errors.Join(unix.Close(), os.WriteFile(filepath.Join(dir, "address"), []byte(socket), 0o600),
		os.MkdirAll(filepath.Join(dir, "checkpoint-1", "topic-weather-0"), 0o700))
	if err != nil {
		t.Fatal(err)
	}
}

func TestASlotIsServedAgainAfterItsProcessDied(t *testing.T) {
	dir := long(t)
	elsewhere := filepath.Join(os.TempDir(), "pyudf-1")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	die(t, dir, filepath.Join(elsewhere, "socket"))
	if _, err := console.Status(t.Context(), dir); !errors.Is(err, console.ErrNobody) {
		t.Errorf("of a dead process came %v", err)
	}
	start(t, console.Config{Dir: dir})
	if _, err := console.Status(t.Context(), dir); err != nil {
		t.Error(err)
	}
	if left := entries(t, dir); len(left) != 1 {
		t.Errorf("the slot has %v", left)
	}
	if left := entries(t, os.TempDir()); len(left) != 1 || left[0] == "pyudf-1" {
		t.Errorf("among temporary files are %v", left)
	}
}

func TestAProcessThatDoesNotAnswerIsNotTakenForDead(t *testing.T) {
	dir := short(t)
	start(t, console.Config{Dir: dir, Status: func() status.Run {
		<-t.Context().Done()
		return status.Run{}
	}})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := console.Status(ctx, dir); err == nil || errors.Is(err, console.ErrNobody) {
		t.Errorf("got %v", err)
	}
}

func TestACheckpointIsMadeInTheSlot(t *testing.T) {
	dir := short(t)
	start(t, console.Config{Dir: dir, Checkpoint: func(_ context.Context, into string) error {
		return os.WriteFile(filepath.Join(into, "topic-weather-0"), nil, 0o600)
	}})
	made, err := console.Checkpoint(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(made) != dir || len(entries(t, made)) != 1 {
		t.Errorf("it is in %s with %v", made, entries(t, made))
	}
}

func TestACheckpointThatFailsSaysWhyAndLeavesNothing(t *testing.T) {
	dir := short(t)
	start(t, console.Config{Dir: dir, Checkpoint: func(_ context.Context, into string) error {
		return errors.Join(os.WriteFile(filepath.Join(into, "half"), nil, 0o600), errors.New("the disk is full"))
	}})
	_, err := console.Checkpoint(t.Context(), dir)
	if err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "checkpoint-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
