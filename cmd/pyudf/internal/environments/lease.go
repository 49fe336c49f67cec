package environments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// Each environment has a file beside it that is locked: by many who use it, or by one who makes or removes it. Locks end with
// their process. When the file was last changed is when the environment was last used.
const lockEnding = ".lock"

// lockPoll is how often a lock is tried that others have.
const lockPoll = 50 * time.Millisecond

// Lease is an environment in use.
type Lease struct {
	// Python is its interpreter.
	Python string
	// Hash names it for Keep; empty for the node's own environment.
	Hash string

	once    sync.Once
	release func()
}

// Release ends the use. It may be called again.
func (l *Lease) Release() {
	l.once.Do(func() {
		if l.release != nil {
			l.release()
		}
	})
}

// share and alone are the two ways to take a lock.
func share(lock *flock.Flock) (bool, error) { return lock.TryRLock() }
func alone(lock *flock.Flock) (bool, error) { return lock.TryLock() }

// lease takes an environment for use. It returns nil if it is not whole.
func (b *Builder) lease(ctx context.Context, w *wanted, progress func(string)) (*Lease, error) {
	hash := w.hash()
	lock, err := b.hold(ctx, hash, share, waiting(progress))
	if err != nil {
		return nil, err
	}
	if !w.isWhole() {
		release(lock)
		return nil, nil // there is none to lease, and that is no error
	}
	b.touch(hash)
	return &Lease{Python: w.interpreter(), Hash: hash, release: func() {
		b.touch(hash)
		release(lock)
	}}, nil
}

// hold takes a lock, and tells once if it has to wait for it.
func (b *Builder) hold(ctx context.Context, hash string, take func(*flock.Flock) (bool, error), wait func()) (*flock.Flock, error) {
	ticker := time.NewTicker(lockPoll)
	defer ticker.Stop()
	for told := false; ; {
		lock, err := b.try(hash, take)
		if err != nil || lock != nil {
			return lock, err
		}
		if !told {
			told = true
			wait()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
	}
}

// try takes a lock if that can be done at once. A lock on a file that was removed meanwhile is none.
func (b *Builder) try(hash string, take func(*flock.Flock) (bool, error)) (*flock.Flock, error) {
	lock := flock.New(b.lockFile(hash), flock.SetPermissions(0o600))
	taken, err := take(lock)
	if err != nil {
		return nil, unwritable(b.config.Dir, err)
	}
	if !taken {
		return nil, nil // others have it, and that is no error
	}
	held, err := lock.Stat()
	named, missing := os.Stat(lock.Path())
	if err == nil && missing == nil && os.SameFile(held, named) {
		return lock, nil
	}
	release(lock)
	return nil, err
}

// release gives a lock back. Closing a file that was only read from does not fail.
func release(lock *flock.Flock) { _ = lock.Close() }

func (b *Builder) lockFile(hash string) string {
	return filepath.Join(b.config.Dir, hash+lockEnding)
}

// touch notes that an environment is in use. If that cannot be written, it is removed earlier than it should be, at worst.
func (b *Builder) touch(hash string) {
	now := b.config.Now()
	if err := os.Chtimes(b.lockFile(hash), now, now); err != nil {
		b.config.Logger.Warn("note the use of an environment", "error", err)
	}
}

// Keep removes the environments that nobody has used for long, and notes that those with these hashes are in use. One that
// another process has a lease of stays, and so does the one that somebody is making.
func (b *Builder) Keep(hashes []string) error {
	known, err := b.known()
	if err != nil {
		return err
	}
	var faults []error
	for _, hash := range known {
		if slices.Contains(hashes, hash) {
			b.touch(hash)
		} else if b.isOld(hash) {
			faults = append(faults, b.forget(hash))
		}
	}
	return errors.Join(faults...)
}

var lockName = regexp.MustCompile(`^[0-9a-f]{24}\` + lockEnding + `$`)

func (b *Builder) known() ([]string, error) {
	entries, err := os.ReadDir(b.config.Dir)
	if err != nil {
		return nil, fmt.Errorf("look for environments: %w", err)
	}
	var hashes []string
	for _, entry := range entries {
		if lockName.MatchString(entry.Name()) {
			hashes = append(hashes, strings.TrimSuffix(entry.Name(), lockEnding))
		}
	}
	return hashes, nil
}

func (b *Builder) isOld(hash string) bool {
	info, err := os.Stat(b.lockFile(hash))
	return err == nil && b.config.Now().Sub(info.ModTime()) > b.config.KeepFor
}

// forget removes an environment if nobody has taken it meanwhile.
func (b *Builder) forget(hash string) error {
	lock, err := b.try(hash, alone)
	if err != nil || lock == nil {
		return err
	}
	defer release(lock)
	if !b.isOld(hash) {
		return nil
	}
	if err := discard(filepath.Join(b.config.Dir, hash)); err != nil {
		return err
	}
	// Who waits for the lock of this file finds it gone, and begins with a new one.
	if err := os.Remove(lock.Path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the lock of an environment: %w", err)
	}
	b.config.Logger.Info("removed an environment that nobody used", "environment", hash)
	return nil
}
