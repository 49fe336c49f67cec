//go:build race

package kafkatest

//nolint:gochecknoglobals // a constant in all but its type
var raceFlags = []string{"-race"}

// Race tells whether the programs under test have the race detector.
const Race = true
