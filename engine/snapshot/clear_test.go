package snapshot_test

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/pyudf/pyudf/engine/snapshot"
)

// inMemory runs a test in memory, with a clock of its own.
func inMemory(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		bucket := memblob.OpenBucket(nil)
		test(&world{T: t, bucket: bucket, said: &lines{}, open: func(c snapshot.Config) *snapshot.Snapshots { return snapshot.In(bucket, c) }})
	})
}

// count compares how many manifests and files are kept.
func (w *world) count(manifests, files int) {
	w.Helper()
	if m, f := w.keys("a/manifests/"), w.keys("a/files/"); len(m) != manifests || len(f) != files {
		w.Errorf("%d manifests and %d files are kept, want %d and %d", len(m), len(f), manifests, files)
	}
}

// table is a store with one file that changes with each snapshot, and one that stays.
func table(n int) content { return content{"same": "same", "other": fmt.Sprint("other ", n)} }

func TestTheTwoNewestSnapshotsAreKeptAndOthersAsLongAsTheGrace(t *testing.T) {
	inMemory(t, func(w *world) {
		s := w.open(snapshot.Config{Grace: time.Hour})
		for n := range 5 {
			take(w.T, s, "a", int64(n), table(n))
			<-time.After(time.Minute)
		}
		w.count(5, 6)
		for n := 5; n < 8; n++ {
			<-time.After(2 * time.Hour)
			take(w.T, s, "a", int64(n), table(n))
		}
		w.count(3, 4) // the third was only just replaced
		<-time.After(2 * time.Hour)
		take(w.T, s, "b", 1, table(1))
		w.count(3, 4) // nobody looks after a store that is not used
		expect(w.T, s, "a", 0, table(7))
		w.remove(w.manifest("a"))
		expect(w.T, s, "a", 0, table(6))
	})
}

func TestWhatNobodyNamesIsKeptForTheGraceAndThenRemoved(t *testing.T) {
	inMemory(t, func(w *world) {
		s := w.open(snapshot.Config{Grace: time.Hour})
		w.write("a/files/of-another", []byte("that is at work"))
		w.write("a/files/0123.18ab.tmp", []byte("left by a crash"))
		w.write("a/manifests/0123.18ab.tmp", []byte("left by a crash"))
		<-time.After(59 * time.Minute)
		take(w.T, s, "a", 1, table(1))
		w.count(2, 4)
		<-time.After(2 * time.Minute)
		take(w.T, s, "a", 2, table(1))
		w.count(2, 2)
		expect(w.T, s, "a", 2, table(1))
	})
}

func TestASnapshotThatTakesTooLongIsGivenUp(t *testing.T) {
	inMemory(t, func(w *world) {
		s := snapshot.In(blob.NewBucket(&slow{around: w.bucket, delay: func() time.Duration { return 20 * time.Minute }}),
			snapshot.Config{Grace: time.Hour, Parallel: 1})
		err := taken(w.Context(), w.T, s, table(1))
		mention(w.T, err, "took longer than 30m0s", "raise the grace")
		w.count(0, 0)
	})
}

func TestAFileThatIsCutByAFullDiskIsNotThere(t *testing.T) {
	inMemory(t, func(w *world) {
		fault := &slow{around: w.bucket, delay: func() time.Duration { return time.Millisecond }}
		s := snapshot.In(blob.NewBucket(fault), snapshot.Config{})
		take(w.T, s, "a", 1, table(1))
		for _, what := range []string{"/files/", "/manifests/"} {
			fault.full = func(key string) error {
				if strings.Contains(key, what) {
					return syscall.ENOSPC
				}
				return nil
			}
			err := taken(w.Context(), w.T, s, table(2))
			if mention(w.T, err, "make room"); !errors.Is(err, syscall.ENOSPC) {
				w.Errorf("the cause is lost: %v", err)
			}
			expect(w.T, s, "a", 0, table(1))
		}
		w.count(1, 3)
		fault.full = nil
		take(w.T, s, "a", 2, table(2))
		expect(w.T, s, "a", 2, table(2))
	})
}

// Two processes take snapshots of a store, as slowly as they may, while one that was cut off does not know it yet. At every
// moment the newest snapshot is whole, and after a while what is kept is what is needed.
func TestNothingIsRemovedThatAnotherProcessNeeds(t *testing.T) {
	for seed := range uint64(12) {
		inMemory(t, func(w *world) {
			const grace = time.Hour
			random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a failure must be repeatable
			config := snapshot.Config{Grace: grace, Log: slog.New(slog.NewTextHandler(w.said, nil))}
			done := make(chan struct{})
			for process := range 2 {
				delays := &slow{around: w.bucket, delay: upTo(grace/20, rand.New(rand.NewPCG(seed, uint64(process+1))))} //nolint:gosec // as above
				s, turns := snapshot.In(blob.NewBucket(delays), config), rand.New(rand.NewPCG(seed, uint64(process+3)))  //nolint:gosec // as above
				go func() {
					for n := range 20 {
						mixed(w, s, int64(n), turns)
					}
					done <- struct{}{}
				}()
			}
			whole := snapshot.In(w.bucket, config)
			for running := 2; running > 0; {
				select {
				case <-done:
					running--
				case <-time.After(time.Duration(random.Int64N(int64(grace)))):
					_, found, err := whole.Latest(w.Context(), "a")
					restored, failed := whole.Restore(w.Context(), "a", 0, w.TempDir(), func(_, _ int64) {})
					if errors.Join(err, failed) != nil || found != restored {
						w.Errorf("restored %t of %t: %v %v", restored, found, err, failed)
					}
				}
			}
			if said := w.said.String(); strings.Contains(said, "cannot be used") {
				w.Errorf("seed %d: %.600s", seed, said)
			}
			for n := range 3 {
				<-time.After(2 * grace)
				take(w.T, whole, "a", int64(100+n), table(n))
			}
			w.count(3, 4)
		})
		if t.Failed() {
			return
		}
	}
}

// mixed takes a snapshot of a store that has some of few files, after a while.
func mixed(w *world, s *snapshot.Snapshots, offset int64, random *rand.Rand) {
	<-time.After(time.Duration(random.Int64N(int64(40 * time.Minute))))
	c := content{}
	for range 1 + random.IntN(3) {
		name := fmt.Sprint("file ", random.IntN(6))
		c[name] = name
	}
	dir := w.TempDir()
	c.write(w.T, dir)
	if err := s.Take(w.Context(), "a", offset, dir); err != nil && !strings.Contains(err.Error(), "took longer") {
		w.Errorf("take: %v", err)
	}
}
