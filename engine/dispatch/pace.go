package dispatch

import (
	"sync"
	"time"
)

// pace learns how long a row of each function takes, so that calls can be cut to a size that keeps every worker busy
// and stays far from the timeout. Results do not depend on it.
type pace struct {
	mu   sync.Mutex
	cost map[string]time.Duration // of a row, by function; guarded by mu
}

const (
	// targetBusy is how long a call should keep a worker busy: long against the cost of a message, short for people.
	targetBusy = 50 * time.Millisecond
	// firstRows is the size of a call of a function that nobody knows yet.
	firstRows = 256
	// MaxRows is the largest call.
	MaxRows = 16384
)

// rows returns how many rows a call should have.
func (p *pace) rows(function string) int {
	p.mu.Lock()
	cost, known := p.cost[function]
	p.mu.Unlock()
	if !known {
		return firstRows
	}
	return int(min(max(targetBusy/max(cost, 1), 1), MaxRows))
}

// learn notes that rows took busy. Slower is believed at once, faster by and by.
func (p *pace) learn(function string, rows int, busy time.Duration) {
	if rows == 0 {
		return
	}
	seen := busy / time.Duration(rows)
	p.mu.Lock()
	defer p.mu.Unlock()
	if cost, known := p.cost[function]; known && seen < cost {
		seen = (3*cost + seen) / 4
	}
	p.cost[function] = seen
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
