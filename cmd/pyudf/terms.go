package main

import (
	"cmp"
	"fmt"
	"time"
)

// What --guarantee takes.
const (
	exactlyOnce = "exactly-once"
	atLeastOnce = "at-least-once"
)

// terms say how an app is run, by a command or by nodes. What is zero was not said.
type terms struct {
	workers        int
	guarantee      string
	commitInterval time.Duration
}

// orUsual returns the terms with the usual ones where nothing was said.
func (t terms) orUsual() terms {
	return terms{cmp.Or(t.workers, 1), cmp.Or(t.guarantee, exactlyOnce), cmp.Or(t.commitInterval, time.Second)}
}

// check returns what is wrong with them.
func (t terms) check() (faults []error) {
	if t.workers < 1 {
		faults = append(faults, fmt.Errorf("--workers %d: write 1 or more", t.workers))
	}
	if t.commitInterval <= 0 {
		faults = append(faults, fmt.Errorf("--commit-interval %s: write a time such as 5s", t.commitInterval))
	}
	if t.guarantee == exactlyOnce && t.commitInterval > longestTransaction/2 {
		faults = append(faults, fmt.Errorf("--commit-interval %s: a transaction should not last longer than 7m; write less, or add --guarantee %s", t.commitInterval, atLeastOnce))
	}
	if t.guarantee != exactlyOnce && t.guarantee != atLeastOnce {
		faults = append(faults, fmt.Errorf("--guarantee %s: write %s or %s", t.guarantee, exactlyOnce, atLeastOnce))
	}
	return faults
}
