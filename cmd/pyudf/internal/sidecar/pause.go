package sidecar

import "time"

const (
	// firstPause and longestPause are between the end of a worker and the start of the next.
	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
	// settled is how long a worker has to live that the next one is started as if it were the first.
	settled = 10 * time.Second
)

// pause grows while workers end soon after their start.
type pause struct{ next time.Duration }

// after returns how long to wait behind a worker that lived for so long.
func (p *pause) after(lived time.Duration) time.Duration {
	if lived >= settled || p.next == 0 {
		p.next = firstPause
	}
	now := p.next
	p.next = min(2*p.next, longestPause)
	return now
}
