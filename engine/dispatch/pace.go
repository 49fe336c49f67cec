package dispatch

import (
	"sync"
	"time"
)

// pace learns how long a row of each work takes, so that calls can be cut to a size that keeps every worker busy
// and stays far from the timeout. Results do not depend on it.
type pace struct {
	mu   sync.Mutex
	cost map[work]time.Duration // of a row; guarded by mu
}

// work is what takes its time: a function, or one action of an aggregator.
type work struct {
	function string
	action   Action
}

func workOf(f *Function, c *Call) work {
	if c.Groups == nil {
		return work{function: f.ID}
	}
	return work{f.ID, c.Groups.Action}
}

const (
	// targetBusy is how long a call should keep a worker busy: long against the cost of a message, short for people.
	targetBusy = 50 * time.Millisecond
	// firstRows is the size of a call of a function that nobody knows yet.
	firstRows = 256
	// MaxRows is the largest call.
	MaxRows = 16384
)

// rows returns how many rows a call should have, and whether that is more than a guess.
func (p *pace) rows(w work) (size int, known bool) {
	p.mu.Lock()
	cost, known := p.cost[w]
	p.mu.Unlock()
	if !known {
		return firstRows, false
	}
	return int(min(max(targetBusy/max(cost, 1), 1), MaxRows)), true
}

// learn notes that rows took busy. Slower is believed at once, faster by and by.
func (p *pace) learn(w work, rows int, busy time.Duration) {
	if rows == 0 {
		return
	}
	seen := busy / time.Duration(rows)
	p.mu.Lock()
	defer p.mu.Unlock()
	if cost, known := p.cost[w]; known && seen < cost {
		seen = (3*cost + seen) / 4
	}
	p.cost[w] = seen
}

// cut returns the ends of the slices of a call of n rows.
func cut(n, size int) []int {
	var ends []int
	pieces := max((n+size-1)/size, 1)
	for i := 1; i <= pieces; i++ {
		ends = append(ends, n*i/pieces)
	}
	return ends
}
