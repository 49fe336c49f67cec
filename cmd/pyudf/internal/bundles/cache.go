package bundles

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
)

// Limit is the largest archive that a cache takes if it is not told another.
const Limit = 64_000_000

// ending is that of the files, by which the SDK knows bundles.
const ending = ".pyudf"

// draft is the pattern of files that are not bundles yet.
const draft = ".draft-*" + ending

// Config says where bundles lie.
type Config struct {
	// Dir is the directory.
	Dir string
	// Python is the node's interpreter, which has pyudf.
	Python string
	// Limit is the largest archive, in bytes; 0: Limit. The SDK has one of its own, of 200 MB.
	Limit int64
	// KeepFor is how long a bundle stays after it was put or named the last time; 0: an hour. A deployment must be known by then.
	KeepFor time.Duration
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// EnsureDefaults sets what is empty.
func (c *Config) EnsureDefaults() {
	if c.Limit == 0 {
		c.Limit = Limit
	}
	if c.KeepFor == 0 {
		c.KeepFor = time.Hour
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// Cache is the bundles below a directory. Its methods may be called by several goroutines and processes.
type Cache struct {
	config Config
}

// Open returns the cache in a directory, which is made if need be.
func Open(config Config) (*Cache, error) {
	config.EnsureDefaults()
	dir, err := filepath.Abs(config.Dir)
	if err != nil {
		return nil, fmt.Errorf("the directory %s of the bundles: %w", config.Dir, err)
	}
	config.Dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unwritable(dir, err)
	}
	return &Cache{config: config}, nil
}

// Put takes an archive in. What is refused, because it is too large, no bundle, damaged or leads out of its directory, is an
// error to be mended, and leaves nothing.
func (c *Cache) Put(ctx context.Context, archive []byte) (*Bundle, error) {
	if int64(len(archive)) > c.config.Limit {
		return nil, outcome.Mendf("the bundle has %s and this node takes %s at most: leave data files out of it that the code does not need, or start the nodes with a higher --max-bundle", megabytes(int64(len(archive))), megabytes(c.config.Limit))
	}
	file, err := c.write(archive)
	if err != nil {
		return nil, unwritable(c.config.Dir, err)
	}
	bundle, err := look(ctx, c.config.Python, file)
	if err != nil {
		return nil, errors.Join(err, os.Remove(file))
	}
	sum := hash(archive)
	bundle.File, bundle.Archive, bundle.Bytes = c.file(sum), sum, int64(len(archive))
	if err := os.Rename(file, bundle.File); err != nil {
		return nil, unwritable(c.config.Dir, errors.Join(err, os.Remove(file)))
	}
	return bundle, nil
}

// write writes a draft.
func (c *Cache) write(archive []byte) (name string, err error) {
	file, err := os.CreateTemp(c.config.Dir, draft)
	if err != nil {
		return "", err
	}
	_, err = file.Write(archive)
	now := c.config.Now()
	if err = errors.Join(err, file.Close(), os.Chtimes(file.Name(), now, now)); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}

// Get returns the bundle with the SHA-256 of its archive. Its error is fs.ErrNotExist if it is not there, or not whole.
func (c *Cache) Get(ctx context.Context, sha string) (*Bundle, error) {
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(sha) {
		return nil, fmt.Errorf("no bundle can have the hash %q: %w", sha, fs.ErrNotExist)
	}
	file := c.file(sha)
	archive, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the bundle %s: %w", sha, err)
	}
	if hash(archive) != sha {
		return nil, fmt.Errorf("%s is damaged: %w", file, fs.ErrNotExist)
	}
	bundle, err := look(ctx, c.config.Python, file)
	if err != nil {
		return nil, err
	}
	bundle.File, bundle.Archive, bundle.Bytes = file, sha, int64(len(archive))
	return bundle, nil
}

// Keep removes all bundles but those with these hashes of their archives, and those that were put or named a short while ago:
// a deployment may be on its way that names them, and nodes of other clusters have theirs here, too.
func (c *Cache) Keep(shas []string) error {
	entries, err := os.ReadDir(c.config.Dir)
	if err != nil {
		return fmt.Errorf("look for bundles: %w", err)
	}
	var faults []error
	for _, entry := range entries {
		sha, isOurs := strings.CutSuffix(entry.Name(), ending)
		path, now := filepath.Join(c.config.Dir, entry.Name()), c.config.Now()
		switch {
		case !isOurs:
		case slices.Contains(shas, sha):
			if err := os.Chtimes(path, now, now); err != nil && !errors.Is(err, fs.ErrNotExist) {
				faults = append(faults, fmt.Errorf("note the use of a bundle: %w", err))
			}
		case c.isOld(entry):
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				faults = append(faults, fmt.Errorf("remove an old bundle: %w", err))
			}
		}
	}
	return errors.Join(faults...)
}

func (c *Cache) isOld(entry fs.DirEntry) bool {
	info, err := entry.Info()
	return err == nil && c.config.Now().Sub(info.ModTime()) > c.config.KeepFor
}

func (c *Cache) file(sha string) string { return filepath.Join(c.config.Dir, sha+ending) }

func hash(archive []byte) string {
	sum := sha256.Sum256(archive)
	return hex.EncodeToString(sum[:])
}

func unwritable(dir string, err error) error {
	return fmt.Errorf("bundles cannot be written to %s: %w; make room, let this user write there, or choose another --state-dir", dir, err)
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1_000_000) }
