package registry

import (
	"maps"
	"slices"
	"time"

	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

const (
	// usualGrace is how long a bundle stays that no version names, as somebody may be about to deploy it.
	usualGrace = time.Hour
	// forgottenAfter is how long a node stays that does not say anything any more.
	forgottenAfter = 24 * time.Hour
	// AnnounceEvery is how often nodes are to announce themselves.
	AnnounceEvery = 3 * time.Second
	// aliveFor is how long a node counts as alive after it was seen. A transaction of a node that died keeps what comes after
	// it from readers for some 15 s, if nobody changes anything.
	aliveFor = 20 * time.Second
)

// Alive tells whether a node was seen lately.
func Alive(node *controlv1.Node, now time.Time) bool {
	return now.Sub(time.UnixMilli(node.GetSeenMs())) < aliveFor
}

// garbage returns the keys of what nobody needs any more, sorted, at most as many as are worth a transaction.
func (v *view) garbage(now time.Time, grace time.Duration) []string {
	const most = 1000
	var keys []string
	for id, node := range v.nodes {
		if now.Sub(time.UnixMilli(node.GetSeenMs())) > forgottenAfter {
			keys = append(keys, nodePrefix+id)
		}
	}
	for sha, parts := range v.bundles {
		if v.spare(sha, now, grace) {
			keys = slices.AppendSeq(keys, maps.Keys(parts))
		}
	}
	slices.Sort(keys)
	return keys[:min(len(keys), most)]
}

// spare tells whether a bundle is older than it may be without a version that names it. A deployment that this node cannot
// read may name it.
func (v *view) spare(sha string, now time.Time, older time.Duration) bool {
	written, known := v.bundles[sha].youngest()
	if !known || now.Sub(time.UnixMilli(written)) <= older || v.names(sha) {
		return false
	}
	for _, a := range v.aside {
		if a.Deployment != "" {
			return false
		}
	}
	return true
}

// names tells whether some deployment needs a bundle.
func (v *view) names(sha string) bool {
	for _, d := range v.deployments {
		if slices.ContainsFunc(d.GetVersions(), func(version *controlv1.Version) bool { return version.GetArchive() == sha }) {
			return true
		}
	}
	return false
}

// with returns the view as it will be when a deployment is another one; nil: it is not there.
func (v *view) with(name string, d *controlv1.Deployment) *view {
	out := *v
	out.deployments = maps.Clone(v.deployments)
	delete(out.deployments, name)
	if d != nil {
		out.deployments[name] = d
	}
	return &out
}

// incomplete returns a bundle that a deployment names, did not name before, and that is not whole; empty: there is none.
func (v *view) incomplete(before, after *controlv1.Deployment) string {
	named := map[string]bool{}
	for _, version := range before.GetVersions() {
		named[version.GetArchive()] = true
	}
	for _, version := range after.GetVersions() {
		sha := version.GetArchive()
		if sha != "" && !named[sha] && !v.bundles[sha].whole() {
			return sha
		}
	}
	return ""
}
