package snapshot

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/s3blob" // s3://
)

// place is where snapshots are kept.
type place struct {
	bucket *blob.Bucket
	// name says to people which it is, without the parameters of its URL.
	name string
}

// openPlace opens a directory, or what a URL names.
func openPlace(ctx context.Context, where string) (place, error) {
	if !strings.Contains(where, "://") {
		return openDirectory(where)
	}
	at, err := url.Parse(where)
	if err != nil {
		return place{}, fmt.Errorf("%q is no place for snapshots: %w; name a directory, or a bucket as in s3://bucket/prefix", where, err)
	}
	if at.Scheme == fileblob.Scheme {
		if at.Host != "" || at.RawQuery != "" {
			return place{}, fmt.Errorf("%q is no place for snapshots: write file:///path, or the path alone", where)
		}
		return openDirectory(filepath.FromSlash(at.Path))
	}
	return openBucket(ctx, at)
}

func openDirectory(dir string) (place, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return place{}, fmt.Errorf("there is no directory %s for snapshots: create or mount it, or name another place", dir)
	}
	// Files get their names by being renamed, which works within a disk only.
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{NoTempDir: true, Metadata: fileblob.MetadataDontWrite, DirFileMode: 0o750})
	if err != nil {
		return place{}, fmt.Errorf("open the directory %s for snapshots: %w", dir, err)
	}
	return place{bucket, dir}, nil
}

// openBucket opens a bucket; what stands behind it is the beginning of all names.
func openBucket(ctx context.Context, at *url.URL) (place, error) {
	known := blob.DefaultURLMux()
	if !known.ValidBucketScheme(at.Scheme) {
		hint := ""
		if slices.Contains([]string{"gs", "azblob"}, at.Scheme) {
			hint = ": that needs a pyudf that was built with -tags clouds"
		}
		return place{}, fmt.Errorf("this pyudf cannot keep snapshots in %s://%s; it knows %s:// and directories",
			at.Scheme, hint, strings.Join(known.BucketSchemes(), "://, "))
	}
	name := at.Scheme + "://" + at.Host + at.Path
	query := at.Query()
	if at.Scheme == "s3" && query.Has("endpoint") && !query.Has("use_path_style") {
		query.Set("use_path_style", "true") // no other server than Amazon's can be relied on to have a name for each bucket
	}
	bare := &url.URL{Scheme: at.Scheme, Host: at.Host, RawQuery: query.Encode()}
	bucket, err := known.OpenBucketURL(ctx, bare)
	if err != nil {
		return place{}, fmt.Errorf("open %s for snapshots: %w", name, err)
	}
	if prefix := strings.Trim(at.Path, "/"); prefix != "" {
		bucket = blob.PrefixedBucket(bucket, prefix+"/")
	}
	return place{bucket, name}, nil
}
