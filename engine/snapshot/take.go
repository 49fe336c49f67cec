package snapshot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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
	// there are the sizes of the files that need not be copied again, by checksum.
	there map[string]int64

	files  []hashed
	copied int
}

func (t *taking) take(ctx context.Context, offset int64) error {
	if err := t.list(); err != nil {
		return fmt.Errorf("read the checkpoint %s: %w", t.from, err)
	}
	var err error
	if t.there, err = t.lasting(ctx, t.dir); err != nil {
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
	if size, ok := t.there[f.SHA256]; f.Size == 0 || ok && size == f.Size {
		return false, nil
	}
	in, err := os.Open(path) //nolint:gosec // a file of the caller's directory
	if err != nil {
		return false, fmt.Errorf("read the checkpoint: %w", err)
	}
	defer in.Close() //nolint:errcheck // only read
	return true, t.write(ctx, t.dir+filesDir+f.SHA256, func(to io.Writer) error {
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

// kept is how many snapshots of a store are always there.
const kept = 2

// lasting returns the sizes of a store's files that nobody removes before the grace is half over, by checksum: those of the
// newest snapshots, and those that are young.
func (s *Snapshots) lasting(ctx context.Context, dir string) (map[string]int64, error) {
	manifests, err := s.manifests(ctx, dir)
	if err != nil {
		return nil, err
	}
	named, err := s.named(ctx, manifests[:min(kept, len(manifests))])
	if err != nil {
		return nil, err
	}
	out, old := map[string]int64{}, time.Now().Add(-s.config.Grace/2)
	err = s.each(ctx, dir+filesDir, func(object *blob.ListObject) {
		key := object.Key[len(dir+filesDir):]
		if named[key] || object.ModTime.After(old) {
			out[key] = object.Size
		}
	})
	return out, err
}

// named returns the checksums of the files that manifests name. A damaged manifest names none that are of use.
func (s *Snapshots) named(ctx context.Context, manifests []listed) (map[string]bool, error) {
	out := map[string]bool{}
	for _, from := range manifests {
		m, err := s.read(ctx, from)
		if err != nil && !errors.Is(err, errDamaged) {
			return nil, err
		}
		if err == nil {
			for _, f := range m.Files {
				out[f.SHA256] = true
			}
		}
	}
	return out, nil
}

// clear removes snapshots that were replaced longer than the grace ago, and the files that are older and that no other
// snapshot names. So a process that took a file for there has the grace to name it, and one that restores has it to read.
func (s *Snapshots) clear(ctx context.Context, dir string) error {
	manifests, err := s.manifests(ctx, dir)
	if err != nil {
		return err
	}
	old := time.Now().Add(-s.config.Grace)
	stays := slices.DeleteFunc(slices.Clone(manifests), replacedBefore(old, manifests))
	named, err := s.named(ctx, stays)
	if err != nil {
		return err
	}
	for _, m := range stays {
		named[m.key] = true
	}
	var gone []string
	for _, below := range []string{manifestsDir, filesDir} {
		err := s.each(ctx, dir+below, func(object *blob.ListObject) {
			if !named[object.Key] && !named[object.Key[len(dir+below):]] && object.ModTime.Before(old) {
				gone = append(gone, object.Key)
			}
		})
		if err != nil {
			return err
		}
	}
	return s.remove(ctx, gone)
}

// replacedBefore returns whether so many newer manifests than are kept were there before a time.
func replacedBefore(old time.Time, manifests []listed) func(listed) bool {
	return func(m listed) bool {
		newer := 0
		for _, other := range manifests {
			if newestFirst(other, m) < 0 && other.written.Before(old) {
				newer++
			}
		}
		return newer >= kept
	}
}

// remove deletes objects in their order: manifests stand before the files that they name.
func (s *Snapshots) remove(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if err := s.bucket.Delete(ctx, key); err != nil && !isNotFound(err) {
			return s.failed(err, "remove "+key)
		}
	}
	return nil
}
