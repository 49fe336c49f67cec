package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What keys begin with.
const (
	deploymentPrefix = "deployment/"
	bundlePrefix     = "bundle/"
	nodePrefix       = "node/"
)

// Headers of records.
const (
	// markHeader tells one change from another that says the same.
	markHeader = "change"
	// atHeader and sizeHeader are where in its archive a part begins, and how large the archive is.
	atHeader   = "at"
	sizeHeader = "size"
)

// topicPrefix comes before the name of a cluster in that of its topic.
const topicPrefix = "_pyudf-"

// Topic returns the topic of a cluster, which is the transactional id of changes, too.
func Topic(cluster string) (string, error) {
	const most = 249 // as for all topics
	if !regexp.MustCompile(`^[a-zA-Z0-9._-]+$`).MatchString(cluster) || len(topicPrefix+cluster) > most {
		return "", fmt.Errorf("%q cannot be the name of a cluster, as its topic has it: use letters, digits, '.', '_' and '-', at most %d",
			cluster, most-len(topicPrefix))
	}
	return topicPrefix + cluster, nil
}

func checkDeploymentName(name string) error {
	const most = 200
	odd := func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }
	if name == "" || len(name) > most || strings.ContainsFunc(name, odd) {
		return fmt.Errorf("%q cannot be the name of a deployment: it needs 1 to %d bytes of text without control characters", name, most)
	}
	return nil
}

func partKey(sha string, number int) string {
	return fmt.Sprintf("%s%s/%06d", bundlePrefix, sha, number)
}

// bundleOf returns the bundle that a part with this key is of.
func bundleOf(key string) (sha string, ok bool) {
	rest, ok := strings.CutPrefix(key, bundlePrefix)
	sha, number, cut := strings.Cut(rest, "/")
	return sha, ok && cut && isHash(sha) && number != "" && strings.Trim(number, "0123456789") == ""
}

// isHash tells whether a text is a SHA-256 as it stands in keys.
func isHash(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == sha256.Size && strings.ToLower(text) == text
}
