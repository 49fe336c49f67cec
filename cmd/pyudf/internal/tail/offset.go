package tail

import (
	"fmt"
	"strconv"

	"github.com/pyudf/pyudf/engine/record"
)

// Kafka's own names for places in a partition, which its clients resolve: the oldest record, the end, and n records
// before the end as lastBase - n.
const (
	earliest = -2
	latest   = -1
	lastBase = -2000
)

// maxLast is the largest n of "the last n records"; it only keeps typing errors away.
const maxLast = 1_000_000_000

// Offset reads --offset: a number, earliest, latest, or -n for the last n records of each partition.
func Offset(text string) (int64, error) {
	switch text {
	case "earliest":
		return earliest, nil
	case "latest":
		return latest, nil
	}
	offset, err := strconv.ParseInt(text, 10, 64)
	if err != nil || offset < -maxLast {
		return 0, fmt.Errorf("--offset %s: write a number, earliest, latest, or -n for the last n records of each partition", text)
	}
	if offset < 0 {
		return lastBase + offset, nil
	}
	return offset, nil
}

// Positions returns where to begin: in the one partition that was asked for, or in all if it is negative.
func Positions(topic string, partitions, only int, offset int64) ([]record.Position, error) {
	if only >= partitions {
		return nil, fmt.Errorf("--partition %d: %s has the partitions 0 to %d", only, topic, partitions-1)
	}
	var positions []record.Position
	for index := range partitions {
		if only < 0 || index == only {
			partition := record.Partition{Topic: topic, Index: int32(index)} //nolint:gosec // a partition's number fits
			positions = append(positions, record.Position{Partition: partition, Offset: offset})
		}
	}
	return positions, nil
}
