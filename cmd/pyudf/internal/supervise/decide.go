package supervise

import (
	"time"

	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// step is what a keeper does next.
type step int

const (
	wait step = iota
	// halt ends what runs, and leaves its groups.
	halt
	// advance makes the wanted version ready and lets it take over.
	advance
	// leave ends what runs for good: the deployment is gone.
	leave
)

// having is how a keeper stands.
type having struct {
	// runs is the version that runs, nil if none does.
	runs *controlv1.Version
	// gone tells that the cluster has the deployment no more.
	gone bool
	// failed is the revision that did not come up last, and notBefore when it is tried again.
	failed    uint64
	notBefore time.Time
	now       time.Time
}

// decide returns what brings a keeper nearer to what is wanted.
func decide(want *controlv1.Deployment, have having) step {
	switch {
	case have.gone:
		return leave
	case want == nil:
		return wait
	case want.GetStopped():
		if have.runs != nil {
			return halt
		}
		return wait
	case same(have.runs, current(want)):
		return wait
	case have.failed == want.GetRevision() && have.now.Before(have.notBefore):
		return wait
	default:
		return advance
	}
}

// current returns the version of a deployment that is to run, nil if it has none.
func current(d *controlv1.Deployment) *controlv1.Version {
	for _, v := range d.GetVersions() {
		if v.GetNumber() == d.GetCurrent() {
			return v
		}
	}
	return nil
}

// same tells whether two versions are one: a number that did not come up is given again.
func same(a, b *controlv1.Version) bool {
	return a != nil && b != nil && a.GetNumber() == b.GetNumber() && a.GetArchive() == b.GetArchive() && a.GetDeployedMs() == b.GetDeployedMs()
}

// pauses between two attempts.
const (
	firstPause   = 2 * time.Second
	longestPause = time.Minute
)

// backoff returns the pause after an attempt that failed, and the one after the next.
func backoff(last time.Duration) time.Duration {
	if last == 0 {
		return firstPause
	}
	return min(2*last, longestPause)
}
