package node_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/node"
)

// childEnv has the child of a test claim a slot of the directory that it names, and say its id.
const childEnv = "PYUDF_TEST_CLAIM"

func TestMain(m *testing.M) {
	dir := os.Getenv(childEnv)
	if dir == "" {
		os.Exit(m.Run())
	}
	n, err := node.Claim(dir, "")
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString(n.ID() + "\n")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test kills it
}

func claim(t *testing.T, dir, name string) *node.Node {
	t.Helper()
	n, err := node.Claim(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Release() }) // released twice at most
	return n
}

func release(t *testing.T, n *node.Node) {
	t.Helper()
	if err := n.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestTheLowestFreeSlotIsTakenWithItsId(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "heat")
	first, second, third := claim(t, dir, ""), claim(t, dir, ""), claim(t, dir, "")
	ids := []string{first.ID(), second.ID(), third.ID()}
	if slices.Sort(ids); len(slices.Compact(ids)) != 3 {
		t.Fatalf("ids are not three: %v", ids)
	}
	release(t, second)
	if again := claim(t, dir, ""); again.ID() != second.ID() || again.Dir() != second.Dir() {
		t.Errorf("the free slot is %s in %s, want %s in %s", again.ID(), again.Dir(), second.ID(), second.Dir())
	}
	if fourth := claim(t, dir, ""); slices.Contains(ids, fourth.ID()) {
		t.Errorf("a fourth process got an id that another has: %s", fourth.ID())
	}
}

func TestASlotIsFreeWhenItsProcessDies(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "heat")
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+dir)
	if _, err := child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	id := strings.TrimSpace(line)
	if other := claim(t, dir, ""); other.ID() == id {
		t.Error("two processes have one slot")
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	if n := claim(t, dir, ""); n.ID() != id {
		t.Errorf("the slot of the dead process is %s, want %s", n.ID(), id)
	}
}

func TestIdsDifferBetweenMachines(t *testing.T) {
	if a, b := claim(t, t.TempDir(), ""), claim(t, t.TempDir(), ""); a.ID() == b.ID() {
		t.Errorf("both are %s", a.ID())
	}
}

func TestATornIdIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	first := claim(t, dir, "")
	release(t, first)
	if err := os.WriteFile(filepath.Join(first.Dir(), "id"), []byte("n12"), 0o600); err != nil {
		t.Fatal(err)
	}
	torn := claim(t, dir, "")
	if len(torn.ID()) != len(first.ID()) {
		t.Errorf("the id is %q", torn.ID())
	}
	release(t, torn)
	if again := claim(t, dir, ""); again.ID() != torn.ID() {
		t.Errorf("the new id %s did not last: %s", torn.ID(), again.ID())
	}
}

func TestANameIsTheIdOfOneProcess(t *testing.T) {
	dir := t.TempDir()
	n := claim(t, dir, "pod-7")
	if n.ID() != "pod-7" {
		t.Errorf("the id is %s", n.ID())
	}
	_, err := node.Claim(dir, "pod-7")
	if err == nil || !strings.Contains(err.Error(), "another process on this machine runs as node pod-7") {
		t.Errorf("got %v", err)
	}
	release(t, n)
	claim(t, dir, "pod-7")
	if _, err := node.Claim(dir, "a/b"); err == nil || !strings.Contains(err.Error(), `"a/b" cannot be the name of a node`) {
		t.Errorf("got %v", err)
	}
}

func TestANameNeedsNoDirectory(t *testing.T) {
	n := claim(t, "", "pod-7")
	if n.ID() != "pod-7" || n.Dir() != "" {
		t.Errorf("got %s in %q", n.ID(), n.Dir())
	}
	release(t, n)
}

func TestASlotIsTheUsersOwn(t *testing.T) {
	n := claim(t, t.TempDir(), "")
	info, err := os.Stat(n.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("its mode is %s", info.Mode())
	}
}

func TestSlotsAreListedAndDisturbNoStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "heat")
	if dirs, err := node.Slots(dir); err != nil || dirs != nil {
		t.Fatalf("got %v (%v) where nothing is", dirs, err)
	}
	a, b := claim(t, dir, ""), claim(t, dir, "pod-7")
	dirs, err := node.Slots(dir)
	if want := []string{b.Dir(), a.Dir()}; err != nil || !slices.Equal(dirs, want) {
		t.Errorf("got %v (%v), want %v", dirs, err, want)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory of the stores was touched: %v", err)
	}
}

func TestNodesOfAllGroupsAreFound(t *testing.T) {
	home := filepath.Join(t.TempDir(), "of [all]")
	if dirs, err := node.All(home); err != nil || dirs != nil {
		t.Fatalf("got %v (%v) where nothing is", dirs, err)
	}
	a, b := claim(t, filepath.Join(home, "c1", "heat"), ""), claim(t, filepath.Join(home, "c2", "a,b"), "pod-7")
	dirs, err := node.All(home)
	if want := []string{a.Dir(), b.Dir()}; err != nil || !slices.Equal(dirs, want) {
		t.Errorf("got %v (%v), want %v", dirs, err, want)
	}
}

func TestAPlaceThatCannotBeWrittenIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := node.Claim(filepath.Join(file, "heat"), "")
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "--state-dir") {
		t.Errorf("got %v", err)
	}
}
