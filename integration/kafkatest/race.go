//go:build race

package kafkatest

//nolint:gochecknoglobals // a constant in all but its type
var raceFlags = []string{"-race"}
