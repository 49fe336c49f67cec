package memory_test

import (
	"context"
	"runtime/debug"
	"testing"
	"testing/synctest"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/memory"
)

func TestASmallHeapMayDoubleAndALargeOneHasLittleRoom(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 64 << 20: 100, 128 << 20: 50, 256 << 20: 25, 10 << 30: 20} {
		if got := memory.Percent(live); got != want {
			t.Errorf("%d MB: %d %%, want %d %%", live>>20, got, want)
		}
	}
}

func TestTheSettingIsAsBeforeOnceNobodyWatches(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(77)
	defer debug.SetGCPercent(before)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { memory.Watch(ctx); close(done) }()
		synctest.Wait()
		cancel()
		<-done
	})
	if got := debug.SetGCPercent(77); got != 77 {
		t.Error(got)
	}
}
