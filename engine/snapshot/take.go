package snapshot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"
)

// errNoSpace is how a directory says that it is full.
const errNoSpace = syscall.ENOSPC

// hashed is a file whose checksum is known.
type hashed struct {
	file

	info os.FileInfo
}

// Take copies a directory, the checkpoint of a store as it was at an offset of its changelog. When it returns, the snapshot
// is there whole, and what is of no use any more is removed. After an error it is not there.
func (s *Snapshots) Take(ctx context.Context, store string, offset int64, dir string) error {
	began := time.Now()
	to, err := s.dir(store)
	if err != nil {
		return err
	}
	limit := s.config.Grace / 2
	slow := fmt.Errorf("the snapshot of %s took longer than %s, so it was given up: raise the grace, or have more partitions", store, limit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, slow)
	defer cancel()
	t := &taking{Snapshots: s, dir: to, from: dir, known: s.last(store)}
	if err := t.take(ctx, offset); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	s.remember(store, t.files)
	s.config.Log.Debug("a snapshot was written", "store", store, "offset", offset, "copied", t.copied, "seconds", time.Since(began).Seconds())
	if err := s.clear(ctx, to); err != nil {
		s.config.Log.Warn("old snapshots could not be removed, trying again at the next", "store", store, "cause", err)
	}
	return nil
}

// last returns the files of the last checkpoint of a store.
func (s *Snapshots) last(store string) []hashed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hashed[store]
}

func (s *Snapshots) remember(store string, files []hashed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hashed[store] = files
}

// taking is a snapshot that is being taken.
type taking struct {
	*Snapshots

	dir, from string
	known     []hashed
	there     objects

	files  []hashed
	copied int
}

func (t *taking) take(ctx context.Context, offset int64) error {
	if err := t.list(); err != nil {
		return fmt.Errorf("read the checkpoint %s: %w", t.from, err)
	}
	var err error
	if t.there, err = t.objects(ctx, t.dir); err != nil {
		return err
	}
	if err := t.copy(ctx); err != nil {
		return err
	}
	m := &manifest{Version: version, Offset: offset, Time: time.Now().UTC()}
	for _, f := range t.files {
		m.Files = append(m.Files, f.file)
		m.Bytes += f.Size
	}
	name, data, err := m.encode()
	if err != nil {
		return err
	}
	return t.write(ctx, t.dir+manifestsDir+name, func(to io.Writer) error {
		_, err := to.Write(data)
		return err
	})
}

// list finds the files of the checkpoint, and the checksums of those that the last one had too.
func (t *taking) list() error {
	entries, err := os.ReadDir(t.from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no file", entry.Name())
		}
		f := hashed{file{Name: entry.Name(), Size: info.Size()}, info}
		for _, k := range t.known {
			if k.Name == f.Name && k.Size == f.Size && k.info.ModTime().Equal(info.ModTime()) && os.SameFile(k.info, info) {
				f.SHA256 = k.SHA256
			}
		}
		t.files = append(t.files, f)
	}
	return nil
}

// copy copies the files that are not there.
func (t *taking) copy(ctx context.Context) error {
	missing := make([]bool, len(t.files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(t.config.Parallel)
	for i := range t.files {
		group.Go(func() (err error) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			missing[i], err = t.bring(ctx, &t.files[i].file)
			return err
		})
	}
	err := group.Wait()
	for _, m := range missing {
		if m {
			t.copied++
		}
	}
	return err
}

// bring makes sure that a file is there; copied tells that it was not.
func (t *taking) bring(ctx context.Context, f *file) (copied bool, err error) {
	path := filepath.Join(t.from, f.Name)
	if f.SHA256 == "" {
		if f.SHA256, err = hash(path); err != nil {
			return false, fmt.Errorf("read the checkpoint: %w", err)
		}
	}
	there, ok := t.there.lasting[identity{f.SHA256, f.Size}]
	if f.Object = there; f.Size == 0 || ok {
		return false, nil
	}
	f.Object = t.there.fresh(f.SHA256)
	in, err := os.Open(path) //nolint:gosec // a file of the caller's directory
	if err != nil {
		return false, fmt.Errorf("read the checkpoint: %w", err)
	}
	defer in.Close() //nolint:errcheck // only read
	return true, t.write(ctx, t.dir+filesDir+f.Object, func(to io.Writer) error {
		_, err := io.Copy(to, in)
		return err
	})
}

func hash(path string) (string, error) {
	in, err := os.Open(path) //nolint:gosec // a file of the caller's directory
	if err != nil {
		return "", err
	}
	defer in.Close() //nolint:errcheck // only read
	sum := sha256.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{sum}, struct{ io.Reader }{in}, make([]byte, bufferSize)); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// bufferSize is how much is read at a time.
const bufferSize = 256 << 10

// write writes an object, which is there whole afterwards, or, after an error, not at all.
func (s *Snapshots) write(ctx context.Context, key string, fill func(io.Writer) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var local *os.File
	to, err := s.bucket.NewWriter(ctx, key, &blob.WriterOptions{
		ContentType: "application/octet-stream",
		// What is not a local file is sent in parts of this size, which lie in memory.
		BufferSize: 8 << 20, MaxConcurrency: 1,
		BeforeWrite: func(as func(any) bool) error {
			as(&local)
			return nil
		},
	})
	if err != nil {
		return s.failed(err, "write "+key)
	}
	err = fill(to)
	if err == nil && local != nil {
		err = local.Sync() // a file has its name only once its content is on the disk
	}
	if err != nil {
		cancel() // else what was written so far would have the name
	}
	if closed := to.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return s.failed(err, "write "+key)
	}
	return nil
}
