package snapshot

import "gocloud.dev/blob"

// In returns the snapshots of a bucket that a test opened.
func In(bucket *blob.Bucket, config Config) *Snapshots {
	return in(place{bucket, "the bucket"}, config)
}
