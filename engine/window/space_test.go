package window_test

import (
	"math"
	"strconv"
	"testing"

	"github.com/pyudf/pyudf/engine/window"
)

// R1, smaller: each of many keys has a hundred windows, one after the other.
func TestClosedWindowsGiveTheirSpaceBack_R1(t *testing.T) {
	const keys, rounds = 100, 100
	for name, config := range map[string]window.Config{
		"tumbling": tumbling(10), "sliding": sliding(5), "sessions": session(3),
		"sessions of limited length": with(session(3), func(c *window.Config) { c.MaxDuration = 8 }),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, config)
			highest, watermark := uint32(0), int64(math.MinInt64)
			for round := range int64(rounds) {
				var batch []event
				for key := range keys {
					batch = append(batch, event{key: strconv.Itoa(key), time: 10 * round, watermark: watermark, gap: config.Gap})
					watermark = 10 * round
				}
				r.add(batch...)
				r.commit()
				r.reopen()
				for cell := range r.stored {
					highest = max(highest, cell)
				}
				if len(r.stored) > 2*keys {
					t.Fatalf("%d cells are stored for %d keys after %d windows each", len(r.stored), keys, round+1)
				}
			}
			r.advance(window.MaxTime)
			r.commit()
			r.reopen()
			if len(r.stored) > 0 || r.op.Open() > 0 {
				t.Errorf("%d cells are stored and %d open after the end", len(r.stored), r.op.Open())
			}
			if highest > 2*keys {
				t.Errorf("cells are numbered up to %d for %d keys", highest, keys)
			}
			if len(r.given) != keys*rounds {
				t.Errorf("%d results, want %d", len(r.given), keys*rounds)
			}
		})
	}
}
