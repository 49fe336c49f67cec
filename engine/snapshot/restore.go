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
	"sync"

	"gocloud.dev/gcerrors"
	"golang.org/x/sync/errgroup"
)

// Restore puts the newest whole snapshot of a store, at an offset or behind it, into a directory, which is empty; found is
// false if there is none. Each byte is checked. A snapshot that is torn or damaged is left aside for the one before.
// progress is called by one goroutine at a time with the bytes that are here, and all; it begins anew with another snapshot.
func (s *Snapshots) Restore(
	ctx context.Context, store string, offset int64, dir string, progress func(done, total int64),
) (found bool, err error) {
	from, err := s.dir(store)
	if err != nil {
		return false, err
	}
	manifests, err := s.manifests(ctx, from)
	if err != nil {
		return false, err
	}
	var unreachable error
	for _, listed := range manifests {
		if listed.offset < offset {
			break
		}
		err := s.restore(ctx, from, listed, &restoring{dir: dir, progress: progress})
		if err == nil {
			return true, nil
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		s.config.Log.Warn("a snapshot cannot be used, trying the one before", "store", store, "offset", listed.offset, "cause", err)
		if !errors.Is(err, errDamaged) {
			unreachable = errors.Join(unreachable, err)
		}
		if err := empty(dir); err != nil {
			return false, err
		}
	}
	return false, unreachable
}

// empty removes what is in a directory.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if err == nil {
			err = os.RemoveAll(filepath.Join(dir, entry.Name()))
		}
	}
	return err
}

// restoring is how far a snapshot is here.
type restoring struct {
	dir      string
	mu       sync.Mutex // guards done, and is held while progress is called
	done     int64
	total    int64
	progress func(done, total int64)
}

func (r *restoring) add(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += bytes
	r.progress(r.done, r.total)
}

func (s *Snapshots) restore(ctx context.Context, from string, snapshot listed, to *restoring) error {
	m, err := s.read(ctx, snapshot)
	if err != nil {
		return err
	}
	to.total = m.Bytes
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.config.Parallel)
	for _, f := range m.Files {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return s.insist(ctx, from+filesDir+f.Object, f, to)
		})
	}
	return group.Wait()
}

// attempts is how often a file is tried whose connection breaks.
const attempts = 3

// insist fetches a file, again if something comes in between.
func (s *Snapshots) insist(ctx context.Context, key string, f file, to *restoring) (err error) {
	for range attempts {
		var written int64
		written, err = s.fetch(ctx, key, f, to)
		if errors.Is(err, errDamaged) {
			s.damaged.Store(key, true)
		}
		if err == nil || errors.Is(err, errDamaged) || ctx.Err() != nil {
			return err
		}
		to.add(-written)
	}
	return err
}

// fetch copies a file and checks it. It returns the bytes that it wrote.
func (s *Snapshots) fetch(ctx context.Context, key string, f file, to *restoring) (written int64, err error) {
	out, err := os.Create(filepath.Join(to.dir, f.Name)) //nolint:gosec // the name is that of a file, and the directory the caller's
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if f.Size == 0 {
		return 0, nil
	}
	in, err := s.bucket.NewReader(ctx, key, nil)
	if isNotFound(err) {
		return 0, fmt.Errorf("%w: %s is gone", errDamaged, key)
	}
	if err != nil {
		return 0, s.failed(err, "read "+key)
	}
	defer in.Close() //nolint:errcheck // what was read is checked
	if in.Size() != f.Size {
		return 0, fmt.Errorf("%w: %s has %d bytes instead of %d", errDamaged, key, in.Size(), f.Size)
	}
	sum := sha256.New()
	written, err = io.CopyBuffer(counted{io.MultiWriter(out, sum), to}, struct{ io.Reader }{in}, make([]byte, bufferSize))
	if err != nil {
		return written, s.failed(err, "read "+key)
	}
	if written != f.Size || hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return written, fmt.Errorf("%w: %s is not what was written", errDamaged, key)
	}
	return written, nil
}

// counted tells of each byte that is written.
type counted struct {
	to io.Writer
	of *restoring
}

// Write implements io.Writer.
func (c counted) Write(data []byte) (int, error) {
	n, err := c.to.Write(data)
	c.of.add(int64(n))
	return n, err
}

func isNotFound(err error) bool { return gcerrors.Code(err) == gcerrors.NotFound }
