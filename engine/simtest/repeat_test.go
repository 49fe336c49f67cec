package simtest_test

import (
	"slices"
	"testing"
)

// TestASeedTellsTheSameAgain allows for some that do not: where two goroutines of the engine are free to go on at once, it is
// not the conductor that decides.
func TestASeedTellsTheSameAgain(t *testing.T) {
	const seeds = 60
	same := 0
	for seed := range uint64(seeds) {
		trace, _ := simulate(t, seed)
		again, _ := simulate(t, seed)
		if slices.Equal(trace, again) {
			same++
		}
	}
	if same < seeds/2 {
		t.Errorf("only %d of %d seeds told the same again", same, seeds)
	}
}
