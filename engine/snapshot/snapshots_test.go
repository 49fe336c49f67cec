package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/snapshot"
)

// grown is a store that has a file more than the one before, and one that is rewritten.
func grown(n int) content {
	c := content{"CURRENT": fmt.Sprint("the ", n), "marker": ""}
	for i := range n + 1 {
		c[fmt.Sprintf("%06d.sst", i)] = strings.Repeat(fmt.Sprint("rows ", i, "\n"), 10_000)
	}
	return c
}

func TestARestoredStoreIsWhatWasTaken(t *testing.T) {
	each(t, func(w *world) {
		s := w.open(w.said.config())
		expect(w.T, s, "a", 0, nil)
		for n := range 4 {
			take(w.T, s, "a", int64(n*100), grown(n))
			expect(w.T, s, "a", 0, grown(n))
			expect(w.T, s, "a", int64(n*100), grown(n))
			expect(w.T, s, "a", int64(n*100+1), nil)
		}
		take(w.T, s, "a", 50, grown(0)) // by a process that was cut off, and is behind
		expect(w.T, s, "a", 0, grown(3))
		if said := w.said.String(); said != "" {
			w.Error(said)
		}
	})
}

func TestStoresAndPipelinesDoNotSeeEachOther(t *testing.T) {
	each(t, func(w *world) {
		one, other := w.open(snapshot.Config{Below: "cluster/one"}), w.open(snapshot.Config{Below: "cluster/other"})
		take(w.T, one, "a", 1, grown(1))
		take(w.T, one, "ab", 1, grown(2))
		expect(w.T, other, "a", 0, nil)
		take(w.T, other, "a", 1, grown(3))
		expect(w.T, one, "a", 0, grown(1))
		expect(w.T, one, "ab", 0, grown(2))
		expect(w.T, other, "a", 0, grown(3))
	})
}

func TestOnlyFilesThatAreNotThereAreCopied(t *testing.T) {
	each(t, func(w *world) {
		s, dir := w.open(snapshot.Config{}), w.TempDir()
		grown(0).write(w.T, dir)
		for n := range 3 {
			grown(n).write(w.T, dir) // what was there is written again, and the same
			if err := s.Take(w.Context(), "a", int64(n), dir); err != nil {
				w.Fatal(err)
			}
			before := w.keys("a/files/")
			if want := 2*n + 2; len(before) != want { // each CURRENT, and the tables
				w.Errorf("%d files are kept, want %d: %q", len(before), want, before)
			}
			first := w.keys("a/files/")[0]
			stat, err := w.bucket.Attributes(w.Context(), first)
			if err != nil {
				w.Fatal(err)
			}
			if err := w.open(snapshot.Config{}).Take(w.Context(), "a", int64(n), dir); err != nil { // another process
				w.Fatal(err)
			}
			again, err := w.bucket.Attributes(w.Context(), first)
			if err != nil || !again.ModTime.Equal(stat.ModTime) || len(w.keys("a/files/")) != len(before) {
				w.Errorf("%s was written again: %v", first, err)
			}
		}
	})
}

func TestAChangedFileWithItsOldNameAndSizeIsCopied(t *testing.T) {
	each(t, func(w *world) {
		s := w.open(snapshot.Config{})
		for n := range 3 {
			dir := filepath.Join(w.TempDir(), "checkpoint") // a new one each time, as checkpoints are
			if err := os.Mkdir(dir, 0o700); err != nil {
				w.Fatal(err)
			}
			c := content{"000001.sst": fmt.Sprint("content ", n)}
			c.write(w.T, dir)
			if err := s.Take(w.Context(), "a", int64(n), dir); err != nil {
				w.Fatal(err)
			}
			expect(w.T, s, "a", int64(n), c)
		}
	})
}

// Case R6: whatever is wrong with a snapshot, the one before is used.
func TestATornSnapshotFallsBackToTheOneBefore(t *testing.T) {
	each(t, func(w *world) {
		s := w.open(w.said.config())
		for what, tear := range map[string]func(store string){
			"a file is gone":           func(store string) { w.remove(w.newest(store)) },
			"a file is cut":            func(store string) { w.write(w.newest(store), w.read(w.newest(store))[:100]) },
			"a file has another byte":  func(store string) { w.write(w.newest(store), flipped(w.read(w.newest(store)))) },
			"the manifest is not all":  func(store string) { m := w.manifest(store); w.write(m, w.read(m)[:50]) },
			"the manifest is empty":    func(store string) { w.write(w.manifest(store), nil) },
			"the manifest was changed": func(store string) { m := w.manifest(store); w.write(m, flipped(w.read(m))) },
		} {
			store := strings.ReplaceAll(what, " ", "-")
			take(w.T, s, store, 1, grown(0))
			take(w.T, s, store, 2, grown(1))
			tear(store)
			expect(w.T, s, store, 0, grown(0))
			if !strings.Contains(w.said.String(), store) {
				w.Errorf("nothing was said of it that %s", what)
			}
			expect(w.T, s, store, 2, nil)
			take(w.T, s, store, 3, grown(2))
			expect(w.T, s, store, 0, grown(2))
		}
	})
}

// newest returns the key of the table that only the second snapshot of a store has.
func (w *world) newest(store string) string {
	w.Helper()
	for _, key := range w.keys(store + "/files/") {
		if text := string(w.read(key)); strings.HasPrefix(text, "rows 1") {
			return key
		}
	}
	w.Fatal("the table is not there")
	return ""
}

// manifest returns the key of a store's last manifest.
func (w *world) manifest(store string) string {
	w.Helper()
	keys := w.keys(store + "/manifests/")
	return keys[len(keys)-1]
}

func flipped(data []byte) []byte {
	data = slices.Clone(data)
	data[len(data)/2] ^= 1
	return data
}

func TestASnapshotWithoutItsManifestIsNotThere(t *testing.T) {
	each(t, func(w *world) {
		s := w.open(w.said.config())
		take(w.T, s, "a", 1, grown(0))
		take(w.T, s, "a", 2, grown(1))
		w.remove(w.manifest("a")) // as after a crash before it was written
		expect(w.T, s, "a", 0, grown(0))
		expect(w.T, s, "a", 2, nil)
		if said := w.said.String(); said != "" {
			w.Error(said)
		}
		take(w.T, s, "a", 2, grown(1))
		expect(w.T, s, "a", 2, grown(1))
	})
}

func TestATornUploadIsRepairedByTheNextSnapshot(t *testing.T) {
	each(t, func(w *world) {
		s := w.open(w.said.config())
		take(w.T, s, "a", 1, grown(1))
		w.write(w.newest("a"), []byte("rows 1, and no more")) // as a disk leaves it that lost its power
		take(w.T, s, "a", 2, grown(1))
		expect(w.T, s, "a", 2, grown(1))
	})
}

func TestWhatWasGivenUpLeavesNothingHalf(t *testing.T) {
	each(t, func(w *world) {
		s := w.open(snapshot.Config{})
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		if err := taken(ctx, w.T, s, grown(3)); !errors.Is(err, context.Canceled) {
			w.Errorf("given up with %v", err)
		}
		if keys := w.keys(""); len(keys) != 0 {
			w.Errorf("%q are left", keys)
		}
		take(w.T, s, "a", 1, grown(3))
		if _, err := s.Restore(ctx, "a", 0, w.TempDir(), func(_, _ int64) {}); !errors.Is(err, context.Canceled) {
			w.Errorf("given up with %v", err)
		}
	})
}

func TestTheLatestSnapshotIsTold(t *testing.T) {
	each(t, func(w *world) {
		s := w.open(snapshot.Config{})
		if _, found, err := s.Latest(w.Context(), "a"); found || err != nil {
			w.Errorf("a snapshot of nothing: %v", err)
		}
		take(w.T, s, "a", 7, content{"one": "12345", "two": ""})
		take(w.T, s, "a", 12, content{"one": "12345", "two": "678"})
		latest(w, s, 12, 8)
		w.write(w.manifest("a"), nil)
		latest(w, s, 7, 5)
	})
}

func latest(w *world, s *snapshot.Snapshots, offset, size int64) {
	w.Helper()
	info, found, err := s.Latest(w.Context(), "a")
	if err != nil || !found || info.Offset != offset || info.Bytes != size || info.Files != 2 || info.Time.IsZero() {
		w.Errorf("%+v, %t, %v", info, found, err)
	}
}

func TestNamesThatLeadElsewhereAreRefused(t *testing.T) {
	dir := t.TempDir()
	s, err := snapshot.Open(t.Context(), dir, snapshot.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "..", "../a", "a/../b", "/a", "a/", "a//b", ".a", "a/.b", "a b"} {
		if err := s.Take(t.Context(), name, 1, t.TempDir()); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestACheckpointThatCannotBeReadIsNoSnapshot(t *testing.T) {
	each(t, func(w *world) {
		s, dir := w.open(snapshot.Config{}), w.TempDir()
		grown(1).write(w.T, dir)
		if err := os.Mkdir(filepath.Join(dir, "inside"), 0o700); err != nil {
			w.Fatal(err)
		}
		mention(w.T, s.Take(w.Context(), "a", 1, dir), dir, "inside")
		mention(w.T, s.Take(w.Context(), "a", 1, filepath.Join(dir, "nowhere")), "nowhere")
		if keys := w.keys("a/"); len(keys) != 0 {
			w.Errorf("%q are left", keys)
		}
	})
}
