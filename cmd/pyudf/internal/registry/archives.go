package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pyudf/pyudf/engine/record"
)

// PutBundle has the cluster keep an archive, unless it does already, and returns the SHA-256 under which it does, when this
// node's own view has all of it. An archive that no version names goes after a while.
func (r *Registry) PutBundle(ctx context.Context, archive []byte) (string, error) {
	if len(archive) == 0 {
		return "", errors.New("a bundle of no bytes cannot be kept: build it with `pyudf bundle build`")
	}
	sum := sha256.Sum256(archive)
	sha := hex.EncodeToString(sum[:])
	if pieces := r.toWrite(sha, cut(sha, archive, r.table.Limit())); len(pieces) > 0 {
		if err := r.writePieces(ctx, pieces); err != nil {
			return "", fmt.Errorf("keep bundle %s: %w", sha, err)
		}
	}
	if err := r.await(ctx, func() bool { return r.view.bundles[sha].whole() }); err != nil {
		return "", fmt.Errorf("keep bundle %s: it was written, but did not come back from topic %q: %w", sha, r.topic, err)
	}
	return sha, nil
}

// toWrite returns the pieces of a bundle that are not there. One that may soon go because no version names it counts as new.
func (r *Registry) toWrite(sha string, pieces []piece) []piece {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.view.spare(sha, r.config.Now(), r.config.Grace/2) {
		return pieces
	}
	return r.view.bundles[sha].missing(pieces)
}

func (r *Registry) writePieces(ctx context.Context, pieces []piece) error {
	w, err := r.table.OpenWriter(ctx)
	if err != nil {
		return err
	}
	defer w.Close() //nolint:errcheck // all is flushed
	for _, p := range pieces {
		if err := w.Put(ctx, p.key, p.data, p.headers()); err != nil {
			return err
		}
		if err := w.Flush(ctx); err != nil { // one by one, as two in a batch may be larger than the topic takes
			return err
		}
	}
	return nil
}

// Bundle reads an archive from the topic. An error wraps ErrNoBundle if the cluster does not have it.
func (r *Registry) Bundle(ctx context.Context, sha string) ([]byte, error) {
	for cover := r.cover(sha); cover != nil; {
		archive, err := r.readParts(ctx, cover)
		if err != nil && !errors.Is(err, errMoved) {
			return nil, fmt.Errorf("read bundle %s: %w", sha, err)
		}
		if sum := sha256.Sum256(archive); err == nil && hex.EncodeToString(sum[:]) == sha {
			return archive, nil
		}
		// Its parts may have been written again meanwhile, or they are damaged.
		if err := r.readToEnd(ctx); err != nil {
			return nil, fmt.Errorf("read bundle %s: %w", sha, err)
		}
		if again := r.cover(sha); !slices.Equal(again, cover) {
			cover = again
			continue
		}
		r.forgetBundle(sha)
		return nil, fmt.Errorf("%w: what topic %q has as %s is something else: deploy it again", ErrNoBundle, r.topic, sha)
	}
	return nil, fmt.Errorf("%w %s, or not all of it: deploy it again", ErrNoBundle, sha)
}

// cover returns the parts of a bundle, nil if it is not whole.
func (r *Registry) cover(sha string) []part {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.view.bundles[sha].cover()
}

// forgetBundle has this node take a bundle for one that is not there, so that it is written again when somebody deploys it.
func (r *Registry) forgetBundle(sha string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.view.bundles, sha)
}

// How the reading of parts ends.
var (
	errRead  = errors.New("all parts are read")
	errMoved = errors.New("a part is not where it was")
)

// readParts returns the archive that parts make up. REQUIRES: they cover it.
func (r *Registry) readParts(ctx context.Context, parts []part) ([]byte, error) {
	wanted := map[int64]part{}
	for _, p := range parts {
		wanted[p.offset] = p
	}
	first, last := slices.Min(slices.Collect(maps.Keys(wanted))), slices.Max(slices.Collect(maps.Keys(wanted)))
	archive := make([]byte, parts[0].size)
	err := r.table.Follow(ctx, first, func(batch *record.Batch, next int64) error {
		for i := range entries(batch) {
			p, ok := wanted[batch.Offsets[i]]
			if value := batch.Values.At(i); ok && int64(len(value)) == p.bytes {
				copy(archive[p.at:], value)
				delete(wanted, p.offset)
			}
		}
		switch {
		case len(wanted) == 0:
			return errRead
		case next > last:
			return errMoved
		default:
			return nil
		}
	})
	if errors.Is(err, errRead) {
		return archive, nil
	}
	return nil, err
}
