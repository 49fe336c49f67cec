package snapshot_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"

	"github.com/pyudf/pyudf/engine/snapshot"
)

// world is a place for snapshots, and the way around them to what is kept there.
type world struct {
	*testing.T

	bucket *blob.Bucket
	open   func(config snapshot.Config) *snapshot.Snapshots
	said   *lines
}

// lines are what was logged.
type lines struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *lines) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(data)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) config() snapshot.Config {
	return snapshot.Config{Log: slog.New(slog.NewTextHandler(l, nil))}
}

// each runs a test in memory, in a directory and on a server with S3's API.
func each(t *testing.T, test func(w *world)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		bucket := memblob.OpenBucket(nil)
		test(&world{T: t, bucket: bucket, said: &lines{}, open: func(c snapshot.Config) *snapshot.Snapshots { return snapshot.In(bucket, c) }})
	})
	t.Run("directory", func(t *testing.T) {
		dir := t.TempDir()
		bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{Metadata: fileblob.MetadataDontWrite})
		if err != nil {
			t.Fatal(err)
		}
		test(placed(t, dir, bucket))
	})
	t.Run("s3", func(t *testing.T) {
		at := startServer(t).url()
		bucket, err := blob.OpenBucket(t.Context(), at+"&use_path_style=true")
		if err != nil {
			t.Fatal(err)
		}
		test(placed(t, strings.Replace(at, "?", "/snapshots/of/all?", 1), blob.PrefixedBucket(bucket, "snapshots/of/all/")))
	})
}

// placed is a world that is opened by its name.
func placed(t *testing.T, where string, bucket *blob.Bucket) *world {
	t.Helper()
	return &world{T: t, bucket: bucket, said: &lines{}, open: func(c snapshot.Config) *snapshot.Snapshots {
		s, err := snapshot.Open(t.Context(), where, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}}
}

// content is the files of a checkpoint.
type content map[string]string

func (c content) write(t *testing.T, dir string) {
	t.Helper()
	for name, text := range c {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func readContent(t *testing.T, dir string) content {
	t.Helper()
	out := content{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[entry.Name()] = string(text)
	}
	return out
}

func take(t *testing.T, s *snapshot.Snapshots, store string, offset int64, c content) {
	t.Helper()
	dir := t.TempDir()
	c.write(t, dir)
	if err := s.Take(t.Context(), store, offset, dir); err != nil {
		t.Fatalf("take %s at %d: %v", store, offset, err)
	}
}

// expect restores a store and compares it; nil expects that there is no snapshot.
func expect(t *testing.T, s *snapshot.Snapshots, store string, offset int64, want content) {
	t.Helper()
	dir, size := t.TempDir(), int64(0)
	for _, text := range want {
		size += int64(len(text))
	}
	var done, total int64
	found, err := s.Restore(t.Context(), store, offset, dir, func(d, all int64) { done, total = d, all })
	if err != nil || found != (want != nil) {
		t.Fatalf("restore %s from %d: %t, %v", store, offset, found, err)
	}
	if got := readContent(t, dir); !maps.Equal(got, want) {
		t.Errorf("restored %.20q, want %.20q", got, want)
	}
	if want != nil && (done != size || total != size) {
		t.Errorf("%d of %d bytes are told to be here, and %d are", done, total, size)
	}
}

// keys returns the names of what is kept, those of manifests and those of files.
func (w *world) keys(prefix string) []string {
	w.Helper()
	var out []string
	all := w.bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		object, err := all.Next(w.Context())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			w.Fatal(err)
		}
		out = append(out, object.Key)
	}
}

func (w *world) read(key string) []byte {
	w.Helper()
	data, err := w.bucket.ReadAll(w.Context(), key)
	if err != nil {
		w.Fatal(err)
	}
	return data
}

func (w *world) write(key string, data []byte) {
	w.Helper()
	if err := w.bucket.WriteAll(w.Context(), key, data, nil); err != nil {
		w.Fatal(err)
	}
}

func (w *world) remove(key string) {
	w.Helper()
	if err := w.bucket.Delete(w.Context(), key); err != nil {
		w.Fatal(err)
	}
}

// mention expects an error that has all the words.
func mention(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("the error %v does not mention %q", err, word)
		}
	}
}

// taken takes a snapshot in a context.
func taken(ctx context.Context, t *testing.T, s *snapshot.Snapshots, c content) error {
	t.Helper()
	dir := t.TempDir()
	c.write(t, dir)
	return s.Take(ctx, "a", 1, dir)
}
