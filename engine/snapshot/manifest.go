package snapshot

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// version is that of the manifests that this program writes and reads.
const version = 1

// What stands below a store.
const (
	filesDir     = "files/"
	manifestsDir = "manifests/"
)

// errDamaged is wrapped by what is said of a snapshot that is not whole.
var errDamaged = errors.New("the snapshot is damaged")

// manifest says what a snapshot is.
type manifest struct {
	Version int       `json:"version"`
	Offset  int64     `json:"offset"`
	Time    time.Time `json:"time"`
	Bytes   int64     `json:"bytes"`
	Files   []file    `json:"files"`
}

// file is one of a checkpoint, which is kept as an object. An empty one is nowhere but in the manifest.
type file struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Object string `json:"object"`
}

// listed is a manifest that was seen.
type listed struct {
	key     string
	offset  int64
	written time.Time
}

func (m *manifest) info() Info {
	return Info{Offset: m.Offset, Time: m.Time, Bytes: m.Bytes, Files: len(m.Files)}
}

// encode returns the manifest's bytes and name. The name has a part of their checksum, so that it also tells two apart.
func (m *manifest) encode() (name string, data []byte, err error) {
	data, err = json.MarshalIndent(m, "", " ")
	return fmt.Sprintf("%020d-%s.json", m.Offset, checksum(data)), data, err
}

func checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// offsetOf returns the offset that a manifest's name tells; ok is false if it is not the name of one.
func offsetOf(name string) (offset int64, ok bool) {
	digits, rest, cut := strings.Cut(name, "-")
	if !cut || len(digits) != 20 || len(rest) != len("0123456789abcdef.json") || !strings.HasSuffix(rest, ".json") {
		return 0, false
	}
	offset, err := strconv.ParseInt(digits, 10, 64)
	return offset, err == nil
}

// manifests returns those of a store, the newest first.
func (s *Snapshots) manifests(ctx context.Context, dir string) ([]listed, error) {
	var out []listed
	err := s.each(ctx, dir+manifestsDir, func(object *blob.ListObject) {
		if offset, ok := offsetOf(path.Base(object.Key)); ok {
			out = append(out, listed{object.Key, offset, object.ModTime})
		}
	})
	slices.SortFunc(out, newestFirst)
	return out, err
}

func newestFirst(a, b listed) int {
	return cmp.Or(cmp.Compare(b.offset, a.offset), b.written.Compare(a.written), cmp.Compare(a.key, b.key))
}

// each visits what begins with a prefix.
func (s *Snapshots) each(ctx context.Context, prefix string, visit func(*blob.ListObject)) error {
	all := s.bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		object, err := all.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return s.failed(err, "list "+prefix)
		}
		visit(object)
	}
}

// read reads a manifest. One that is not as it was written is errDamaged.
func (s *Snapshots) read(ctx context.Context, from listed) (*manifest, error) {
	data, err := s.bucket.ReadAll(ctx, from.key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, fmt.Errorf("%w: %s is gone", errDamaged, from.key)
	}
	if err != nil {
		return nil, s.failed(err, "read "+from.key)
	}
	if !strings.HasSuffix(from.key, "-"+checksum(data)+".json") {
		return nil, fmt.Errorf("%w: %s is not what was written", errDamaged, from.key)
	}
	m := &manifest{}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errDamaged, from.key, err)
	}
	if m.Version != version {
		return nil, fmt.Errorf("%s is of version %d, and this pyudf reads version %d: use the pyudf that wrote it", from.key, m.Version, version)
	}
	for _, f := range m.Files {
		if !filepath.IsLocal(f.Name) || filepath.Base(f.Name) != f.Name {
			return nil, fmt.Errorf("%w: %s names a file %q", errDamaged, from.key, f.Name)
		}
	}
	return m, nil
}
