// Package memory owns how much room the garbage collector leaves itself: as much as the heap where that is small, so that
// it costs nothing, and little of a large one, so that a process with much state needs not twice its size.
//
// It knows nothing of what is in the heap. The command starts it with a run.
package memory

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// room is what the collector may use beyond what is alive.
	room = 64 << 20
	// share is the least room, in percent of what is alive.
	share = 20
	often = 500 * time.Millisecond
)

// Percent returns the collector's setting for so many bytes that are alive.
func Percent(live uint64) int {
	if live <= room {
		return 100
	}
	return int(max(room*100/live, share)) //nolint:gosec // at most 100
}

// Watch keeps the setting up to date until ctx ends, unless $GOGC says what it shall be.
func Watch(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	ticker := time.NewTicker(often)
	defer ticker.Stop()
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	last := 100
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(sample)
		if percent := Percent(sample[0].Value.Uint64()); percent != last {
			debug.SetGCPercent(percent)
			last = percent
		}
	}
}
