package pebblestate

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/pyudf/pyudf/engine/state"
)

// childDir names the state directory to a child process that this test starts to be killed.
const childDir = "PYUDF_TEST_STATE_DIR"

const writesOfABatch = 50

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := writeUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeUntilKilled applies batch after batch and says so. Small memtables make it flush and compact all the time.
func writeUntilKilled(dir string) error {
	root, err := Open(dir, Config{MemtableBytes: 64 << 10})
	if err != nil {
		return err
	}
	s, err := root.Open("a")
	if err != nil {
		return err
	}
	next, err := batches(s)
	for ; err == nil; next++ {
		changes := &state.Changes{}
		changes.Set([]byte("count"), binary.BigEndian.AppendUint64(nil, next+1))
		for i := range writesOfABatch {
			changes.Set(written(next, i), make([]byte, 1+next%300))
		}
		if err = s.Apply(changes); err == nil {
			_, err = fmt.Println(next)
		}
	}
	return err
}

func written(batch uint64, i int) []byte {
	return append(binary.BigEndian.AppendUint64([]byte("batch"), batch), byte(i))
}

// batches returns how many batches the store says it has.
func batches(s state.Store) (uint64, error) {
	value, ok, err := s.Get([]byte("count"))
	if err != nil || !ok {
		return 0, err
	}
	return binary.BigEndian.Uint64(value), nil
}

func TestAKilledProcessLosesAndTearsNothingThatItApplied(t *testing.T) {
	dir := t.TempDir()
	for range 8 {
		last := killed(t, dir, 1+rand.IntN(200)) //nolint:gosec // when to kill is no secret
		root := mustOpen(t, dir, Config{})
		s := mustOpenStore(t, root, "a")
		count, err := batches(s)
		if err != nil || count <= last {
			t.Errorf("batch %d was applied, and %d batches are there: %v", last, count, err)
		}
		whole(t, s, count)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		closeRoot(t, root)
	}
}

// killed lets a child write, kills it after it said so many lines, and returns the last batch that it applied for sure.
func killed(t *testing.T, dir string, lines int) (last uint64) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this very program
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	for n := 0; said.Scan(); n++ {
		if n == lines/2 {
			refused(t, dir)
		}
		if n == lines {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		if number, err := strconv.ParseUint(said.Text(), 10, 64); err == nil {
			last = max(last, number)
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.ExitCode() != -1 {
		t.Fatalf("the child was not killed: %v", err)
	}
	return last
}

// refused checks that the child's store cannot be had.
func refused(t *testing.T, dir string) {
	t.Helper()
	root := mustOpen(t, dir, Config{})
	defer closeRoot(t, root)
	_, err := root.Open("a")
	mention(t, err, filepath.Join(dir, "a"), "another process")
}

// whole checks that the store has the first batches, each with all its writes, and nothing else.
func whole(t *testing.T, s state.Store, count uint64) {
	t.Helper()
	var found uint64
	err := s.Scan([]byte("batch"), func(key, value []byte) error {
		batch, i := found/writesOfABatch, int(found%writesOfABatch)
		if string(key) != string(written(batch, i)) || len(value) != int(1+batch%300) {
			return fmt.Errorf("write %d of batch %d is %q", i, batch, key)
		}
		found++
		return nil
	})
	if err != nil || found != count*writesOfABatch {
		t.Errorf("%d writes of %d batches: %v", found, count, err)
	}
}

func TestADamagedDatabaseIsRefusedByName(t *testing.T) {
	dir := t.TempDir()
	root := mustOpen(t, dir, Config{})
	defer closeRoot(t, root)
	s := mustOpenStore(t, root, "a")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	manifests, err := filepath.Glob(filepath.Join(dir, "a", "MANIFEST-*"))
	if err != nil || len(manifests) == 0 {
		t.Fatal(manifests, err)
	}
	for _, manifest := range manifests {
		if err := os.WriteFile(manifest, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err = root.Open("a")
	mention(t, err, filepath.Join(dir, "a"), "remove the directory")
}
