package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/gofrs/flock"
)

// The files of a slot.
const (
	lockFile = "lock"
	idFile   = "id"
)

// slots is how many processes of a group a machine may have.
const slots = 1024

// Node is a process that claimed a slot. It has it until Release, or until it dies.
type Node struct {
	id   string
	dir  string
	lock *flock.Flock
}

// Home returns where the nodes lie of the processes whose state is in a directory: beside it, as that has stores only. No
// group's directory can have this name, because a comma in a group's name is escaped.
func Home(stateDir string) string { return filepath.Clean(stateDir) + ",nodes" }

// Claim takes the lowest free slot of the processes whose state is in a directory: the id is the one that the process
// before in the slot had, or a new one that no other machine has. If a name is given, that is the id, and it is claimed for
// this process; where nothing can be written it is taken on trust, as containers may have no disk.
func Claim(stateDir, name string) (*Node, error) {
	if name != "" {
		return claimName(stateDir, name)
	}
	for number := range slots {
		n, err := claim(filepath.Join(Home(stateDir), fmt.Sprintf("slot-%d", number)))
		if errors.Is(err, errTaken) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n.id, err = identify(n.dir); err != nil {
			return nil, errors.Join(err, n.Release())
		}
		return n, nil
	}
	return nil, fmt.Errorf("%d processes of the group run on this machine already: stop some", slots)
}

func claimName(stateDir, name string) (*Node, error) {
	if !regexp.MustCompile(`^[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,99}$`).MatchString(name) {
		return nil, fmt.Errorf("%q cannot be the name of a node: use letters, digits, '.', '_' and '-', at most 100", name)
	}
	if stateDir == "" {
		return &Node{id: name}, nil
	}
	n, err := claim(filepath.Join(Home(stateDir), "node-"+name))
	switch {
	case errors.Is(err, errTaken):
		return nil, fmt.Errorf("another process on this machine runs as node %s of the group: stop it, or give one of them another name or --group", name)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return &Node{id: name}, nil
	case err != nil:
		return nil, err
	}
	n.id = name
	return n, nil
}

var errTaken = errors.New("another process has the slot")

// claim locks a slot, which is created if need be.
func claim(dir string) (*Node, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unwritable(dir, err)
	}
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, unwritable(dir, err)
	}
	if !locked {
		return nil, errTaken
	}
	return &Node{dir: dir, lock: lock}, nil
}

func unwritable(dir string, err error) error {
	return fmt.Errorf("the directory %s of this process cannot be written: %w; choose another --state-dir, or let this user write there", dir, err)
}

// identify returns the id of a slot that this process has. A slot without a whole one gets it now.
func identify(dir string) (string, error) {
	path := filepath.Join(dir, idFile)
	saved, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", unwritable(dir, err)
	}
	if id, whole := strings.CutSuffix(string(saved), "\n"); whole && id != "" {
		return id, nil
	}
	id := "n" + strings.ToLower(rand.Text()[:12])
	if err := os.WriteFile(path, []byte(id+"\n"), 0o600); err != nil {
		return "", unwritable(dir, err)
	}
	return id, nil
}

// ID names the node among all machines.
func (n *Node) ID() string { return n.id }

// Dir is the slot's directory, which this user alone may enter; empty if there is none.
func (n *Node) Dir() string { return n.dir }

// Release gives the slot to whoever claims it next.
func (n *Node) Release() error {
	if n.lock == nil {
		return nil
	}
	if err := n.lock.Close(); err != nil {
		return fmt.Errorf("release the node %s: %w", n.id, err)
	}
	return nil
}

// Slots returns the directories of all slots of a state directory, be they taken or not.
func Slots(stateDir string) ([]string, error) {
	entries, err := os.ReadDir(Home(stateDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for the nodes of %s: %w", stateDir, err)
	}
	var dirs []string
	for _, entry := range entries {
		if entry.IsDir() {
			dirs = append(dirs, filepath.Join(Home(stateDir), entry.Name()))
		}
	}
	return dirs, nil
}

// All returns the directories of the slots of all groups and clusters below the directory that has their state.
func All(home string) ([]string, error) {
	found, err := fs.Glob(os.DirFS(home), "*/*,nodes/*")
	if err != nil {
		return nil, fmt.Errorf("look for nodes in %s: %w", home, err)
	}
	for i, dir := range found {
		found[i] = filepath.Join(home, filepath.FromSlash(dir))
	}
	return found, nil
}
