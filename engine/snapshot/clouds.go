//go:build clouds

package snapshot

// Google's and Azure's clients would double what the first build of everybody takes: docs/adr/0006.
import (
	_ "gocloud.dev/blob/azureblob"
	_ "gocloud.dev/blob/gcsblob"
)
