package snapshot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// Config says how snapshots are kept. The zero value is good.
type Config struct {
	// Below is the beginning of all stores' names, parts of which are divided by slashes: pipelines may share a place.
	Below string
	// Grace is how long files are kept that no snapshot needs any more. Nobody may take longer than half of it to take a
	// snapshot. Default: 1 h.
	Grace time.Duration
	// Parallel is how many files are copied at a time. Default: 4.
	Parallel int
	// Log gets what did not go well and did not matter. Default: nobody.
	Log *slog.Logger
}

func (c *Config) ensureDefaults() {
	if c.Grace == 0 {
		c.Grace = time.Hour
	}
	if c.Parallel == 0 {
		c.Parallel = 4
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// Snapshots are those of all stores in one place. Any goroutine may call them.
type Snapshots struct {
	place
	config Config

	// damaged are the keys of files that were found to be. The next snapshot does not rely on them.
	damaged sync.Map

	mu sync.Mutex // guards what follows
	// hashed are the files of each store's last checkpoint, so that each is read once.
	hashed map[string][]hashed
}

// Open opens a place for snapshots: a directory, file:///directory, s3://bucket/prefix?region=...&endpoint=... or another of
// the URLs that docs/snapshots.md has. Credentials are those that the cloud's own tools find. The place must be there.
func Open(ctx context.Context, where string, config Config) (*Snapshots, error) {
	at, err := openPlace(ctx, where)
	if err != nil {
		return nil, err
	}
	s := in(at, config)
	if _, _, err := at.bucket.ListPage(ctx, blob.FirstPageToken, 1, nil); err != nil {
		return nil, errors.Join(s.failed(err, "look into it"), at.bucket.Close())
	}
	return s, nil
}

// in returns the snapshots of a place.
func in(at place, config Config) *Snapshots {
	config.ensureDefaults()
	return &Snapshots{place: at, config: config, hashed: map[string][]hashed{}}
}

// Close frees everything.
func (s *Snapshots) Close() error { return s.bucket.Close() }

// Info is what is known of a snapshot.
type Info struct {
	// Offset is that of the changelog up to which the snapshot is complete.
	Offset int64
	Time   time.Time
	// Bytes and Files are those of the store, of which snapshots share most.
	Bytes int64
	Files int
}

// Latest returns the newest snapshot of a store whose manifest can be read; found is false if there is none.
func (s *Snapshots) Latest(ctx context.Context, store string) (info Info, found bool, err error) {
	dir, err := s.dir(store)
	if err != nil {
		return Info{}, false, err
	}
	manifests, err := s.manifests(ctx, dir)
	if err != nil {
		return Info{}, false, err
	}
	for _, listed := range manifests {
		m, err := s.read(ctx, listed)
		if err == nil {
			return m.info(), true, nil
		}
		if !errors.Is(err, errDamaged) {
			return Info{}, false, err
		}
	}
	return Info{}, false, nil
}

// dir returns what the names of all that is kept of a store begin with.
func (s *Snapshots) dir(store string) (string, error) {
	dir := store
	if s.config.Below != "" {
		dir = s.config.Below + "/" + store
	}
	for part := range strings.SplitSeq(dir, "/") {
		if !regexp.MustCompile(`^[a-zA-Z0-9%_-][a-zA-Z0-9%._-]*$`).MatchString(part) {
			return "", fmt.Errorf("%q cannot be the name of snapshots: use letters, digits, '.', '_', '-', '%%' and '/'", dir)
		}
	}
	return dir + "/", nil
}

// failed says what could not be done in the place, and what to do about it.
func (s *Snapshots) failed(err error, what string) error {
	const general = "make sure that it can be reached, and that the credentials of this machine are right"
	hint := general
	answer, answered := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err)
	switch code := gcerrors.Code(err); {
	case errors.Is(err, context.Canceled):
		hint = "it was given up"
	case code == gcerrors.NotFound:
		hint = "make sure that the bucket is there and rightly named"
	case code == gcerrors.PermissionDenied,
		answered && (answer.HTTPStatusCode() == http.StatusForbidden || answer.HTTPStatusCode() == http.StatusUnauthorized):
		hint = "make sure that the credentials of this machine are right and allow to list, read, write and delete there"
	case answered && answer.HTTPStatusCode() == http.StatusInsufficientStorage || errors.Is(err, errNoSpace):
		hint = "make room"
	}
	return fmt.Errorf("snapshots in %s: %s: %w; %s", s.name, what, err, hint)
}
